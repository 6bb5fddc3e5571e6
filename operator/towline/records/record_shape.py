"""Name the field that keeps a record, or the first line of an export, from being read; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from towline import text


class WantedField(NamedTuple):
    """A field by its path, and what it must be: `words` for people, `types` as JSON gives them."""

    path: str
    words: str
    types: tuple[type, ...]
    is_optional: bool = False


_MAP, _TEXT, _NUMBER = ("a map", (dict,)), ("a string", (str,)), ("a whole number", (int,))

_RECORD = (
    WantedField("metadata", *_MAP),
    WantedField("metadata.name", *_TEXT),
    WantedField("spec", *_MAP),
    WantedField("spec.repository", *_MAP),
    *(WantedField(f"spec.repository.{name}", *_TEXT) for name in ("namespace", "name", "uid")),
    WantedField("spec.sequence", *_NUMBER),
    WantedField("spec.digestVersion", *_NUMBER),
    WantedField("spec.part", *_MAP, is_optional=True),
    WantedField("spec.part.number", *_NUMBER, is_optional=True),
    WantedField("spec.previous", *_TEXT, is_optional=True),
    WantedField("status", *_MAP, is_optional=True),
    WantedField("status.previous", *_TEXT, is_optional=True),
    WantedField("status.digest", *_TEXT, is_optional=True),
)
_LONGEST = 40


def of_record(body: Any) -> str:
    """Say which field of a record is not as it must be; empty where all that are needed are."""
    return first_wrong(body, _RECORD)


def first_wrong(body: Any, wanted: Sequence[WantedField]) -> str:
    """Say which of some fields is not as it must be; empty where all are."""
    return next(filter(None, (_wrong(body, each) for each in wanted)), "")


def _wrong(body: Any, wanted: WantedField) -> str:
    found: Any = body
    for name in wanted.path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return "" if wanted.is_optional else f"{wanted.path} must be {wanted.words}, and is missing"
        found = found[name]
    if (found is None and wanted.is_optional) or (
        isinstance(found, wanted.types) and not isinstance(found, bool)
    ):
        return ""
    return f"{wanted.path} must be {wanted.words}, and is {_shown(found)}"


def _shown(value: Any) -> str:
    """Return a wrong value in words; a long one is cut."""
    if isinstance(value, str):
        return f'"{text.printable(value, _LONGEST)}"'
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list):
        return "a list"
    return {None: "null", True: "true", False: "false"}.get(value, str(value))
