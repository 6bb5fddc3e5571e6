"""Read `spec.substitute` and `spec.decryption`: where variables come from, and which Secret holds private keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline.api.schema import SchemaFault

_NAME = re.compile(r"[_A-Za-z][_A-Za-z0-9]*", re.ASCII)


class ValuesKind(StrEnum):
    """What holds variables in the cluster."""

    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105  a kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesSource:
    """A ConfigMap or Secret of the repository's namespace whose keys are variables."""

    kind: ValuesKind
    name: str
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitute:
    """The variables of a spec: its own, which win, and where others come from, the last wins."""

    variables: tuple[tuple[str, str], ...]
    sources: tuple[ValuesSource, ...]
    strict: bool
    types: str


def parse(given: Mapping[str, Any] | None) -> Substitute | None:
    """Return `spec.substitute` as the schema has accepted it; None where it is not set."""
    if given is None:
        return None
    sources = (
        ValuesSource(kind=ValuesKind(each["kind"]), name=each["name"], optional=each.get("optional", False))
        for each in given.get("from") or ()
    )
    return Substitute(
        variables=tuple(sorted((given.get("variables") or {}).items())),
        sources=tuple(sources),
        strict=given.get("strict", True),
        types=given.get("types", "Flux"),
    )


def faults(given: Mapping[str, Any] | None) -> Iterator[SchemaFault]:
    """Yield the variables whose names nothing can use."""
    for name in (given or {}).get("variables") or ():
        if not is_name(name):
            message = "must be a name of letters, digits and _, and not begin with a digit"
            yield SchemaFault(f"spec.substitute.variables[{name!r}]", message)


def is_name(name: str) -> bool:
    """Whether a variable may have this name."""
    return bool(_NAME.fullmatch(name))
