"""Say how likely a field comes from a site that has no mark, by replaying what kustomize does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from towline.fields import pointer
from towline.model import Origin
from towline.render.marks import finding, replacing, same_objects
from towline.render.marks.sites import Role, Site, text
from towline.render.units.references import Steps
from towline.render.units.unit_files import UnitFiles

Score: TypeAlias = tuple[int, ...]
"""How likely a field comes from a site, to be compared with that of others; nothing where it does not."""

NAME = ("metadata", "name")
_KIND = frozenset({("apiVersion",), ("kind",)})

_IMAGE = ("image",)
_MADE = frozenset({Role.ENTRY, Role.CONTENT})
"""Sites of which only a part is in the field, or which are more than their value."""

_PATCHED, _SET, _DECLARED, _NAMED, _COPIED, _ALIKE = range(6, 0, -1)
"""The ways to a field, the one that kustomize goes last first."""


class Field(NamedTuple):
    """One field of a built object: the object, where it is declared, the way to the field, and what is there."""

    body: Mapping[str, Any]
    origin: Origin
    steps: Steps
    value: Any


def field_at(body: Mapping[str, Any], origin: Origin, path: str) -> Field | None:
    """Return the field that a JSON pointer leads to, or else the first one in its nearest existing parent."""
    for place in (path, *pointer.above(path)):
        value = pointer.follow(body, place)
        if value is not None:
            steps = _typed(body, pointer.split(place))
            below, scalar = next(iter(finding.scalars(value)), ((), None))
            return Field(body, origin, (*steps, *below), scalar)
    return None


def _typed(value: Any, steps: Sequence[str]) -> Steps:
    """Return the steps of a pointer with indexes as numbers."""
    found: list[str | int] = []
    for step in steps:
        found.append(int(step) if isinstance(value, list) else step)
        value = pointer.child(value, step)
    return tuple(found)


class Likelihood:
    """Compares sites of one unit with fields.

    Args:
        unit: what its build reads.
    """

    def __init__(self, unit: UnitFiles) -> None:
        self._unit = unit
        self._copied = replacing.copied(unit)
        self._documents = cache(lambda path: {one.index: one.value for one in unit.parsed[path].documents})

    def of(self, site: Site, field: Field, where: tuple[Any, ...]) -> Score:
        """Return how likely a field comes from a site that holds its value, or a name that is part of it.

        Args:
            site: the site.
            field: the field.
            where: the way to the field with the items of lists told apart.
        """
        whole = text(site.value) == text(field.value) or site.role in _MADE or site.path == _IMAGE
        if site.role in {Role.OBJECT, Role.PATCH}:
            return self._of_object(site, field, where, whole=whole)
        leads = self._unit.names[site.file] in field.origin.via
        if site.role is Role.NAME:
            is_name = field.steps[-1] == "name"
            return (_NAMED, field.steps == site.path, leads, len(text(site.value))) if is_name else ()
        return (_SET, leads) if whole and _is_set(site, field) else ()

    def keyed(self, site: Site) -> tuple[Any, ...]:
        """Return the way to a site in its object, with the items of lists told apart."""
        head = len(site.steps) - len(site.path)
        if site.inner or head < 0 or not self._unit.parsed[site.file].documents:
            return site.path
        document = self._documents(site.file)[site.document]
        return same_objects.keyed(same_objects.at(document, site.steps[:head]), site.path)

    def _of_object(self, site: Site, field: Field, where: tuple[Any, ...], *, whole: bool) -> Score:
        home = self._unit.names[site.file] == field.origin.file
        says_which = site.role is Role.PATCH and site.kind and site.path in finding.IDENTITY
        if says_which or (field.steps in _KIND and not home):
            return ()
        keyed = self.keyed(site)
        same_path = keyed == where or (keyed == site.path and site.path == field.steps)
        named = site.kind == field.body.get("kind") and site.name in str(same_objects.at(field.body, NAME))
        if site.role is Role.PATCH and same_path and whole and (named or not site.kind):
            return (_PATCHED,)
        if site.role is Role.OBJECT and same_path and (named or home):
            way = _DECLARED if whole else _NAMED
            return (way, home and named, home, len(text(site.value)))
        return self._elsewhere(site, field, same_path=same_path, own=home and named) if whole else ()

    def _elsewhere(self, site: Site, field: Field, *, same_path: bool, own: bool) -> Score:
        """Score a site with the value of a field of which it is no version: in a patch, or a name."""
        if replacing.is_copied(site, self._copied):
            return (_COPIED,)
        same_key = site.path[-1:] == field.steps[-1:]
        may_be = same_key and (own or site.role is Role.PATCH)
        return (_ALIKE, same_key, same_path, own) if may_be or site.path == NAME else ()


def _is_set(site: Site, field: Field) -> bool:
    """Tell whether a transformer sets such a field; the namespace of all objects is the name of its own, too."""
    is_namespace = field.body.get("kind") == "Namespace" and field.steps == NAME
    if site.role is Role.CONTENT:
        return len(field.steps) == 2 and field.steps[0] in {"data", "binaryData"}
    return site.path[-1] == field.steps[-1] or (site.role is Role.NAMESPACE and is_namespace)
