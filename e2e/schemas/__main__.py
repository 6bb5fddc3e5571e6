"""`python -m e2e.schemas`: make the package file with the schemas of Kubernetes again, from its Go modules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from e2e.schemas import packing

MODULES = {"1.34": "v1.34.4", "1.35": "v1.35.0", "1.36": "v1.36.0", "1.37": "v1.37.2"}
LIFECYCLE = "v0.37.2"
TARGET = (
    Path(__file__).parents[2] / "operator" / "towline" / "read" / "checking" / "kubernetes-schemas.json.xz"
)

ELSEWHERE = {
    "apiextensions.k8s.io/v1beta1/CustomResourceDefinition": {
        "deprecated": "1.16",
        "removed": "1.22",
        "instead": "apiextensions.k8s.io/v1 CustomResourceDefinition",
    },
    "apiregistration.k8s.io/v1beta1/APIService": {
        "deprecated": "1.19",
        "removed": "1.22",
        "instead": "apiregistration.k8s.io/v1 APIService",
    },
    "policy/v1beta1/PodSecurityPolicy": {
        "deprecated": "1.21",
        "removed": "1.25",
        "instead": "the labels pod-security.kubernetes.io/… of namespaces",
    },
    "extensions/v1beta1/PodSecurityPolicy": {
        "deprecated": "1.11",
        "removed": "1.16",
        "instead": "the labels pod-security.kubernetes.io/… of namespaces",
    },
    "v1/Endpoints": {"deprecated": "1.33", "instead": "discovery.k8s.io/v1 EndpointSlice"},
}
"""What the module `k8s.io/api` does not say, from the deprecation guide of Kubernetes."""

CHOICES = {
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec": {
        "scope": ["Cluster", "Namespaced"]
    },
    "io.k8s.api.rbac.v1.RoleRef": {"kind": ["ClusterRole", "Role"]},
    "io.k8s.api.rbac.v1.Subject": {"kind": ["Group", "ServiceAccount", "User"]},
    "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement": {
        "operator": ["DoesNotExist", "Exists", "In", "NotIn"]
    },
}
"""Allowed values that the API server checks in code."""


def main() -> None:
    """Write the file."""
    pack = packing.Pack()
    for version, tag in MODULES.items():
        module = downloaded(f"k8s.io/kubernetes@{tag}")
        swagger = json.loads((module / "api/openapi-spec/swagger.json").read_bytes())
        source = (module / "pkg/generated/openapi/zz_generated.openapi.go").read_text()
        found = packing.enums(source, swagger["definitions"]) | CHOICES
        pack.add(version, swagger, found, packing.defaults(module))
        sys.stdout.write(f"{tag}: {len(pack.versions[version]['kinds'])} kinds, {len(found)} with enums\n")
    pack.lifecycle = {**packing.lifecycle(downloaded(f"k8s.io/api@{LIFECYCLE}")), **ELSEWHERE}
    content = pack.content()
    TARGET.write_bytes(content)
    sys.stdout.write(f"{TARGET.name}: {len(content)} bytes\n")


def downloaded(module: str) -> Path:
    """Return the folder of a Go module, which the Go client downloads where it has to."""
    done = subprocess.run(["go", "mod", "download", "-json", module], check=True, capture_output=True)
    return Path(json.loads(done.stdout)["Dir"])


if __name__ == "__main__":
    main()
