"""Decide what to announce about a repository: one value, in one wording, for the log and for Events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from towline import text
from towline.api import condition, labels
from towline.api.asked import asking
from towline.api.condition import Type
from towline.drift.deviations import Deviation
from towline.errors import Reason
from towline.model import Body, Manifest, ObjectRef
from towline.status import drift_fields

_NAMED_REPAIRS = 3
"""So many repaired objects, or fields that others set back, are named, the others counted."""

_NAMED_DIFFERENCES = 5
"""How many differences from Observe are named; the others are counted."""

_LOGGED_DIFFERENCES = 500

_NAMED_FIELDS = 5
"""How many ignored fields are named; the others are counted."""


class Weight(StrEnum):
    """How much an announcement matters, as Events call it."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One piece of news about a repository.

    `event` names it in the log, `reason` in Events. `details` are for the log alone.
    """

    event: str
    weight: Weight
    reason: str
    message: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The numbers of a status, for the metrics."""

    reason: str
    is_ready: bool
    declared: int
    healthy: int
    drifted: int


def figures(said: Body) -> Figures:
    """Return the numbers of a status."""
    ready, counts = _ready(said), said.get("objects") or {}
    return Figures(
        reason=ready["reason"],
        is_ready=ready["status"] == "True",
        declared=counts.get("declared", 0),
        healthy=counts.get("healthy", 0),
        drifted=counts.get("drifted", 0),
    )


def announcements(before: Body, said: Body, *, is_suspended: bool) -> tuple[Announcement, ...]:
    """Return the news that a status tells: a request, new drift, each sync, and each failure that was not there before.

    Args:
        before: the status until now.
        said: the status after the pass.
        is_suspended: whether nothing was tried, so that nothing can have failed.
    """
    drifted, ended = drift_fields.news(before, said), _ended(before, said, is_suspended=is_suspended)
    news = Announcement(event="drifted", weight=Weight.WARNING, reason="Drifted", message=drifted)
    asked = _asked(before, said)
    return (*((asked,) if asked else ()), *((news,) if drifted else ()), *((ended,) if ended else ()))


def _asked(before: Body, said: Body) -> Announcement | None:
    """Return that the operator has looked because a person asked, where the annotation names one."""
    handled = said.get("lastHandledReconcile", "")
    user = asking.by({labels.RECONCILE: handled}, labels.RECONCILE)
    if not user or handled == before.get("lastHandledReconcile"):
        return None
    message = f"Looked, as {user} asked (as claimed)"
    return Announcement(event="looked as asked", weight=Weight.NORMAL, reason="Requested", message=message)


def suspensions(before: Body, said: Body, *, has_ended: bool = False) -> Iterator[Announcement]:
    """Yield that a suspension began, was changed, or ended, and that its annotation cannot be read.

    Args:
        before: the status that the pass began with.
        said: the status after it.
        has_ended: whether its time is over; that of a suspension which began and ended while no operator ran is told.
    """
    old, new = condition.find(before, Type.SUSPENDED), condition.find(said, Type.SUSPENDED)
    message, was, is_now = (
        str(new.get("message", "")),
        old.get("status") == "True",
        new.get("status") == "True",
    )
    if is_now and (not was or old.get("message") != message):
        yield Announcement(event="suspended", weight=Weight.NORMAL, reason="Suspended", message=message)
    elif was and not is_now:
        since = old.get("lastTransitionTime", "")
        told = f"No longer suspended, as it was since {since}. {message}"
        yield Announcement(event="resumed", weight=Weight.NORMAL, reason="Resumed", message=told)
    elif has_ended and old.get("message") != message:
        told = f"No longer suspended, as it was while Towline did not run. {message}"
        yield Announcement(event="resumed", weight=Weight.NORMAL, reason="Resumed", message=told)
    problem = (said.get("suspension") or {}).get("problem")
    if problem and problem != (before.get("suspension") or {}).get("problem"):
        yield Announcement(
            event="the suspend annotation does not count",
            weight=Weight.WARNING,
            reason="SuspendAnnotationInvalid",
            message=f"The annotation {labels.SUSPEND} does not count: {problem}",
        )


