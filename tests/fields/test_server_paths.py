from __future__ import annotations

import copy
from typing import Any

import pytest
from towline.fields import server_paths

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
    assert server_paths.to_pointer(path, BODY) == pointer


@pytest.mark.parametrize(
    ("pointer", "path"),
    [
        ("/spec/replicas", ("spec", "replicas")),
        ("/spec/ports/1/protocol", ("spec", "ports", 1, "protocol")),
        ("/metadata/annotations/a~0b", ("metadata", "annotations", "a~b")),
        ("/metadata/labels/app.kubernetes.io~1name", ("metadata", "labels", "app.kubernetes.io/name")),
    ],
)
def test_an_object_without_one_key_lacks_nothing_else(pointer: str, path: tuple[Any, ...]) -> None:
    expected = copy.deepcopy(BODY)
    holder: Any = expected
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    before = copy.deepcopy(BODY)

    assert server_paths.without(BODY, pointer) == expected
    assert before == BODY


@pytest.mark.parametrize(
    "pointer", ["", "/spec/none", "/spec/ports/1", "/spec/ports/9/port", "/spec/replicas/x"]
)
def test_what_names_no_key_leaves_the_object_as_it_is(pointer: str) -> None:
    assert server_paths.without(BODY, pointer) is BODY
