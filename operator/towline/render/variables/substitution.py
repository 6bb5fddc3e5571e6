"""Fill variables into one object, and say what is wrong with it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from towline import text
from towline.errors import Reason, Refusal
from towline.render.anchors import Extents, Room, unhurried
from towline.render.validate import Complaint
from towline.render.variables import expansion, written_text
from towline.render.variables.expansion import ExpansionError
from towline.render.variables.operators import Budget, SpentError
from towline.render.variables.written_text import NotYamlError, TextPlace

OPT_OUT = "kustomize.toolkit.fluxcd.io/substitute"
"""The label or annotation that keeps variables out of an object where its value is `disabled`."""

_Path: TypeAlias = tuple[str, ...]

_NAME = re.compile(r"[_A-Za-z][_A-Za-z0-9]*", re.ASCII)
_BLOCK = re.compile(r"k:(?:\n *[-?])? [|]")
_OBJECT_BYTES = 3 * 1024**2
"""The API server takes no larger request."""
_WORK = 4 * _OBJECT_BYTES
_TEXT = 400
"""How many characters take as long to copy as a text takes to be written and read, or fewer."""
_NODES = 300_000
_DEEPEST = 100
_MANY = 100  # errors of one object
_SHOWN = 60  # bytes of a name


class Types(StrEnum):
    """What a text that is only a variable becomes: what YAML makes of its value, as with Flux, or a text still."""

    FLUX = "Flux"
    KEEP = "Keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """The variables of a repository: their values by name, and how they are filled in.

    Line breaks are cut from the values, as Flux does it, so that no value can add a line to a manifest. The values of
    `secret_names` come from Secrets, and must be shown nowhere.
    """

    values: Mapping[str, str] = field(repr=False)
    strict: bool = True
    types: Types = Types.FLUX
    secret_names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        values = {name: value.replace("\n", "") for name, value in self.values.items()}
        object.__setattr__(self, "values", MappingProxyType(values))


def is_name(name: str) -> bool:
    """Whether a variable may have this name."""
    return bool(_NAME.fullmatch(name))


def is_disabled(body: Any) -> bool:
    """Whether an object says that no variables are filled into it."""
    metadata = body.get("metadata") if isinstance(body, Mapping) else None
    held = [metadata.get(name) for name in ("labels", "annotations")] if isinstance(metadata, Mapping) else []
    return any(isinstance(each, Mapping) and each.get(OPT_OUT) == "disabled" for each in held)


def substituted(
    body: Any, substitution: Substitution, give_way: Callable[[], None] = unhurried
) -> tuple[Any, tuple[Complaint, ...]]:
    """Return an object with its variables filled in, and everything that is wrong with them.

    Args:
        body: the object as its file declares it; it is not changed, and what aliases share in it is shared in the
            result.
        substitution: the variables.
        give_way: called again and again meanwhile, so that others have their turn.

    Returns:
        The object, which means nothing where there are complaints. Their paths are those of the declared object.
    """
    if is_disabled(body):
        return body, ()
    filler = _Filler(substitution, give_way)
    filled = filler.whole(body)
    return filled, tuple(filler.complaints)


class _EnoughError(Exception):
    """No more complaints are collected."""


class _Filler:
    """Walks over an object once; a part that aliases share is filled once."""

    def __init__(self, substitution: Substitution, give_way: Callable[[], None]) -> None:
        self.complaints: list[Complaint] = []
        self._substitution = substitution
        self._budget = Budget(_WORK)
        self._room = Room(nodes=_NODES, expansion=_OBJECT_BYTES, give_way=give_way)
        self._give_way = give_way
        self._done: dict[int, Any] = {}

    def whole(self, body: Any) -> Any:
        try:
            filled = self._value(body, TextPlace.VALUE, ())
            if filled is body or Extents().of(filled).size <= _OBJECT_BYTES:
                return filled
            self.complaints.append(_TOO_LARGE)
        except SpentError:
            self.complaints.append(_TOO_LARGE)
        except _EnoughError:
            pass
        return body

    def _value(self, value: Any, place: TextPlace, path: _Path) -> Any:
        if value.__class__ is str:
            return self._text(value, place, path) if "$" in value else value
        if not isinstance(value, (dict, list)):
            return value
        if id(value) not in self._done:
            self._done[id(value)] = (
                self._map(value, path) if isinstance(value, dict) else self._list(value, path)
            )
        return self._done[id(value)]

    def _list(self, items: list[Any], path: _Path) -> list[Any]:
        filled = [self._value(item, TextPlace.ITEM, (*path, str(index))) for index, item in enumerate(items)]
        return items if all(map(operator.is_, filled, items)) else filled

    def _map(self, entries: dict[str, Any], path: _Path) -> dict[str, Any]:
        filled: dict[str, Any] = {}
        changed = False
        for key, value in entries.items():
            here = (*path, key)
            name = self._text(key, TextPlace.KEY, here) if "$" in key else key
            if name in filled:
                message = "two keys of the map are the same with their variables filled in: use other values"
                self._complain(message, here)
            filled[name] = self._value(value, TextPlace.VALUE, here)
            changed = changed or name is not key or filled[name] is not value
        return filled if changed else entries

    def _text(self, declared: str, place: TextPlace, path: _Path) -> Any:
        self._give_way()
        self._budget.take(_TEXT)
        kept = self._substitution.types is Types.KEEP
        before = declared if kept else written_text.written(declared, place)
        try:
            done = expansion.expand(
                before, self._substitution.values, self._budget, strict=self._substitution.strict
            )
        except ExpansionError as error:
            where = _where(before, error.at)
            self._complain(f"{error.message}{where} (write $${{ for a literal one)", path)
            return declared
        for name, at in done.missing.items():
            shown = text.printable(name, _SHOWN)
            message = f"variable {shown} is not set{_where(before, at)} (write $${{{shown}}} for a literal)"
            self._complain(message, path)
        if done.missing or done.text == before:
            return declared
        return done.text if kept else self._read(done.text, place, path, declared)

    def _read(self, after: str, place: TextPlace, path: _Path, declared: str) -> Any:
        try:
            return written_text.read(after, place, depth=_DEEPEST - len(path), room=self._room)
        except NotYamlError as error:
            self._complain(
                f"with its variables filled in, the text is not valid YAML ({error}): "
                "put the value of the variable into quotes, or set spec.substitute.types: Keep",
                path,
            )
            return declared

    def _complain(self, message: str, path: _Path) -> None:
        self.complaints.append(Complaint(Reason.BUILD_FAILED, message, path))
        if len(self.complaints) >= _MANY:
            raise _EnoughError


def _where(before: str, at: int) -> str:
    """Say in which line of a text in block style something is."""
    head = _BLOCK.match(before)
    line = before.count("\n", head.end(), at) if head else 0
    return f" in line {line} of the text" if line else ""


_TOO_LARGE = Complaint(
    Refusal.TOO_LARGE,
    f"with its variables filled in, the object has more than the {text.size(_OBJECT_BYTES)} that the API server "
    "takes: use shorter values, or fewer variables",
)
