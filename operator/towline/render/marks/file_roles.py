"""Say what each file of a build is to it, by what its kustomizations name."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from towline.render.formats import KUSTOMIZATIONS
from towline.render.units import references, tree_paths
from towline.render.units.references import Reference, Use
from towline.render.units.tree_paths import LedOutError
from towline.render.units.unit_files import UnitFiles


class FileRole(Enum):
    """What a file is to a build."""

    KUSTOMIZATION = auto()
    OBJECTS = auto()  # objects, or the configuration of a transformer
    PATCH = auto()
    LINES = auto()  # `key=value` in each line
    CONTENT = auto()
    RULES = auto()  # replacements, schemas: what says how, and is in no object


def roles(unit: UnitFiles) -> dict[str, FileRole]:
    """Return the role of each file, in the order in which they are read."""
    found = {
        path: FileRole.KUSTOMIZATION for path in unit.parsed if posixpath.basename(path) in KUSTOMIZATIONS
    }
    for path in tuple(found):
        folder = posixpath.dirname(path)
        for value in _values(unit, path):
            for one in references.kustomization(value):
                if isinstance(one, Reference):
                    _name(unit, folder, one, found)
    return {path: found.get(path, FileRole.RULES) for path in unit.parsed}


def is_configuration(value: Any) -> bool:
    """Tell whether a document configures a transformer or generator of kustomize itself."""
    return isinstance(value, dict) and value.get("apiVersion") == "builtin"


def _name(unit: UnitFiles, folder: str, one: Reference, found: dict[str, FileRole]) -> None:
    """Note what a reference makes of its file, and of the files that are named in there."""
    try:
        path = tree_paths.joined(folder, one.path)
    except LedOutError:
        return
    if path not in unit.parsed:
        return
    found.setdefault(path, _role(one))
    for value in _values(unit, path) if one.use in {Use.RESOURCE, Use.PLUGIN} else ():
        if is_configuration(value):
            for further in references.plugin(value):
                if isinstance(further, Reference):
                    _name(unit, folder, further, found)


def _role(one: Reference) -> FileRole:
    if one.use in {Use.RESOURCE, Use.PLUGIN}:
        return FileRole.OBJECTS
    if one.use is Use.RAW:
        return FileRole.CONTENT if "files" in one.steps else FileRole.LINES
    is_patch = one.use is Use.PATCH or str(one.steps[0]).startswith("patches") or one.steps[0] in _PATCH_PATHS
    return FileRole.PATCH if is_patch else FileRole.RULES


_PATCH_PATHS = frozenset({"path", "paths"})
"""How the configuration of a transformer names patches."""


def _values(unit: UnitFiles, path: str) -> Iterator[Any]:
    yield from (one.value for one in unit.parsed[path].documents)
