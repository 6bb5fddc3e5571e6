"""Find the fields that replacements copy into other objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from towline.render.marks.sites import Site
from towline.render.units.unit_files import UnitFiles

_STEP = re.compile(r"(?<!\\)\.")


class CopiedField(NamedTuple):
    """The source of a replacement: the kind and name of its object, and the last step to the field."""

    kind: str
    name: str
    step: str


def copied(unit: UnitFiles) -> frozenset[CopiedField]:
    """Return the sources of all replacements of a unit."""
    values = (one.value for file in unit.parsed.values() for one in file.documents)
    return frozenset(each for value in values for each in _copied(value))


def is_copied(site: Site, fields: frozenset[CopiedField]) -> bool:
    """Tell whether a replacement copies what a site holds."""
    return bool(site.path) and CopiedField(site.kind, site.name, str(site.path[-1])) in fields


def _copied(value: Any) -> Iterator[CopiedField]:
    """Yield sources: of a kustomization, of a transformer, or of a file that is a replacement, or a list of them."""
    if isinstance(value, list):
        for one in value:
            yield from _copied(one)
    elif isinstance(value, dict):
        yield from _copied(value.get("replacements"))
        source = value.get("source")
        if isinstance(source, dict) and "targets" in value:
            path = str(source.get("fieldPath") or "metadata.name")
            yield CopiedField(str(source.get("kind")), str(source.get("name")), _STEP.split(path)[-1])
