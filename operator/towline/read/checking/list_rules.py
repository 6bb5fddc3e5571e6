"""Check lists whose entries the API server tells apart: those with keys (maps), and sets.

A server-side apply refuses two entries of the same keys, also where a creation would be accepted with a warning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from towline.model import Body

_Errors = Iterator[jsonschema.ValidationError]


def keys(_validator: Validator, wanted: Mapping[str, Any], instance: Any, _schema: Body) -> _Errors:
    """Yield the entries that have no key, or the keys of an earlier one; `wanted` has each key with its default."""
    seen: set[str] = set()
    names = ", ".join(wanted)
    for index, entry in enumerate(instance if isinstance(instance, list) else ()):
        if entry is None:
            yield _error("must not be null: entries of this list are told apart by their fields", index)
        if not isinstance(entry, Mapping):
            continue
        found = [_plain(entry.get(key, default)) for key, default in wanted.items()]
        missing = [key for key in wanted if key not in entry and wanted[key] is None]
        if missing:
            yield _error(
                f"{missing[0]} is required: it tells the entries of this list apart", index, missing[0]
            )
        elif _is_new(found, seen):
            continue
        else:
            yield _error(
                f"an earlier entry has the same {names}; entries of this list must differ there", index
            )


def distinct(_validator: Validator, wanted: bool, instance: Any, _schema: Body) -> _Errors:  # noqa: FBT001  the signature is the library's
    """Yield the entries of a set that are null, or in it twice."""
    seen: set[str] = set()
    for index, entry in enumerate(instance if wanted and isinstance(instance, list) else ()):
        if entry is None:
            yield _error("must not be null: entries of this list must differ", index)
        elif not _is_new(_plain(entry), seen):
            yield _error("is in the list twice", index)


def _is_new(value: Any, seen: set[str]) -> bool:
    told = json.dumps(value, sort_keys=True, default=str)
    if told in seen:
        return False
    seen.add(told)
    return True


def _plain(value: Any) -> Any:
    """Return 80 for 80.0, which is the same for the API server."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _error(message: str, *path: str | int) -> jsonschema.ValidationError:
    return jsonschema.ValidationError(message, path=path)