def _ended(before: Body, said: Body, *, is_suspended: bool) -> Announcement | None:
    """Return how a pass ended, if that is new."""
    old, ready, record = _ready(before), _ready(said), said.get("lastRecord", "")
    is_synced = record != before.get("lastRecord", "")
    reason, message, failed = ready["reason"], ready["message"], ready["status"] == "False"
    if not is_synced and (old.get("reason"), old.get("message")) == (reason, message):
        return None
    if reason == Reason.PLANNED:
        event, weight = "planned", Weight.NORMAL
    elif is_synced and not failed:
        event, weight = "synced", Weight.NORMAL
    elif failed and not is_suspended:
        event, weight = "not ready", Weight.WARNING
    else:
        return None
    return Announcement(
        event=event, weight=weight, reason=reason, message=message, details={"record": record}
    )


def repaired(objects: Collection[ObjectRef], rivals: Collection[str], record: str) -> Announcement:
    """Announce that objects were restored, and which field managers had changed them."""
    names = sorted(ref.display for ref in objects)
    more = f" and {len(names) - _NAMED_REPAIRS} more" if len(names) > _NAMED_REPAIRS else ""
    whose = ", ".join(sorted(set(filter(None, rivals))))
    return Announcement(
        event="repaired",
        weight=Weight.NORMAL,
        reason="Repaired",
        message=f"Restored {', '.join(names[:_NAMED_REPAIRS])}{more}"
        + (f", changed by {whose}" if whose else ""),
        details={"objects": len(names), "record": record},
    )


def set_back(ended: Sequence[Deviation]) -> Announcement | None:
    """Tell that drift has ended because others set it back; None where nothing was."""
    if not ended:
        return None
    named = "; ".join(drift_fields.set_back(each) for each in ended[:_NAMED_REPAIRS])
    more = f"; and {len(ended) - _NAMED_REPAIRS} more" if len(ended) > _NAMED_REPAIRS else ""
    return Announcement(
        event="drift ended",
        weight=Weight.NORMAL,
        reason="DriftEnded",
        message=f"As Git declares, set back by others: {named}{more}",
        details={"total": len(ended)},
    )


def ignored(manifests: Iterable[Manifest], before: Iterable[Manifest]) -> Announcement | None:
    """Announce declared fields that are not sent, because controllers write them; None if there are no new ones.

    Args:
        manifests: what Git declares now.
        before: what it declared when people were told last.
    """
    left_out = [(each, one) for each in manifests for one in each.left_out]
    if not left_out:
        return None
    known = {(each.ref, one.field) for each in before for one in each.left_out}
    fresh = [(each, one) for each, one in left_out if (each.ref, one.field) not in known]
    if not fresh:
        return None
    more = len(fresh) - _NAMED_FIELDS
    rest = f"; and {more} more" if more > 0 else ""
    named = "; ".join(
        f"{each.origin.file}:{one.line} {one.field} of {each.ref.display}, which {one.owner} writes"
        for each, one in fresh[:_NAMED_FIELDS]
    )
    return Announcement(
        event="fields ignored",
        weight=Weight.NORMAL,
        reason="FieldsIgnored",
        message=f"Not applied: {named}{rest}. Remove these lines from Git",
        details={"total": len(fresh)},
    )


def differs(shown: str, differences: Sequence[str]) -> Announcement:
    """Announce how the changes to be written differ from those that the record `shown` listed under Observe."""
    more = len(differences) - _NAMED_DIFFERENCES
    rest = f"; and {more} more" if more > 0 else ""
    return Announcement(
        event="differs from what Observe showed",
        weight=Weight.WARNING,
        reason=Reason.PLANNED,
        message=f"Differs from what SyncRecord {shown} showed: {'; '.join(differences[:_NAMED_DIFFERENCES])}{rest}",
        details={
            "shown": shown,
            "total": len(differences),
            "differences": tuple(differences[:_LOGGED_DIFFERENCES]),
        },
    )


def undeleted(total: int, why: Sequence[str], seconds: float) -> Announcement:
    """Announce that a deletion has ended although some of its objects are not gone.

    Args:
        total: how many they are.
        why: what keeps the first of them, each with the name of its object.
        seconds: how long the deletion has waited for them.
    """
    more = f"{'; and ' if why else ''}{total - len(why)} more" if total > len(why) else ""
    return Announcement(
        event="deleted before all objects were gone",
        weight=Weight.WARNING,
        reason="DeletionIncomplete",
        message=f"Deleted after {text.duration(seconds)}, although {text.many(total, 'object')} of it"
        f" {'is' if total == 1 else 'are'} not gone: {'; '.join(why)}{more}. They go when nothing"
        " holds them: see that the controllers of these finalizers run, or remove the finalizers by hand",
        details={"total": total},
    )


def _ready(said: Body) -> Body:
    conditions = said.get("conditions") or ()
    return next((each for each in conditions if each.get("type") == "Ready"), {})
