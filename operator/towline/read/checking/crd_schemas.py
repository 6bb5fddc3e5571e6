"""Read the schemas that CustomResourceDefinitions bring, in the form that `strict_schema` checks by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from towline.model import Body

_PRESERVES = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
_VALUES = frozenset({"default", "enum", "example"})
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


def _warning(version: Body) -> str:
    if version.get("deprecated") is not True:
        return ""
    return str(version.get("deprecationWarning") or "its CRD calls this version deprecated")


def _root(version: Body) -> Body:
    match version.get("schema"):
        case {"openAPIV3Schema": dict(schema)}:
            found = _closed(_without_nulls(schema))
            own = {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"ref": _METADATA},
            }
            found["properties"] = {**found.get("properties", {}), **own}
            return found
    return {"properties": {"metadata": {"ref": _METADATA}}}


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
    found = dict(schema)
    fields = schema.get("properties")
    if isinstance(fields, Mapping):
        found["properties"] = {name: _closed(each) for name, each in fields.items()}
    if isinstance(schema.get("items"), Mapping):
        found["items"] = _closed(schema["items"])
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
