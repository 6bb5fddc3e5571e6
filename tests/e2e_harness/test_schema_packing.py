"""The schemas of Kubernetes are packed without prose, and with what the published files lack."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

from e2e.schemas import packing

POD = "io.k8s.api.core.v1.Pod"
PORT = "io.k8s.api.core.v1.ContainerPort"
STATUS = "io.k8s.api.core.v1.PodStatus"
SWAGGER: dict[str, Any] = {
    "definitions": {
        POD: {
            "type": "object",
            "description": "prose",
            "required": ["policy", "flag"],
            "properties": {
                "policy": {"type": "string", "description": "prose"},
                "flag": {"type": "boolean"},
                "size": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"},
                "modes": {
                    "type": "array",
                    "items": {"type": "string"},
                    "x-kubernetes-list-type": "set",
                },
                "ports": {
                    "type": "array",
                    "items": {"$ref": f"#/definitions/{PORT}"},
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                },
                "status": {"$ref": f"#/definitions/{STATUS}"},
            },
        },
        "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"},
        PORT: {"type": "object"},
        STATUS: {"type": "object", "required": ["phase"]},
        "io.k8s.api.core.v1.PodList": {"type": "object"},
    },
    "paths": {
        "/api/v1/namespaces/{namespace}/pods": {
            "post": {
                "parameters": [{"in": "body", "schema": {"$ref": f"#/definitions/{POD}"}}],
                "x-kubernetes-group-version-kind": {"group": "", "version": "v1", "kind": "Pod"},
            }
        },
        "/api/v1/namespaces/{namespace}/pods/{name}/eviction": {
            "post": {"x-kubernetes-group-version-kind": {"group": "", "version": "v1", "kind": "Eviction"}}
        },
    },
}
GO = """\
func schema_k8sio_api_core_v1_Pod(ref common.ReferenceCallback) common.OpenAPIDefinition {
\t\t\t\t\t"policy": {
\t\t\t\t\t\t\tEnum:        []interface{}{"Always", "Never"},
\t\t\t\t\t"modes": {
\t\t\t\t\t\t\t\t\t\tEnum:    []interface{}{"Once"},
"""
LIFECYCLE = """\
func (in *Old) APILifecycleDeprecated() (major, minor int) {
\treturn 1, 8
}

func (in *Old) APILifecycleReplacement() schema.GroupVersionKind {
\treturn schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "New"}
}

func (in *Old) APILifecycleRemoved() (major, minor int) {
\treturn 1, 16
}
"""


def test_two_versions_with_the_same_schemas_share_them() -> None:
    pack = packing.Pack()
    enums = packing.enums(GO, SWAGGER["definitions"])
    for version in ("1.1", "1.2"):
        pack.add(version, SWAGGER, enums, {PORT: {"protocol": "TCP"}})
    found = json.loads(lzma.decompress(pack.content()))
    assert found["versions"]["1.1"] == found["versions"]["1.2"]
    assert found["versions"]["1.1"]["kinds"] == {"v1/Pod": [POD, True]}
    assert found["pool"][found["versions"]["1.1"]["definitions"][POD]] == {
        "type": "object",
        "required": ["policy"],
        "additionalProperties": False,
        "properties": {
            "policy": {"type": "string", "choices": ["Always", "Never"]},
            "flag": {"type": "boolean"},
            "size": {"ref": "io.k8s.apimachinery.pkg.api.resource.Quantity"},
            "modes": {"type": "array", "items": {"type": "string", "choices": ["Once"]}, "set": True},
            "ports": {"type": "array", "items": {"ref": PORT}, "keys": {"port": None, "protocol": "TCP"}},
            "status": {"ref": STATUS},
        },
    }
    assert found["pool"][found["versions"]["1.1"]["definitions"][STATUS]] == {"type": "object"}
    assert {"format": "quantity"} in found["pool"]


def test_the_lifecycle_of_old_versions_is_read_from_the_module(tmp_path: Path) -> None:
    folder = tmp_path / "extensions" / "v1beta1"
    folder.mkdir(parents=True)
    (folder / "register.go").write_text('const GroupName = "extensions"\n')
    (folder / "zz_generated.prerelease-lifecycle.go").write_text(LIFECYCLE)
    assert packing.lifecycle(tmp_path) == {
        "extensions/v1beta1/Old": {"deprecated": "1.8", "removed": "1.16", "instead": "apps/v1 New"}
    }
