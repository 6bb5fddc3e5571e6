"""Find the kind that a person means, by the names that kubectl knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from towline.model import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectName:
    """An object as a person names it: `kind` in any spelling, `namespace` empty where none is given."""

    kind: str
    namespace: str
    name: str


def parse(text: str) -> ObjectName:
    """Read `KIND/NAME`, or `Kind.group/namespace/name` as statuses and records write it.

    Raises:
        ValueError: the text has neither form.
    """
    kind, *path = text.split("/")
    if not kind or len(path) not in {1, 2} or not all(path):
        raise ValueError(f"{text!r} must be KIND/NAME, for example deployment/web")
    return ObjectName(kind=kind, namespace=path[0] if len(path) == 2 else "", name=path[-1])


def find(resources: Sequence[Resource], text: str) -> Resource | None:
    """Return the kind that `text` names, the first in the API server's order; None where there is none.

    Args:
        resources: every kind in every version, the preferred version of each first.
        text: a plural, a singular, a short name or a kind in any case; alone, with its group, or with both version and
            group.
    """
    wanted = text.lower()
    return next((each for each in resources if wanted in _spellings(each)), None)


def similar(resources: Iterable[Resource], text: str) -> tuple[str, ...]:
    """Return the plurals that look most like `text`."""
    plurals = sorted({each.plural for each in resources})
    return tuple(difflib.get_close_matches(text.partition(".")[0].lower(), plurals, n=3))


def _spellings(resource: Resource) -> Iterator[str]:
    for name in (resource.plural, resource.kind.lower(), *filter(None, resource.aliases)):
        yield name
        yield f"{name}.{resource.version}.{resource.group}".removesuffix(".")
        if resource.group:
            yield f"{name}.{resource.group}"
