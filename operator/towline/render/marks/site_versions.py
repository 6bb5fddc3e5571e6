"""Compare what sites hold in the versions of a file, so that the commit that changed them can be found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from towline.render.documents import YamlLimits
from towline.render.marks import same_objects
from towline.render.marks.sites import Role, Site
from towline.render.units import inputs
from towline.render.units.inputs import InputFile
from towline.render.units.unit_files import UnitFiles


class SiteKey(NamedTuple):
    """A place that can be found in other versions of its file: the items of lists are told apart by what they hold.

    `kind` and `name` are those of the object in whose document it is; without them, that is told by its index. Of a
    file that is no YAML, `steps` is the key of a line, or empty for all of it.
    """

    document: int
    kind: str
    name: str
    steps: tuple[Any, ...]
    is_raw: bool


def key_of(unit: UnitFiles, site: Site) -> SiteKey:
    """Return where to find a site in other versions of its file."""
    if not site.steps:
        steps = () if site.role is Role.CONTENT else (site.path[-1],)
        return SiteKey(0, "", "", steps, is_raw=True)
    value = next(one.value for one in unit.parsed[site.file].documents if one.index == site.document)
    of_object = (
        site.role in {Role.OBJECT, Role.PATCH} and not site.inner and len(site.path) == len(site.steps)
    )
    kind, name = (site.kind, site.name) if of_object else ("", "")
    return SiteKey(site.document, kind, name, same_objects.keyed(value, site.steps), is_raw=False)


class FileVersion:
    """One version of a file, parsed where that is needed.

    Args:
        content: its bytes.
        limits: how much of it is read.
    """

    def __init__(self, content: bytes, limits: YamlLimits) -> None:
        self._content = content
        self._limits = limits
        self._parsed: InputFile | None = None
        self._lines: dict[str, str] | None = None

    def digest(self, keys: Iterable[SiteKey]) -> str:
        """Return what is the same in two versions where these places hold the same."""
        return hashlib.sha256(repr([self._value(key) for key in keys]).encode()).hexdigest()

    def has(self, key: SiteKey) -> bool:
        """Tell whether there is anything in a place."""
        return self._value(key) is not None

    @property
    def whole(self) -> str:
        """The digest of all of it."""
        return hashlib.sha256(self._content).hexdigest()

    def _value(self, key: SiteKey) -> Any:
        if not key.is_raw:
            return _found(self._document(key), key.steps)
        return self._line(key.steps[0]) if key.steps else self.whole

    def _document(self, key: SiteKey) -> Any:
        if self._parsed is None:
            self._parsed = inputs.parsed("", self._content, self._limits)
        documents = [one.value for one in self._parsed.documents]
        if key.kind:
            return next((one for one in documents if _is_object(one, key)), None)
        return next((one.value for one in self._parsed.documents if one.index == key.document), None)

    def _line(self, key: str) -> str | None:
        if self._lines is None:
            lines = (line.partition("=") for line in self._content.decode(errors="replace").splitlines())
            self._lines = {name.strip(): value for name, _, value in lines}
        return self._lines.get(key)


def _is_object(value: Any, key: SiteKey) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return isinstance(value, dict) and (str(value.get("kind")), str(name)) == (key.kind, key.name)


def _found(value: Any, steps: Sequence[Any]) -> Any:
    """Return what keyed steps lead to; None where they lead nowhere."""
    for step in steps:
        if isinstance(step, tuple):
            key, held = step
            items = value if isinstance(value, list) else ()
            value = next((one for one in items if isinstance(one, dict) and one.get(key) == held), None)
        else:
            value = same_objects.at(value, (step,))
    return value
