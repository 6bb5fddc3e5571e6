"""Read `spec.healthChecks`: CEL expressions that tell when objects of a kind are ready."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.api import expressions
from towline.api.expressions import ExpressionError
from towline.api.schema import SchemaFault
from towline.api.stateless_kinds import is_stateless
from towline.model import GroupKind

_EXPRESSIONS = ("current", "failed", "inProgress")


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """The CEL expressions for one kind; `failed` and `in_progress` are empty where they are not given."""

    kind: GroupKind
    current: str
    failed: str = ""
    in_progress: str = ""


def parse(given: Sequence[Mapping[str, Any]]) -> tuple[HealthCheck, ...]:
    """Read the checks of a spec that has the shape of the CRD's schema."""
    return tuple(
        HealthCheck(
            kind=_kind(each),
            current=each["current"],
            failed=each.get("failed", ""),
            in_progress=each.get("inProgress", ""),
        )
        for each in given
    )


def faults(given: Sequence[Mapping[str, Any]]) -> Iterator[SchemaFault]:
    """Yield what is wrong with checks of the right shape."""
    known: set[GroupKind] = set()
    for number, each in enumerate(given):
        place = f"spec.healthChecks[{number}]"
        if _kind(each) in known:
            yield SchemaFault(f"{place}.kind", "must not have two checks")
        known.add(_kind(each))
        if is_stateless(_kind(each)):
            why = "has no status and is ready as soon as it exists: remove this check"
            yield SchemaFault(f"{place}.kind", f"{each['kind']} {why}")
        for name in _EXPRESSIONS:
            try:
                expressions.check(each.get(name, "true"))
            except ExpressionError as error:
                yield SchemaFault(f"{place}.{name}", str(error))


def _kind(given: Mapping[str, Any]) -> GroupKind:
    group, _, _ = given["apiVersion"].rpartition("/")
    return GroupKind(group, given["kind"])
