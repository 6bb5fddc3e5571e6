"""Read `spec.ignoreFields`: which declared fields of which objects are left to others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from towline.api.schema import SchemaFault

_NEEDED = ("/apiVersion", "/kind", "/metadata/name", "/metadata/namespace")
"""The fields that identify an object, which cannot be left to others."""

_OWN = ("/metadata/labels/towline.dev~1", "/metadata/annotations/towline.dev~1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: the objects that it means, and JSON pointers (RFC 6901) into them.

    None, or an empty map of labels, matches every object. `group` is empty for the core group.
    """

    pointers: tuple[str, ...]
    kind: str | None = None
    group: str | None = None
    name: str | None = None
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def parse(given: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Read the rules of a spec that has the shape of the CRD's schema."""
    return tuple(_rule(item["target"], item["fields"]) for item in given)


def faults(given: Sequence[Mapping[str, Any]]) -> Iterator[SchemaFault]:
    """Yield what is wrong with rules of the right shape."""
    for number, item in enumerate(given):
        for place, pointer in enumerate(item["fields"]):
            name = f"spec.ignoreFields[{number}].fields[{place}]"
            if any(each == pointer or each.startswith(f"{pointer}/") for each in _NEEDED):
                yield SchemaFault(name, "must not name what tells one object from another")
            elif pointer.startswith(_OWN):
                yield SchemaFault(name, "must not name what Towline itself writes")


def _rule(target: Mapping[str, Any], pointers: Sequence[str]) -> Rule:
    selector = target.get("labelSelector") or {}
    return Rule(
        pointers=tuple(pointers),
        kind=target.get("kind"),
        group=target.get("group"),
        name=target.get("name"),
        namespace=target.get("namespace"),
        labels=dict(selector.get("matchLabels") or {}),
    )
