"""Objects are checked as strictly as the API server checks them, and no message repeats a value."""

from __future__ import annotations

from typing import Any

import pytest
from towline.read.checking import known_kinds, strict_schema
from towline.read.checking.known_kinds import KnownKinds
from towline.read.checking.strict_schema import SchemaError

SECRET = "hunter2"


@pytest.fixture(scope="module")
def kinds() -> KnownKinds:
    return known_kinds.bundled("1.37").with_crds([WIDGET])


def errors(kinds: KnownKinds, version: str, kind: str, **fields: Any) -> tuple[SchemaError, ...]:
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, **fields}
    return strict_schema.errors(kinds.kinds[version, kind].schema, kinds.definitions, body)


def told(kinds: KnownKinds, version: str, kind: str, **fields: Any) -> list[tuple[str, str]]:
    return [(each.rule, each.field) for each in errors(kinds, version, kind, **fields)]


def pod(**container: Any) -> dict[str, Any]:
    return {"containers": [{"name": "a", **container}]}


CONTAINER = "/spec/containers/0"

GOOD: list[dict[str, Any]] = [
    {"resources": {"limits": {"cpu": 1, "memory": "1Gi", "a": 0.5}}},
    {"livenessProbe": {"httpGet": {"port": "http"}}},
    {"livenessProbe": {"httpGet": {"port": 80}}},
    {"ports": [{"containerPort": 80.0, "protocol": ""}]},
    {"env": None, "imagePullPolicy": "Always"},
    {"livenessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "a"}]}}},
    {"resources": {"limits": {"cpu": "100m ", "memory": "1e100"}}},
    {"lifecycle": {"preStop": {"sleep": {}}}},
    {"ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]},
    {"args": ["a", "a", None]},
]

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"image": 5}, "WrongType", "/image"),
    ({"imag": SECRET}, "UnknownField", "/imag"),
    ({"imagePullPolicy": SECRET}, "Invalid", "/imagePullPolicy"),
    ({"ports": [{"containerPort": "80"}]}, "WrongType", "/ports/0/containerPort"),
    ({"ports": [{"containerPort": True}]}, "WrongType", "/ports/0/containerPort"),
    ({"ports": [{"containerPort": 2**31}]}, "WrongType", "/ports/0/containerPort"),
    ({"ports": [{"name": "a"}]}, "MissingField", "/ports/0/containerPort"),
    ({"ports": {"name": "a"}}, "WrongType", "/ports"),
    ({"tty": "true"}, "WrongType", "/tty"),
    ({"livenessProbe": {"httpGet": {"port": 1.5}}}, "WrongType", "/livenessProbe/httpGet/port"),
    ({"livenessProbe": {"httpGet": {"port": True}}}, "WrongType", "/livenessProbe/httpGet/port"),
    ({"resources": {"limits": {"cpu": SECRET}}}, "WrongType", "/resources/limits/cpu"),
    ({"resources": {"limits": {"cpu": True}}}, "WrongType", "/resources/limits/cpu"),
    ({"env": [{"name": "A", "value": 1}]}, "WrongType", "/env/0/value"),
    ({"livenessProbe": {"httpGet": {"port": 2**31}}}, "WrongType", "/livenessProbe/httpGet/port"),
    ({"env": [{"name": "A"}, {"name": "A", "value": SECRET}]}, "Invalid", "/env/1"),
    ({"env": [{"name": "A"}, None]}, "Invalid", "/env/1"),
    (
        {"ports": [{"containerPort": 80}, {"containerPort": 80.0, "protocol": "TCP"}]},
        "Invalid",
        "/ports/1",
    ),
]


@pytest.mark.parametrize("container", GOOD, ids=str)
def test_what_the_api_server_accepts_is_no_error(kinds: KnownKinds, container: dict[str, Any]) -> None:
    assert told(kinds, "v1", "Pod", spec=pod(**container)) == []


@pytest.mark.parametrize(("container", "rule", "field"), BAD, ids=str)
def test_what_the_api_server_refuses_is_named_with_its_field_and_without_its_value(
    kinds: KnownKinds, container: dict[str, Any], rule: str, field: str
) -> None:
    (found,) = errors(kinds, "v1", "Pod", spec=pod(**container))
    assert (found.rule, found.field) == (rule, f"{CONTAINER}{field}")
    assert SECRET not in found.message


