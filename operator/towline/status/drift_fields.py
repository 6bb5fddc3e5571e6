"""Show drift in the status: the first fields, the totals, the condition, and the message of the Event."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

from towline import text
from towline.api.condition import NOT_ASSESSED, Condition, Truth, Type, stored
from towline.drift.deviations import Deviation
from towline.errors import Failure, Refusal
from towline.model import Body, display
from towline.plan.drift_policy import DRIFTED
from towline.status import object_parts
from towline.status import refused as advice

SHOWN = 10
"""How many deviations a status lists; the totals count all."""

UNASSESSED = (Deviation(object=""),)
"""Means that drift is not assessed: under Observe the plan says what differs."""

_NO_DRIFT = "NoDrift"
_PATH_BYTES = 1024
_VALUE_BYTES = 200


def fields(deviations: tuple[Deviation, ...] | None, previous: Body) -> Body:
    """Return the parts of a status that describe drift; none where drift was not assessed.

    Fields that others added are listed, but do not count as drift.
    """
    if deviations is None:
        return {}
    if deviations is UNASSESSED:
        deviations = ()
    ordered = sorted(deviations, key=lambda each: each.reason == Refusal.FOREIGN_FIELDS)
    real = [each for each in ordered if each.reason != Refusal.FOREIGN_FIELDS]
    objects = {**previous.get("objects", {}), "drifted": len({each.object for each in real})}
    return {
        "drift": [_entry(each) for each in ordered[:SHOWN]],
        "driftTotal": len(real),
        "objects": {name: value for name, value in objects.items() if value or name != "drifted"},
    }


def condition(deviations: tuple[Deviation, ...] | None, previous: Body, status: Body) -> Condition:
    """Return the condition Drifted; where drift was not assessed, as it was.

    Args:
        deviations: what differs from what was applied.
        previous: the status before.
        status: what the pass leaves behind, without conditions; where it names no applied commit, nothing can drift.
    """
    if deviations is None:
        return stored(previous, Type.DRIFTED) or _unassessed("Nothing is applied yet")
    if deviations is UNASSESSED:
        return _unassessed("Under Observe, status.plan says what differs")
    real = [each for each in deviations if each.reason != Refusal.FOREIGN_FIELDS]
    foreign = len(deviations) - len(real)
    if not real and not status.get("commit", {}).get("applied"):
        return _unassessed("Nothing was applied that could drift")
    if not real:
        words = "Every applied object is as Git declares it"
        more = f"; others added {text.many(foreign, 'field')} inside objects of Git" if foreign else ""
        reason = Refusal.FOREIGN_FIELDS if foreign else _NO_DRIFT
        return Condition(type=Type.DRIFTED, status=Truth.FALSE, reason=reason, message=words + more)
    reasons = {each.reason for each in real}
    if reasons == {Refusal.OVERRIDDEN_BY_ADMISSION}:
        reason, words = (
            Refusal.OVERRIDDEN_BY_ADMISSION,
            "admission sets other values than Git declares",
        )
    elif Refusal.CONTESTED in reasons:
        reason, words = Refusal.CONTESTED, "another field manager keeps changing what Git declares"
    else:
        reason, words = DRIFTED, "not as Git declares"
    message = f"{told(_entry(real[0]))}. {text.many(len(real), 'field')}: {words}"
    if refused := next((each for each in real if each.message), None):
        failure = Failure(reason=refused.reason, message=refused.message, object=refused.object)
        step = advice.next_step(failure)
        message += f"; the repair of {display(refused.object)} is refused: {refused.message}"
        message += f". {step}" if step else ""
    return Condition(
        type=Type.DRIFTED, status=Truth.TRUE, reason=reason, message=text.printable(message, _PATH_BYTES)
    )


def news(before: Body, after: Body) -> str:
    """Describe the drift that a status shows and the one before did not; empty where there is none.

    It compares the first ten of each: a resource with more drift has announced that already.
    """
    known = {_place(each) for each in _listed(before)}
    new = [each for each in _listed(after) if _place(each) not in known]
    if not new or before.get("driftTotal", 0) > SHOWN:
        return ""
    more = after.get("driftTotal", 0) - len(new)
    rest = f", and {more} more" if more > 0 else ""
    return f"{'; '.join(told(each) for each in new[:3])}{rest if len(new) <= 3 else ', and more'}"


def note(status: Body) -> str:
    """Return what Ready adds about drift, with its separator; empty where there is none."""
    total = status.get("driftTotal", 0)
    listed = list(_listed(status))
    if not total or not listed:
        return ""
    return f"; drift: {told(listed[0])}" + (f" and {total - 1} more" if total > 1 else "")


def set_back(ended: Deviation) -> str:
    """Say what is as Git declares it again: `ConfigMap team/web data.level is "info" again (kubectl-patch, <time>)`."""
    named = display(ended.object)
    who = ", ".join(each for each in (text.printable(ended.by, _VALUE_BYTES), ended.since) if each)
    what = f"{text.dotted(ended.field)} is {_value(ended.want)} again" if ended.field else "is there again"
    return f"{named} {what}" + (f" ({who})" if who else "")


def remembered(status: Body, reason: str) -> tuple[Deviation, ...]:
    """Return the deviations with a reason that a status lists; plain drift has none."""
    names = {each.name for each in dataclasses.fields(Deviation)}
    return tuple(
        Deviation(**{name: value for name, value in entry.items() if name in names})
        for entry in _listed(status)
        if entry.get("reason", "") == reason and entry.get("object")
    )


def _unassessed(message: str) -> Condition:
    return Condition(type=Type.DRIFTED, status=Truth.UNKNOWN, reason=NOT_ASSESSED, message=message)


def _entry(deviation: Deviation) -> dict[str, Any]:
    texts = {
        "object": text.printable(deviation.object, _PATH_BYTES),
        "ref": object_parts.of_text(deviation.object),
        "field": text.printable(deviation.field, _PATH_BYTES),
        "file": text.printable(deviation.file, _PATH_BYTES),
        "line": deviation.line,
        "commit": deviation.commit,
        "by": text.printable(deviation.by, _VALUE_BYTES),
        "since": deviation.since,
        "reason": str(deviation.reason),
    }
    values = {"want": deviation.want, "have": deviation.have}
    said = {name: value for name, value in texts.items() if value}
    return said | {name: value for name, value in values.items() if value is not None}


def told(entry: Mapping[str, Any]) -> str:
    """Say one deviation: `ConfigMap team/web data.level is "debug", Git says "info" (kubectl-edit)`."""
    named = display(str(entry.get("object", "")))
    if not entry.get("field"):
        return f"{named} is gone"
    who = f" ({entry['by']})" if entry.get("by") else ""
    field = text.dotted(entry["field"])
    return f"{named} {field} is {_value(entry.get('have'))}, Git says {_value(entry.get('want'))}{who}"


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    shown = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text.printable(shown, _VALUE_BYTES)


def _listed(status: Body) -> Iterable[Body]:
    listed: Iterable[Body] = status.get("drift") or ()
    return listed


def _place(entry: Body) -> tuple[object, object, object]:
    return entry.get("object"), entry.get("field"), entry.get("reason")
