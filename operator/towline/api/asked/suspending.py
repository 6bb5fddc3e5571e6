"""Read whether a GitRepository is suspended, and until when: by its spec, or by the annotation for that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from towline import text
from towline.api import labels

WORDS_BYTES = 200
"""How much of a reason and of a name the status repeats."""

_FIELDS = ("until", "reason", "by")

_FIELD = re.compile(
    r"""[ \t]*(?P<name>[A-Za-z-]+)[ \t]*=[ \t]*
    (?: "(?P<quoted>(?:[^"\\]|\\.)*)"[ \t]*(?=,|$)
      | (?P<plain>(?![ \t]*")(?:(?!,[ \t]*[A-Za-z-]+[ \t]*=).)*)  )
    (?:,|$)""",
    re.VERBOSE | re.DOTALL,
)
"""One field; a plain value ends before the comma of the next field, so it may hold commas itself.

The chart's admission policy finds `by` by the same rule: no space but those two counts.
"""

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ]+(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*([Zz]|[+-]\d\d:\d\d)?)?")

_FORM = "until=2026-12-24T18:00:00Z, reason=freeze, by=ada"  # fmt: skip


class SuspensionSource(StrEnum):
    """What suspends: `spec.suspend` alone, or the annotation, which may stand next to it."""

    SPEC = "Spec"
    ANNOTATION = "Annotation"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendNote:
    """What a value of the annotation says; `until` is an aware time, None where a person has to end the suspension."""

    until: datetime | None = None
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A suspension that holds: what suspends, and what the annotation says of it."""

    source: SuspensionSource = SuspensionSource.SPEC
    note: SuspendNote = SuspendNote()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendState:
    """Whether a GitRepository is suspended at a moment.

    Attributes:
        suspension: what holds, None where nothing does.
        ended: the time that ended it by itself; None where a suspension holds, or nothing asks for one.
        is_set: whether `spec.suspend` is true.
        problem: why the annotation does not count, or not as it was meant; empty where it does.
    """

    suspension: Suspension | None = None
    ended: datetime | None = None
    is_set: bool = False
    problem: str = ""


def parse(value: str) -> SuspendNote:
    """Read a value of the annotation: `until=…, reason=…, by=…`, each at most once, at least one of them.

    A value that holds a comma, a name and an equals sign is written in double quotes. A time without a zone is UTC, a
    date alone the beginning of that day.

    Raises:
        ValueError: it cannot be read; the message says what to write.
    """
    found: dict[str, str] = {}
    value, place = value.strip(), 0
    while place < len(value):
        field = _FIELD.match(value, place)
        name = field["name"].lower() if field else ""
        if field is None or name not in _FIELDS:
            shown = text.printable(field["name"] if field else value[place:], 60)
            raise ValueError(
                f"{shown!r} is not a field of it; write {_FORM}, with quotes around a value that holds ', x='"
            )
        if name in found:
            raise ValueError(f"{name} occurs twice; write {_FORM}")
        found[name] = (
            re.sub(r"\\(.)", r"\1", field["quoted"]) if field["plain"] is None else field["plain"].strip()
        )
        place = field.end()
    if not found:
        raise ValueError(f"it is empty; write {_FORM}, or remove it")
    until = _time(found["until"]) if "until" in found else None
    return SuspendNote(until=until, reason=found.get("reason", ""), by=found.get("by", ""))


def written(note: SuspendNote) -> str:
    """Return a value of the annotation that `parse` reads as `note`."""
    until = text.timestamp(note.until) if note.until else ""
    fields = {"until": until, "reason": _quoted(note.reason), "by": _quoted(note.by)}
    return ", ".join(f"{name}={value}" for name, value in fields.items() if value)


def is_told(said: Mapping[str, Any], note: SuspendNote) -> bool:
    """Tell whether `status.suspension` says what the annotation does: the operator has read it."""
    until = text.timestamp(note.until) if note.until else ""
    wanted = {
        "until": until,
        "reason": text.printable(note.reason, WORDS_BYTES),
        "by": text.printable(note.by, WORDS_BYTES),
    }
    return said.get("source") == SuspensionSource.ANNOTATION and all(
        said.get(name, "") == value for name, value in wanted.items()
    )


def asked_at(metadata: Mapping[str, Any]) -> datetime | None:
    """Return a time at which both `spec.suspend` and the annotation were there; None where nothing tells.

    The entries of managedFields have the time at which each field manager wrote last, so it may have been sooner.

    Args:
        metadata: of the resource.
    """
    paths = (("f:spec", "f:suspend"), ("f:metadata", "f:annotations", f"f:{labels.SUSPEND}"))
    times = [_written_at(metadata.get("managedFields") or (), path) for path in paths]
    try:
        return max(datetime.fromisoformat(each).astimezone(UTC) for each in times)
    except ValueError:
        return None


def _written_at(entries: Iterable[Mapping[str, Any]], path: Sequence[str]) -> str:
    """Return when a field was written at the latest, empty where no field manager has it."""

    def holds(entry: Mapping[str, Any]) -> bool:
        node = entry.get("fieldsV1")
        for step in path:
            node = node.get(step) if isinstance(node, Mapping) else None
        return node is not None

    return min((str(each.get("time", "")) for each in entries if holds(each)), default="")


def state(
    spec: Mapping[str, Any],
    annotations: Mapping[str, str],
    status: Mapping[str, Any],
    at: datetime,
    asked: datetime | None = None,
) -> SuspendState:
    """Tell whether a GitRepository is suspended at a moment.

    Each of the two suspends, and the time of the annotation ends both. An annotation that cannot be read changes
    nothing. One whose time had passed before it was first read ends what `spec.suspend` asks for only where both had
    been there before that time, while no operator ran: else it is one that was left behind, or a mistake.

    Args:
        spec: as stored, which may be invalid.
        annotations: of the resource.
        status: of the resource; it says what held before.
        at: the moment, an aware time.
        asked: a time at which both were there, None where that is not known.
    """
    is_set, value = spec.get("suspend") is True, annotations.get(labels.SUSPEND)
    plain = SuspendState(suspension=Suspension() if is_set else None, is_set=is_set)
    if value is None:
        return plain
    before = status.get("suspension")
    before = before if isinstance(before, Mapping) else {}
    try:
        note = parse(value)
    except ValueError as error:
        return _unreadable(plain, before, str(error))
    if note.until is None or at < note.until:
        return SuspendState(
            suspension=Suspension(source=SuspensionSource.ANNOTATION, note=note), is_set=is_set
        )
    until = text.timestamp(note.until)
    if not is_set or before.get("until") == until or (asked and asked < note.until):
        return SuspendState(ended=note.until, is_set=is_set)
    problem = (
        f"its time, {until}, had passed when it was read first, so it does not end spec.suspend; remove it"
    )
    return SuspendState(suspension=Suspension(), is_set=True, problem=problem)


def _unreadable(plain: SuspendState, before: Mapping[str, Any], problem: str) -> SuspendState:
    """Return what holds where the annotation cannot be read: what held before, without an end."""
    is_held = before.get("source") == SuspensionSource.ANNOTATION and not before.get("ended")
    if not is_held:
        return SuspendState(suspension=plain.suspension, is_set=plain.is_set, problem=problem)
    note = SuspendNote(reason=str(before.get("reason", "")), by=str(before.get("by", "")))
    suspension = Suspension(source=SuspensionSource.ANNOTATION, note=note)
    return SuspendState(suspension=suspension, is_set=plain.is_set, problem=problem)


def _time(value: str) -> datetime:
    found = _TIME.fullmatch(value)
    day, clock, zone = found.groups() if found else ("", "", "")
    try:
        return datetime.fromisoformat(f"{day}T{clock or '00:00'}{(zone or 'Z').upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        shown = text.printable(value, 60)
        raise ValueError(f"until={shown} is not a time; write it as 2026-12-24T18:00:00Z") from None


def _quoted(value: str) -> str:
    """Return a value of one line, in quotes where it would not be read as it is."""
    line = text.printable(value)
    if not line or not re.search(r'^"|,|\\$', line):
        return line
    escaped = line.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