def test_a_missing_field_is_named(kinds: KnownKinds) -> None:
    assert told(kinds, "apps/v1", "Deployment", spec={"selector": {}}) == [("MissingField", "/spec/template")]


@pytest.mark.parametrize("version", known_kinds.VERSIONS)
def test_a_field_that_the_api_server_fills_in_is_not_missing(version: str) -> None:
    subjects = [{"kind": "ServiceAccount", "name": "a"}]
    fields: dict[str, Any] = {"roleRef": {"kind": "Role", "name": "a"}, "subjects": subjects}
    assert told(known_kinds.bundled(version), "rbac.authorization.k8s.io/v1", "RoleBinding", **fields) == []


def test_a_status_is_not_written_and_may_lack_fields(kinds: KnownKinds) -> None:
    assert told(kinds, "v1", "Pod", spec=pod(), status={"conditions": [{"type": "Ready"}]}) == []
    assert told(kinds, "v1", "Pod", spec=pod(), status={"phas": "x"}) == [("UnknownField", "/status/phas")]


@pytest.mark.parametrize("time", ["2026-01-02T15:04:05Z", "2026-01-02t15:04:05.000000z", "2026-01-02"])
def test_a_time_with_microseconds_has_six_digits_of_them(kinds: KnownKinds, time: str) -> None:
    found = told(kinds, "coordination.k8s.io/v1", "Lease", spec={"renewTime": time})
    assert found == [("WrongType", "/spec/renewTime")]
    good = {"renewTime": "2026-01-02T15:04:05.000000+01:00"}
    assert told(kinds, "coordination.k8s.io/v1", "Lease", spec=good) == []


CRD_FIELDS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"type": "array", "items": {"type": "string", "maxLength": 3, "unknown": 1}}, []),
    ({"type": "array", "items": {"type": 5}}, [("WrongType", "/items/type")]),
    ({"type": "object", "additionalProperties": True}, []),
    ({"type": "object", "additionalProperties": "any"}, [("WrongType", "/additionalProperties")]),
    ({"type": "object", "properties": {"a": {"typ": "string"}}}, [("UnknownField", "/properties/a/typ")]),
]


@pytest.mark.parametrize(("field", "expected"), CRD_FIELDS, ids=str)
def test_the_schema_in_a_crd_is_itself_checked(
    kinds: KnownKinds, field: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    schema = {"type": "object", "properties": {"x": field}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    at = "/spec/versions/0/schema/openAPIV3Schema/properties/x"
    found = told(
        kinds,
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        spec={**WIDGET["spec"], "versions": [version]},
    )
    assert found == [(rule, at + where) for rule, where in expected]


def test_the_data_of_a_secret_must_be_base64_and_is_not_shown(kinds: KnownKinds) -> None:
    (found,) = errors(kinds, "v1", "Secret", data={"a": "hunter2!", "b": "aHVudGVyMg=="})
    assert found.field == "/data/a"
    assert SECRET not in found.message


WIDGET = {
    "spec": {
        "group": "example.com",
        "names": {"kind": "Widget", "plural": "widgets"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["size", "shape"],
                                "properties": {
                                    "size": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
                                    "shape": {"type": "string", "default": "round"},
                                    "color": {"type": "string", "enum": ["red", "blue"]},
                                    "port": {"x-kubernetes-int-or-string": True},
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                    "empty": {"type": "object"},
                                    "name": {"type": "string", "pattern": "^a+$", "maxLength": 3},
                                    "pod": {
                                        "type": "object",
                                        "x-kubernetes-embedded-resource": True,
                                        "properties": {"spec": {"type": "object"}},
                                    },
                                    "none": {"type": "string", "nullable": True},
                                    "tags": {
                                        "type": "array",
                                        "items": {"type": "string"},
                                        "x-kubernetes-list-type": "set",
                                    },
                                    "parts": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name", "kind"],
                                        "items": {
                                            "type": "object",
                                            "properties": {
                                                "name": {"type": "string"},
                                                "kind": {"type": "string", "default": "small"},
                                            },
                                        },
                                    },
                                    "slow": {"type": "string", "pattern": "^(a|a|aa)+$"},
                                    "ip": {"type": "string", "format": "ipv4"},
                                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "either": {
                                        "type": "object",
                                        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                                        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                                    },
                                },
                            },
                            "status": {
                                "type": "object",
                                "required": ["phase"],
                                "properties": {"phase": {"type": "string"}},
                            },
                        },
                    }
                },
                "subresources": {"status": {}},
            }
        ],
    }
}

