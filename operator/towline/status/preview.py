"""Show a plan with its dry run under Observe, and later what differs from what was shown."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from towline import text
from towline.api.syncrecord import ChangeEntry, FieldChange, SyncRecord
from towline.errors import Failure, Reason
from towline.model import Action, Body, Change, Revision, display
from towline.status import conditions, object_parts, refused

SHOWN = 10
"""How many changes a status shows, and fields of each; the totals count all."""

BLOCKED = "blocked"
"""The name under which prunes that wait for a confirmation are counted."""

_VALUE_BYTES = 256
_NAMED = 3

_FIRST = (Action.REPLACE, Action.PRUNE, Action.RELEASE, Action.UPDATE, Action.ADOPT, Action.REPAIR)
"""The actions that are shown first: what goes away, then what changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a sync would do.

    `entries` are the changes that would be written, as a record tells them; `blocked` the prunes that wait for a
    person; `failures` what would be refused.
    """

    entries: tuple[ChangeEntry, ...] = ()
    blocked: tuple[Change, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the cluster is as declared."""
        return not (self.entries or self.blocked or self.failures)


NOTHING = Forecast()
"""The forecast of an empty plan, and of one that is being carried out."""


class _Told(NamedTuple):
    """One change of one object, merged from all its entries."""

    action: str
    digest: str
    fields: Mapping[str, FieldChange]


def body(forecast: Forecast) -> Body:
    """Return `status.plan`; empty where nothing would be done."""
    counts = Counter(told.action for told in _told(forecast.entries).values())
    if forecast.blocked:
        counts[BLOCKED] = len(forecast.blocked)
    totals: Counter[str] = Counter()
    for entry in forecast.entries:
        totals[entry.object] += len(entry.fields)
    entries = sorted(_firsts(forecast.entries), key=_rank)
    changes = [*(_change(entry, totals[entry.object]) for entry in entries), *map(_waiting, forecast.blocked)]
    if not changes:
        return {}
    return {"counts": dict(sorted(counts.items())), "changes": changes[:SHOWN], "changesTotal": len(changes)}


def sentence(forecast: Forecast, revision: Revision, declared: int) -> str:
    """Say what would be done, of how many declared objects, by which commit."""
    commit = conditions.named(revision.short, revision.subject, revision.writer.name)
    if forecast.is_empty:
        return f"Would change nothing: {text.many(declared, 'object')} as declared by {commit}"
    counts = Counter(told.action for told in _told(forecast.entries).values())
    words = [f"{action} {counts[action]}" for action in Action if counts[action]]
    if forecast.blocked:
        words.append(f"prune {len(forecast.blocked)} once confirmed")
    would = ", ".join(words)
    if not forecast.failures:
        return f"Would {would}: {commit}"
    state = f"Would otherwise {would}" if would else ""
    return refused.sentence(f"{commit} would fail", forecast.failures, len(forecast.failures), state)


def staying(changes: Iterable[Change]) -> str:
    """Say which owned objects stay although Git no longer declares them; empty where none does."""
    kept = [
        each for each in changes if each.action is Action.SKIP and each.manifest is None and not each.reason
    ]
    if not kept:
        return ""
    named = ", ".join(f"{change.ref.display} ({change.message})" for change in kept[:_NAMED])
    more = len(kept) - _NAMED
    return f"{text.many(len(kept), 'object')} left Git: {named}" + (f" and {more} more" if more > 0 else "")


def blocks(change: Change) -> Failure:
    """Return why a prune would wait, as a record tells it."""
    message = text.printable(f"waits for a confirmation: {change.message}")
    return Failure(reason=change.reason or Reason.PRUNE_BLOCKED, message=message, object=str(change.ref))


def shown(records: Sequence[SyncRecord]) -> tuple[ChangeEntry, ...]:
    """Return the changes that a Planned record said would be written, without those that would not."""
    found: list[ChangeEntry] = []
    for record in records:
        failures = record.closing.failures if record.closing else ()
        held = {record.intent.changes[each.change].object for each in failures if each.change >= 0}
        found += [entry for entry in record.intent.changes if entry.object not in held]
    return tuple(found)


def differences(before: Iterable[ChangeEntry], now: Iterable[ChangeEntry]) -> tuple[str, ...]:
    """Name each object that is about to be written otherwise than it was shown."""
    was, will = _told(before), _told(now)
    found = []
    for name in sorted({*was, *will}):
        if name not in will:
            found.append(f"no longer: {was[name].action} {display(name)}")
        elif name not in was:
            found.append(f"new: {will[name].action} {display(name)}")
        elif was[name].action != will[name].action:
            found.append(f"{will[name].action} instead of {was[name].action}: {display(name)}")
        elif was[name] != will[name]:
            found.append(
                f"other content: {will[name].action} {display(name)}{_fields(was[name], will[name])}"
            )
    return tuple(found)


def _told(entries: Iterable[ChangeEntry]) -> dict[str, _Told]:
    fields: dict[str, dict[str, FieldChange]] = defaultdict(dict)
    found: dict[str, _Told] = {}
    for entry in entries:
        fields[entry.object].update((field.path, field) for field in entry.fields)
        found[entry.object] = _Told(entry.action, entry.digest, fields[entry.object])
    return found


def _fields(was: _Told, will: _Told) -> str:
    """Name the fields whose new or present value differs from what was shown."""
    paths = sorted({*was.fields, *will.fields})
    changed = [path for path in paths if was.fields.get(path) != will.fields.get(path)]
    if not changed:
        return ""
    more = len(changed) - _NAMED
    return (
        f" ({', '.join(map(text.dotted, changed[:_NAMED]))}{f' and {more} more fields' if more > 0 else ''})"
    )


def _firsts(entries: Iterable[ChangeEntry]) -> Iterable[ChangeEntry]:
    """Yield the first entry of each object: only one of very many fields has several."""
    seen: set[str] = set()
    for entry in entries:
        if entry.object not in seen:
            seen.add(entry.object)
            yield entry


def _rank(entry: ChangeEntry) -> int:
    action = Action(entry.action)
    return _FIRST.index(action) if action in _FIRST else len(_FIRST)


def _change(entry: ChangeEntry, total: int) -> dict[str, Any]:
    """Return one change by the first entry of its object, whose entries hold `total` fields together."""
    place = {"file": entry.file, "line": entry.line}
    fields = [_field(each) for each in entry.fields[:SHOWN]]
    counted = {"fields": fields, "fieldsTotal": total} if fields else {}
    named = {name: value for name, value in place.items() if value}
    parts = {"object": entry.object, "ref": object_parts.of_text(entry.object)}
    return {**parts, "action": entry.action, **named, **counted}


def _waiting(change: Change) -> dict[str, Any]:
    return {
        "object": str(change.ref),
        "ref": object_parts.of(change.ref),
        "action": str(change.action),
        "message": blocks(change).message,
    }


def _field(field: FieldChange) -> dict[str, Any]:
    values = {"old": field.old, "new": field.new}
    return {"path": field.path} | {name: _short(value) for name, value in values.items() if value is not None}


def _short(value: Any) -> Any:
    """Return a value as a status shows it: the record has all of it."""
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(shown.encode()) <= _VALUE_BYTES else text.printable(shown, _VALUE_BYTES)
