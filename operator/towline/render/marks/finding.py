"""Find the sites of a build: every scalar that may become a field of an object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from towline.fields import pointer
from towline.render.documents import YamlLimits
from towline.render.marks import file_roles, settings_sites
from towline.render.marks.file_roles import FileRole
from towline.render.marks.settings_sites import Setting
from towline.render.marks.sites import Inner, Role, Site, text
from towline.render.units import inputs
from towline.render.units.references import Steps
from towline.render.units.unit_files import UnitFiles

IDENTITY = frozenset({("apiVersion",), ("kind",)} | {("metadata", each) for each in ("name", "namespace")})
_MERGE_KEYS = frozenset(
    {
        "name",
        "containerPort",
        "port",
        "protocol",
        "mountPath",
        "devicePath",
        "ip",
        "topologyKey",
        "whenUnsatisfiable",
        "uid",
    }
)
"""What tells the items of a list apart when patches are merged."""

_OF_TOOLS = ("config.kubernetes.io/", "config.k8s.io/", "internal.config.", "kustomize.config.k8s.io/")
_SELECTORS = (b"labelSelector", b"annotationSelector")
_REFERS = re.compile(r"names?$|secret|/", re.IGNORECASE)
"""The keys of fields that may refer to another object by its name; annotations may, too."""

_CHOSEN = re.compile(r"\[[^\[\]=]+=([^\]]*)\]")
"""How a replacement chooses an item of a list by one of its values."""


def sites(unit: UnitFiles) -> tuple[Site, ...]:
    """Return all sites of a unit, those of the outermost kustomization first."""
    roles = file_roles.roles(unit)
    found = [site for path, role in roles.items() for site in _of_file(unit, path, role)]
    compared = _ComparedValues.of(unit, roles, found)
    by_label = any(each in content for content in unit.contents.values() for each in _SELECTORS)
    return tuple(
        site._replace(is_marked=False)
        if site.is_marked and (compared.holds(site) or (by_label and _is_label(site.path)))
        else site
        for site in found
    )


class _ComparedValues(NamedTuple):
    """The values that kustomize compares: of any field what replacements choose by, and names that fields refer to.

    Where files of the unit say which fields refer to others, `any_refers`: then every field may.
    """

    values: frozenset[str]
    names: frozenset[str]
    any_refers: bool

    @classmethod
    def of(cls, unit: UnitFiles, roles: Mapping[str, FileRole], found: Iterable[Site]) -> _ComparedValues:
        """Find these values among the sites of a unit, and in what says how it is built."""
        images = {text(site.value) for site in found if site.steps[-1:] == ("newName",)}
        chosen = {
            each
            for path, role in roles.items()
            if role in {FileRole.KUSTOMIZATION, FileRole.RULES}
            for each in _CHOSEN.findall(unit.contents[path].decode(errors="replace"))
        }
        return cls(
            values=frozenset(images | chosen),
            names=frozenset(text(site.value) for site in found if site.path == ("metadata", "name")),
            any_refers=FileRole.RULES in roles.values(),
        )

    def holds(self, site: Site) -> bool:
        """Tell whether a site has one of these values."""
        value = text(site.value)
        key = str(next((step for step in reversed(site.path) if isinstance(step, str)), ""))
        refers = self.any_refers or bool(_REFERS.search(key))
        return value in self.values or (refers and value in self.names)


def _is_label(path: Steps) -> bool:
    return len(path) > 1 and path[-2] in {"labels", "annotations"}


def _of_file(unit: UnitFiles, path: str, role: FileRole) -> Iterator[Site]:
    if role is FileRole.CONTENT:
        yield Site(path, Role.CONTENT, 0, (), None, ("data",))
    elif role is FileRole.LINES:
        yield from _of_lines(path, unit.contents[path])
    elif role is not FileRole.RULES:
        for document in unit.parsed[path].documents:
            yield from _of_document(path, document.index, document.value, role)


def _of_lines(path: str, content: bytes) -> Iterator[Site]:
    for index, line in enumerate(content.decode(errors="replace").splitlines()):
        key, separator, _ = line.strip().partition("=")
        if separator and not key.startswith("#"):
            yield Site(path, Role.ENTRY, index, (), line, ("data", key))


def _of_document(path: str, index: int, value: Any, role: FileRole) -> Iterator[Site]:
    """Yield the sites of one document, by what it turns out to be."""
    if file_roles.is_configuration(value):
        yield from _of_settings(path, index, settings_sites.of_plugin(value))
    elif role is FileRole.KUSTOMIZATION:
        yield from _of_settings(path, index, settings_sites.of_kustomization(value))
    elif isinstance(value, list):
        yield from _of_operations(path, index, value)
    elif isinstance(value, dict):
        items = value.get("items") if str(value.get("kind")).endswith("List") else None
        for at, item in enumerate(items) if isinstance(items, list) else ():
            yield from _of_object(path, index, item, ("items", at), role)
        if not isinstance(items, list):
            yield from _of_object(path, index, value, (), role)


def _of_object(path: str, index: int, value: Any, head: Steps, role: FileRole) -> Iterator[Site]:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    kind = value.get("kind") if isinstance(value, dict) else None
    does = Role.PATCH if role is FileRole.PATCH else Role.OBJECT
    for steps, scalar in scalars(value):
        yield Site(
            path,
            does,
            index,
            (*head, *steps),
            scalar,
            steps,
            kind=str(kind),
            name=str(name),
            is_marked=_may_be_marked(steps, scalar),
        )


def _of_operations(path: str, index: int, operations: Iterable[Any]) -> Iterator[Site]:
    """Yield what the operations of a JSON patch write."""
    for at, one in enumerate(operations):
        if not isinstance(one, dict) or "value" not in one:
            continue
        target = tuple(pointer.split(str(one.get("path"))))
        tests = one.get("op") == "test"
        for steps, scalar in scalars(one["value"]):
            to = (*target, *steps)
            may = not tests and _may_be_marked(to, scalar)
            yield Site(path, Role.PATCH, index, (at, "value", *steps), scalar, to, is_marked=may)


def _of_settings(path: str, index: int, found: Iterable[Setting]) -> Iterator[Site]:
    for one in found:
        if one.role is None:
            yield from _of_inline(path, index, one)
        else:
            yield Site(path, one.role, index, one.steps, one.value, one.path, is_marked=one.is_marked)


def _of_inline(path: str, index: int, one: Setting) -> Iterator[Site]:
    """Yield the sites of YAML that is written as a text: a patch, or the configuration of a transformer."""
    if not isinstance(one.value, str) or not ("\n" in one.value or ":" in one.value):
        return
    for inner in inputs.parsed(path, one.value.encode(), YamlLimits()).documents:
        for site in _of_document(path, inner.index, inner.value, FileRole.PATCH):
            yield site._replace(document=index, steps=one.steps, inner=Inner(inner.index, site.steps))


def scalars(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield every scalar of a value with the way to it; an empty map or list counts as nothing."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from scalars(entry, (*steps, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from scalars(entry, (*steps, index))
    else:
        yield steps, value


def _may_be_marked(path: Steps, value: Any) -> bool:
    """Tell whether kustomize does not care what a field holds."""
    key = path[-1] if path else ""
    if value is None or path in IDENTITY or any(str(step).startswith("$") for step in path):
        return False
    if len(path) > 1 and key in _MERGE_KEYS and _is_index(path[-2]):
        return False
    if key == "image" and isinstance(value, str):
        return ":" in value.rpartition("/")[2]
    return not str(key).startswith(_OF_TOOLS)


def _is_index(step: str | int) -> bool:
    return isinstance(step, int) or step == "-" or step.isdecimal()
