"""Read the schemas that CustomResourceDefinitions bring, in the form that `strict_schema` checks by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from towline.model import Body

_PRESERVES = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
_NULL = "null"
_EITHER = "x-kubernetes-int-or-string"
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_TYPES = frozenset({"string", "boolean", "integer", "number", "array", "object"})
_VALUES = frozenset({"default", "enum", "example"})
_STRUCTURE = frozenset(
    {"type", "properties", "items", "additionalProperties", "nullable", "default", _EITHER}
    | {"x-kubernetes-list-type", "x-kubernetes-list-map-keys", _PRESERVES, _EMBEDDED}
)
_RULES = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "enum", "format", "pattern", "multipleOf", "required", "uniqueItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"}
    | {"minItems", "maxItems", "minProperties", "maxProperties", _NULL}
)
"""What a schema says of the form of values, and of the values themselves."""

_KEYWORDS = (_STRUCTURE | _RULES) - {_NULL}
_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


class CrdVersion(NamedTuple):
    """One version of a kind that a CRD defines; `deprecated` is the API server's warning, else empty."""

    api_version: str
    kind: str
    served: bool
    namespaced: bool
    schema: Body
    deprecated: str = ""


def versions(crd: Body) -> Iterator[CrdVersion]:
    """Yield the versions of the kind that a CRD defines; none where it does not say what it defines."""
    match crd.get("spec"):
        case {"group": str(group), "names": {"kind": str(kind)}, "scope": scope, "versions": list(given)}:
            for each in given:
                match each:
                    case {"name": str(name)}:
                        yield CrdVersion(
                            api_version=f"{group}/{name}",
                            kind=kind,
                            served=each.get("served") is not False,
                            namespaced=scope == "Namespaced",
                            schema=_root(each),
                            deprecated=_warning(each),
                        )


def published(key: tuple[str, str, str], schema: Body, *, namespaced: bool, has_status: bool) -> CrdVersion:
    """Return the version of a kind as the API server publishes it.

    Args:
        key: the group, the version and the kind.
        schema: the published one.
        namespaced: whether its objects are in namespaces.
        has_status: whether a status is written on its own.
    """
    group, version, kind = key
    subresources: Body = {"status": {}} if has_status else {}
    told = {"schema": {"openAPIV3Schema": schema}, "subresources": subresources}
    return CrdVersion(
        api_version=f"{group}/{version}", kind=kind, served=True, namespaced=namespaced, schema=_root(told)
    )


def _warning(version: Body) -> str:
    if version.get("deprecated") is not True:
        return ""
    return str(version.get("deprecationWarning") or "its CRD calls this version deprecated")


def _root(version: Body) -> Body:
    match version.get("schema"):
        case {"openAPIV3Schema": dict(schema)}:
            found = _closed(_without_nulls(schema))
            fields = dict(found.get("properties", {}))
            if "status" in fields and _mapping(version.get("subresources")).get("status") is not None:
                fields["status"] = _structure(fields["status"])  # a write of the object does not write it
            own = {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"ref": _METADATA},
            }
            found["properties"] = {**fields, **own}
            return found
    return {"properties": {"metadata": {"ref": _METADATA}}}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _structure(schema: Any) -> Any:
    """Return a schema without what it says of values, and free where it preserves unknown fields."""
    if isinstance(schema, list):
        return [_structure(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get(_PRESERVES):
        return {}
    return {
        name: _structure(each)
        for name, each in schema.items()
        if name not in _RULES or isinstance(each, dict)  # a field may have the name of a rule
    }


def _without_nulls(value: Any) -> Any:
    """Return a schema without the fields that are null, which count as absent; values that it lists stay."""
    if isinstance(value, dict):
        return {
            name: each if name in _VALUES else _without_nulls(each)
            for name, each in value.items()
            if each is not None
        }
    return [_without_nulls(each) for each in value if each is not None] if isinstance(value, list) else value


def _closed(schema: Any) -> dict[str, Any]:
    """Return a structural schema that refuses the fields that the API server does not know.

    Only what gives the object its structure is closed: `allOf` and its like constrain values, and bring no fields.
    """
    if not isinstance(schema, Mapping):
        return {}
    found = _known(schema)
    if schema.get(_EITHER) and found.get("anyOf") == _INT_OR_STRING:
        del found["anyOf"]  # says the same, and is published where a CRD lacks it
    if (
        not schema.get("nullable")
        and "default" not in schema
        and (schema.get("type") in _TYPES or schema.get(_EITHER))
    ):
        found[_NULL] = False
    fields = schema.get("properties")
    if isinstance(fields, Mapping):
        found["properties"] = {name: _closed(each) for name, each in fields.items()}
    if isinstance(schema.get("items"), Mapping):
        found["items"] = _closed(schema["items"])
        found.update(_told_apart(schema, found["items"]))
    others = schema.get("additionalProperties")
    if isinstance(others, Mapping):
        found["additionalProperties"] = _closed(others)
    elif others is None and not schema.get(_PRESERVES) and schema.get("type") == "object":
        found["additionalProperties"] = False
    elif schema.get(_PRESERVES):
        found.pop("additionalProperties", None)
    if schema.get(_EMBEDDED):
        known = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"ref": _METADATA}}
        found["properties"] = {**found.get("properties", {}), **known}
    return found


def _known(schema: Any) -> dict[str, Any]:
    """Return a schema without the keywords that the API server does not know, but for its parts of other forms."""
    if not isinstance(schema, Mapping):
        return {}
    found = {name: each for name, each in schema.items() if name in _KEYWORDS}
    for name in ("allOf", "anyOf", "oneOf"):
        if isinstance(found.get(name), list):
            found[name] = [_of_values(each) for each in found[name]]
    if "not" in found:
        found["not"] = _of_values(found["not"])
    return found


def _of_values(schema: Any) -> dict[str, Any]:
    """Return a schema that says something of values alone."""
    found = _known(schema)
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), Mapping):
            found[name] = _of_values(found[name])
    if isinstance(found.get("properties"), Mapping):
        found["properties"] = {name: _of_values(each) for name, each in found["properties"].items()}
    return found


def _told_apart(schema: Body, items: Body) -> Body:
    """Return how the entries of a list differ, as packed schemas say it."""
    match schema:
        case {"x-kubernetes-list-type": "set"}:
            return {"set": True}
        case {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}:
            fields = _mapping(items.get("properties"))
            return {"keys": {str(key): _mapping(fields.get(str(key))).get("default") for key in keys}}
    return {}
