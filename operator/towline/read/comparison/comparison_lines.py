"""Write a comparison as lines for a terminal, and as Markdown for a comment on a pull request."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from towline import text
from towline.api.syncrecord import FieldChange
from towline.errors import Failure
from towline.model import Key, display
from towline.read.comparison.compared import ComparedChange, Comparison, Effect, StayingObject
from towline.status import refused

_VALUE_BYTES = 200
_MESSAGE_BYTES = 600
_LINE_BYTES = 4096
_COMMENT_BYTES = 60_000
"""What a comment may hold: GitHub takes 65,536 characters, others more."""

_SIGNS: Mapping[Effect, str] = MappingProxyType({Effect.CREATE: "+", Effect.DELETE: "-", Effect.RELEASE: "-"})
_NOTES: Mapping[Effect, str] = MappingProxyType(
    {
        Effect.REPLACE: "deleted and created again",
        Effect.RESTART: "its pods are replaced",
        Effect.RELEASE: "stays in the cluster, without an owner",
        Effect.ADOPT: "exists already and is taken over",
        Effect.REPAIR: "changed in the cluster",
    }
)
"""What the word of an effect does not say."""

_BACKTICKS = re.compile("`+")


def lines(comparison: Comparison) -> Iterator[str]:
    """Yield what a terminal shows: each change with its fields, then refusals and what would stay, then the sum."""
    for change in comparison.changes:
        yield from _change(change)
    yield from (f"! {_refused(each)}" for each in comparison.refused)
    yield from (f"! {_staying(each)}" for each in comparison.blocked)
    yield f"{comparison.repository} at {_named(comparison)}: {summary(comparison)}"
    yield from (f"note: {text.printable(note, _LINE_BYTES)}" for note in comparison.notes)


def summary(comparison: Comparison) -> str:
    """Say in a few words what would happen: `2 changes (create 1, restart 1), 1 refused`."""
    counts = Counter(change.action for change in comparison.changes)
    parts = []
    if counts:
        told = ", ".join(f"{each} {counts[each]}" for each in Effect if counts[each])
        parts.append(f"{text.many(sum(counts.values()), 'change')} ({told})")
    if comparison.refused:
        parts.append(f"{len(comparison.refused)} refused")
    if waiting := sum(each.waits for each in comparison.blocked):
        parts.append(f"{text.many(waiting, 'removal')} would wait for a confirmation")
    return ", ".join(parts) or "nothing would change"


def marker(repository: Key) -> str:
    """Return the hidden first line of a comment, by which a script finds the one that it is to edit."""
    return f"<!-- towline-diff: {repository} -->"


def markdown(comparison: Comparison) -> str:
    """Return a comment for a pull request: at most as long as forges accept, with values that can form no Markdown."""
    what = f"{_code(_named(comparison))} to {_code(str(comparison.repository))}"
    head = [marker(comparison.repository), f"**Towline** would apply {what}: {summary(comparison)}."]
    rest = [f"> {_plain(note)}" for note in comparison.notes]
    told = [f"- refused: {_code(_refused(each))}" for each in comparison.refused]
    blocked = [f"- {_code(_staying(each))}" for each in comparison.blocked]
    parts = [*head, "\n".join((*told, *blocked)), _changes(comparison), "\n".join(rest)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _changes(comparison: Comparison) -> str:
    """Return the changes in one block; those for which there is no room are counted."""
    shown: list[str] = []
    size = 0
    for index, change in enumerate(comparison.changes):
        told = "\n".join(_change(change))
        size += len(told.encode()) + 1
        if size > _COMMENT_BYTES and shown:
            shown.append(f"# and {text.many(len(comparison.changes) - index, 'more change')}")
            break
        shown.append(told)
    if not shown:
        return ""
    block = "\n".join(shown)
    if len(block) > _COMMENT_BYTES:
        block = f"{block[:_COMMENT_BYTES]}\n# cut here"
    fence = "`" * max(3, _longest(block) + 1)
    return f"{fence}diff\n{block}\n{fence}"


def _change(change: ComparedChange) -> Iterator[str]:
    place = _place(change.file, change.line)
    said = text.printable(change.message, _MESSAGE_BYTES) or _NOTES.get(change.action, "")
    note = f" ({said})" if said else ""
    sign = _SIGNS.get(change.action, "~")
    shown = text.printable(change.ref.display)
    yield f"{sign} {change.action} {shown}{note}{f'  {place}' if place else ''}"
    yield from (f"    {_field(field)}" for field in change.fields)


def _field(field: FieldChange) -> str:
    name = text.printable(text.dotted(field.path) or field.path)
    if field.old is None:
        return f"{name}: + {_value(field.new)}"
    if field.new is None:
        return f"{name}: - {_value(field.old)}"
    return f"{name}: {_value(field.old)} -> {_value(field.new)}"


def _value(value: Any) -> str:
    return text.printable(json.dumps(value, ensure_ascii=False, sort_keys=True), _VALUE_BYTES)


def _refused(failure: Failure) -> str:
    place = _place(failure.file, failure.line)
    where = " ".join(filter(None, (place, text.printable(display(failure.object)))))
    field = f" {text.printable(text.dotted(failure.field))}" if failure.field else ""
    step = refused.next_step(failure)
    said = text.printable(
        f"{failure.message.rstrip('.')}. {step}" if step else failure.message, _MESSAGE_BYTES
    )
    return f"{where}{field}: {failure.reason}: {said}" if where else f"{failure.reason}: {said}"


def _staying(each: StayingObject) -> str:
    verb = f"{each.action}, once confirmed," if each.waits else "stays:"
    why = text.printable(each.message or each.reason, _MESSAGE_BYTES)
    return f"{verb} {text.printable(each.ref.display)}: {why}"


def _place(file: str, line: int) -> str:
    shown = text.printable(file)
    return f"{shown}:{line}" if shown and line else shown


def _named(comparison: Comparison) -> str:
    """Return the revision as people name it: what was asked for, and the short commit where that is another text."""
    short = comparison.sha[:7]
    if not short or comparison.sha.startswith(comparison.target):
        return short or text.printable(comparison.target)
    return f"{text.printable(comparison.target)} ({short})"


def _code(told: str) -> str:
    """Return a text as code, which no backtick in it ends."""
    longest = _longest(told)
    if not longest:
        return f"`{told}`"
    ticks = "`" * (longest + 1)
    return f"{ticks} {told} {ticks}"


def _longest(told: str) -> int:
    """Return how many backticks follow each other at most."""
    return max((len(run) for run in _BACKTICKS.findall(told)), default=0)


def _plain(told: str) -> str:
    return re.sub(r"([\\`*_{}\[\]()#+!|<>@-])", r"\\\1", told)