WIDGETS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, []),
    ({"port": "http", "free": {"any": {"thing": 1}}, "none": None, "name": "aa"}, []),
    ({"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}}, []),
    ({"labels": {"a": "b"}, "either": {"a": "x"}}, []),
    ({"size": 0}, [("Invalid", "/spec/size")]),
    ({"size": None}, [("MissingField", "/spec/size")]),
    ({"port": True}, [("WrongType", "/spec/port")]),
    ({"empty": {"a": 1}}, [("UnknownField", "/spec/empty/a")]),
    ({"name": SECRET}, [("Invalid", "/spec/name")]),
    ({"pod": {"podd": 1}}, [("UnknownField", "/spec/pod/podd")]),
    ({"labels": {"a": 1}}, [("WrongType", "/spec/labels/a")]),
    ({"either": {"a": "x", "b": "x"}}, [("Invalid", "/spec/either")]),
    ({"color": ""}, [("Invalid", "/spec/color")]),
    ({"color": None}, [("WrongType", "/spec/color")]),
    ({"shape": None}, []),
    ({"labels": {"a": None}}, [("WrongType", "/spec/labels/a")]),
    ({"tags": ["x", "x"]}, [("Invalid", "/spec/tags/1")]),
    ({"parts": [{"name": "a"}, {"name": "a", "kind": "large"}]}, []),
    ({"parts": [{"name": "a"}, {"name": "a", "kind": "small"}]}, [("Invalid", "/spec/parts/1")]),
    ({"parts": [{"kind": "small"}]}, [("Invalid", "/spec/parts/0/name")]),
    ({"slow": "a" * 5000 + "b"}, [("Invalid", "/spec/slow")]),
    ({"ip": "10.0.0.256"}, [("WrongType", "/spec/ip")]),
]


@pytest.mark.parametrize(("spec", "expected"), WIDGETS, ids=str)
def test_custom_objects_are_checked_by_the_schema_of_their_crd(
    kinds: KnownKinds, spec: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = errors(kinds, "example.com/v1", "Widget", spec={"size": 1, **spec})
    assert [(each.rule, each.field) for each in found] == expected
    assert not any(SECRET in each.message for each in found)


def test_the_status_of_custom_objects_is_not_written_either(kinds: KnownKinds) -> None:
    spec = {"size": 1}
    assert told(kinds, "example.com/v1", "Widget", spec=spec, status={}) == []
    assert told(kinds, "example.com/v1", "Widget", spec=spec, status={"a": 1}) == [
        ("UnknownField", "/status/a")
    ]


ODD: list[dict[str, Any]] = [
    {"ref": "nothing"},
    {"anyOf": [{"ref": "nothing", "choices": 5, "keys": 5}]},
    {"type": "thing"},
    {"type": None, "required": None, "allOf": None},
    {"allOf": [None]},
    {"multipleOf": 0},
    {"items": [{"type": "string"}]},
    {"pattern": "(?<broken"},
]


@pytest.mark.parametrize("schema", ODD, ids=str)
def test_a_crd_with_an_odd_schema_ends_no_check(kinds: KnownKinds, schema: dict[str, Any]) -> None:
    version = {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": schema}}}}
    crd = {"spec": {**WIDGET["spec"], "versions": [version]}}
    for value in (None, 1, 1.5, "a", [1], {"a": 1}):
        assert told(kinds.with_crds([crd]), "example.com/v1", "Widget", a=value) in (
            [],
            [("UnknownField", "/a/a")],
        )


def test_the_metadata_of_custom_objects_is_that_of_all_objects(kinds: KnownKinds) -> None:
    assert told(kinds, "example.com/v1", "Widget", metadata={"name": "a", "annotation": {}}) == [
        ("UnknownField", "/metadata/annotation")
    ]


@pytest.mark.parametrize("version", known_kinds.VERSIONS)
def test_every_bundled_version_has_the_kinds_that_everybody_uses(version: str) -> None:
    found = known_kinds.bundled(version)
    assert found.kinds["apps/v1", "Deployment"].namespaced
    assert not found.kinds["v1", "Namespace"].namespaced
    assert ("v1", "Status") not in found.kinds
    assert len(found.kinds) > 80
