"""Values that only one object may have, as far as a refusal tells: a node port, a cluster address, a name by policy."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from towline import text
from towline.api import labels
from towline.fields import pointer
from towline.model import Body, GroupKind, ObjectRef

_SERVICE = GroupKind("", "Service")
_UNIQUE = re.compile(
    r"already|unique|duplicate|in use|taken|another|only one|conflict|reserved|belongs to", re.IGNORECASE
)
_INDEX = re.compile(r"/\d+(?=/|$)")
_NAMES = {"nodePort": "node port", "clusterIP": "cluster IP", "clusterIPs": "cluster IP"}
_SHORTEST = 3
"""A field whose name is shorter stands in any sentence by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleValue:
    """One declared value that another object has: a JSON pointer into what is declared, and the value."""

    path: str
    value: Any

    @property
    def name(self) -> str:
        """The value as a sentence names it."""
        field = _field(self.path)
        return f"{_NAMES.get(field) or text.dotted(self.path)} {self.value}"

    @property
    def is_picked_by_server(self) -> bool:
        """Whether the API server picks another such value where none is declared."""
        return _field(self.path) == "nodePort"

    def is_held(self, body: Body) -> bool:
        """Tell whether an object has this value at this field, in whatever item of a list."""
        return (_anywhere(self.path), self.value) in {
            (_anywhere(path), value) for path, value in _leaves(body)
        }


def is_about_one(words: str) -> bool:
    """Tell whether a refusal may be about a value that only one object may have."""
    return bool(_UNIQUE.search(words))


def shared(words: str, fields: Collection[str], declared: Body, live: Body) -> tuple[SingleValue, ...]:
    """Return what a refusal says that only one object may have, and another object of the kind has.

    Args:
        words: of the refusal.
        fields: the JSON pointers that it names. Otherwise its words must name the value, or else the field.
        declared: the refused object, as Git has it.
        live: the other object.
    """
    if not is_about_one(words):
        return ()
    held = {(_anywhere(path), value) for path, value in _leaves(live)}
    both = [SingleValue(path=path, value=value) for path, value in _leaves(declared)]
    both = [each for each in both if (_anywhere(each.path), each.value) in held]
    named = {_anywhere(field) for field in fields if field}
    by_field = [each for each in both if _anywhere(each.path) in named]
    by_value = [each for each in both if _says(words, str(each.value))]
    by_name = [] if named else [each for each in both if _says(words, _field(each.path))]
    return tuple(by_field or by_value or by_name)


def unseen_by_dry_runs(ref: ObjectRef, declared: Body) -> str:
    """Return the refusal that a creation meets although its dry run passes; empty where there is none.

    A dry run of a Service does not look whether its cluster addresses are free.
    """
    spec = declared.get("spec")
    if ref.group_kind != _SERVICE or not isinstance(spec, Mapping):
        return ""
    declared_ips = spec.get("clusterIPs")
    addresses = [spec.get("clusterIP"), *(declared_ips if isinstance(declared_ips, list) else ())]
    asked = [str(each) for each in addresses if each and each != "None"]
    return f"{', '.join(asked)}: provided IP is already allocated" if asked else ""


def removable(path: str) -> str:
    """Return the pointer to leave out for a value to be left out: a list of values goes as a whole."""
    return re.sub(r"(/\d+)+$", "", path)


def _anywhere(path: str) -> str:
    return _INDEX.sub("/*", path)


def _field(path: str) -> str:
    """Return the last name of a pointer, without the domain in front of an annotation's."""
    names = [step for step in pointer.split(path) if not step.isdecimal()]
    return names[-1].rpartition("/")[2] if names else ""


def _says(words: str, what: str) -> bool:
    if len(what) < _SHORTEST:
        return False
    return bool(re.search(rf"(?<![\w-]){re.escape(what)}(?![\w-])", words, re.IGNORECASE))


def _leaves(body: Body) -> Iterator[tuple[str, Any]]:
    """Yield what an object says, without its identity and what Towline and the API server write."""
    metadata = body.get("metadata")
    notes = metadata if isinstance(metadata, Mapping) else {}
    for part in ("labels", "annotations"):
        kept = notes.get(part)
        for key, value in kept.items() if isinstance(kept, Mapping) else ():
            if not key.startswith(labels.PREFIX):
                yield from _below(value, pointer.join(("metadata", part, key)))
    for key, value in body.items():
        if key not in {"apiVersion", "kind", "metadata", "status"}:
            yield from _below(value, pointer.join((key,)))


def _below(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _below(each, pointer.extend(path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _below(each, pointer.extend(path, index))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, value
