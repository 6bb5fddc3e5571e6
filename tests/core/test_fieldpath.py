from __future__ import annotations

from typing import Any

import pytest
from towline.core import fieldpath

BODY: dict[str, Any] = {
    "metadata": {
        "labels": {"app.kubernetes.io/name": "web", "app": "x"},
        "annotations": {"a~b": "1"},
        "finalizers": ["example.com/one", "example.com/two"],
    },
    "data": {"tls.key": "x", "tls": "y"},
    "spec": {
        "replicas": 1,
        "ports": [{"port": 80}, {"port": 443, "protocol": "UDP"}],
        "template": {
            "spec": {
                "containers": [
                    {"name": "side", "image": "a"},
                    {"name": "main]", "image": "b", "env": [{"name": "A"}, {"name": "B.C"}]},
                ]
            }
        },
    },
}


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        # by index, as 422 writes them
        ("spec.replicas", "/spec/replicas"),
        ("spec.ports[1].port", "/spec/ports/1/port"),
        ("data[tls.key]", "/data/tls.key"),
        ("metadata.annotations[a~b]", "/metadata/annotations/a~0b"),
        ("metadata.labels", "/metadata/labels"),
        ("spec.template.spec.containers[0].image", "/spec/template/spec/containers/0/image"),
        # by key, as 409 and 500 write them
        (".spec.replicas", "/spec/replicas"),
        (".metadata.labels.app.kubernetes.io/name", "/metadata/labels/app.kubernetes.io~1name"),
        (".metadata.labels.app", "/metadata/labels/app"),
        (".data.tls.key", "/data/tls.key"),
        (".data.tls", "/data/tls"),
        ('.spec.template.spec.containers[name="main]"].image', "/spec/template/spec/containers/1/image"),
        (
            '.spec.template.spec.containers[name="main]"].env[name="B.C"]',
            "/spec/template/spec/containers/1/env/1",
        ),
        ('.spec.ports[port=80,protocol="TCP"].port', "/spec/ports/0/port"),
        ('.spec.ports[port=443,protocol="UDP"]', "/spec/ports/1"),
        ('.metadata.finalizers["example.com/two"]', "/metadata/finalizers/1"),
        ('.metadata.finalizers[="example.com/two"]', "/metadata/finalizers/1"),
        # what is not there: by map keys it goes on, in lists it ends
        ("spec.must", "/spec/must"),
        ("spec.strategy.type", "/spec/strategy/type"),
        ("spec.ports[7].port", "/spec/ports"),
        ('.spec.template.spec.containers[name="none"].image', "/spec/template/spec/containers"),
        # no path at all
        ("", ""),
        ("[]", ""),
        ("<nil>", ""),
        ("[", ""),
        ("spec.ports[", "/spec/ports"),
    ],
)
def test_a_field_path_becomes_a_pointer_into_the_declared_object(path: str, pointer: str) -> None:
    assert fieldpath.pointer(path, BODY) == pointer
