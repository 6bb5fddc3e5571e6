"""Compute the status after a pass: commits, counts, failures, blocked prunes, conditions.

Fields that a pass knows nothing about keep their value, and without news the status equals the one before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from towline import text
from towline.api import condition, pins, value_sources
from towline.api.asked.suspending import SuspendState
from towline.api.condition import Condition
from towline.api.gitrepository import GitRepository
from towline.api.pins import Pin
from towline.api.value_sources import ValuesCommit
from towline.drift.deviations import Deviation
from towline.errors import Failure, Reason
from towline.model import Body, Change, GroupKind, Plan, Revision
from towline.status import (
    blocked,
    conditions,
    drift_fields,
    health_condition,
    object_parts,
    preview,
    suspension,
    unit_times,
)
from towline.status.conditions import ConditionInputs
from towline.status.health_condition import Waited
from towline.status.preview import Forecast
from towline.status.survey import HealthSummary
from towline.status.unit_times import UnitTime

SHOWN = 10
"""How many failures a status lists; the total counts all."""
_MESSAGE_BYTES = 1024
_PATH_BYTES = 1024
_WORDS_BYTES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCounts:
    """How many objects a commit declares, how many of them are as declared, and how many were refused."""

    declared: int
    synced: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """What one pass found and did; None and empty texts mean that it does not know.

    `ref` is the full name of the ref at which `observed` was found.
    `observed` and `attempted` are shas, `commit` is the attempted one as people name it.
    `applied` is the commit whose whole plan is done; to name the one of
    before changes nothing. `message` may be empty where failures, blocked prunes or counts say enough.
    `plan` is what would be done, under Observe. `drift` is what is not as it was applied. `kinds` are added to those
    known. `attempts` counts the tries in a row that ended like this one; the next
    try was `retry` seconds away. `wait` is how many seconds a pass that is not
    over may rest, unless it is woken.
    `health` is that of the declared objects; `gated` says that later waves wait for it. `handled` is the value of the
    annotation that asked for a look, empty where none did. `done` are the objects that ran once, with their digests.
    `is_unread` says that all that is in the way is a kind that cannot be read, `is_costly` that the observed commit
    took more than it may to fetch or to read, and would again. `pins` are what names of remote parts were resolved to,
    `moved_pins` those that were resolved to something else than before. `sources` are the commits of other repositories
    that values came from. `units` are those that were built. `checkpoint` is what was signed
    of the records, None where nothing is new.
    """

    generation: int
    reason: Reason
    message: str = ""
    observed: str = ""
    ref: str = ""
    attempted: str = ""
    commit: str = ""
    applied: Revision | None = None
    objects: ObjectCounts | None = None
    failures: tuple[Failure, ...] | None = None
    blocked: tuple[Change, ...] | None = None
    token: str = ""
    doubted: int = 0
    plan: Forecast | None = None
    drift: tuple[Deviation, ...] | None = None
    kinds: Collection[GroupKind] = ()
    last_record: str = ""
    attempts: int = 0
    retry: float = 0.0
    wait: float = 0.0
    health: HealthSummary | None = None
    gated: bool = False
    handled: str = ""
    done: Mapping[str, str] | None = None
    is_unread: bool = False
    is_costly: bool = False
    pins: tuple[Pin, ...] | None = None
    sources: tuple[ValuesCommit, ...] | None = None
    moved_pins: Body | None = None
    units: tuple[UnitTime, ...] | None = None
    checkpoint: Body | None = None


def compute(
    previous: Body,
    passed: PassResult,
    now: datetime,
    waited: Waited = health_condition.NOT_WAITING,
    suspended: SuspendState = suspension.NOT_SUSPENDED,
) -> Body:
    """Return the whole status after a pass.

    Args:
        previous: the status as it is stored; empty at first.
        passed: what the pass found. Where it succeeded, no failure and no blocked prune is left.
        now: an aware time; it only enters fields that move, and decides nothing.
        waited: how long its objects have not been ready.
        suspended: whether it is, and until when.
    """
    moment = text.timestamp(now)
    fine = passed.reason is Reason.SUCCEEDED
    whole = passed.health is not None and passed.health.complete
    counted = {**previous, **_objects(previous, passed)}
    status = {
        **counted,
        "observedGeneration": passed.generation,
        "ref": text.printable(passed.ref, _WORDS_BYTES) if passed.observed else previous.get("ref"),
        "commit": _commit(previous, passed, is_healthy=fine and whole),
        "applied": _applied(previous, passed.applied, moment),
        "kinds": _kinds(previous, passed.kinds),
        "lastRecord": passed.last_record or previous.get("lastRecord"),
        "lastHandledReconcile": text.printable(passed.handled, _WORDS_BYTES)
        or previous.get("lastHandledReconcile"),
        **({} if passed.done is None else {"done": dict(sorted(passed.done.items()))}),
        **drift_fields.fields(passed.drift, counted),
        **_failures(() if fine else passed.failures),
        **blocked.fields(() if fine else passed.blocked, passed.token, passed.doubted),
        **({} if passed.pins is None else {"pins": pins.body(passed.pins)}),
        **({} if passed.sources is None else {"sources": value_sources.body(passed.sources)}),
        **({} if passed.units is None else unit_times.fields(passed.units)),
        **({} if passed.checkpoint is None else {"checkpoint": passed.checkpoint}),
        **({} if passed.moved_pins is None else {"movedPins": passed.moved_pins}),
        **({} if passed.plan is None else {"plan": preview.body(passed.plan)}),
        "suspension": suspension.body(suspended, previous),
    }
    said = {name: value for name, value in status.items() if value not in (None, "", 0, {}, [])}
    found = (
        *_conditions(said, previous, passed, waited),
        suspension.condition_of(suspended, said, previous, moment),
    )
    said["conditions"] = condition.merge(previous.get("conditions"), found, passed.generation, moment)
    return said


def _conditions(said: Body, previous: Body, passed: PassResult, waited: Waited) -> tuple[Condition, ...]:
    """Return all conditions but Suspended; a suspension changes no other."""
    if passed.reason is Reason.SUSPENDED:
        return suspension.kept(previous)
    return (
        *conditions.conditions_of(said, _conclusion(previous, passed, waited)),
        drift_fields.condition(passed.drift, previous, said),
    )


def progress(
    repository: GitRepository,
    revision: Revision,
    decided: Plan,
    kinds: Collection[GroupKind],
    now: datetime,
) -> Body:
    """Return the status to write before the first object of a plan: all its kinds, and what of it is blocked.

    Once the creates of that plan are written, it would no longer show that most of the old objects would be deleted.
    """
    begun = PassResult(
        generation=repository.generation,
        reason=Reason.PROGRESSING,
        message=f"Applying {conditions.named(revision.short, revision.subject, revision.writer.name)}",
        observed=revision.sha,
        attempted=revision.sha,
        blocked=decided.blocked or None,
        token=decided.token,
        doubted=decided.doubted,
        plan=preview.NOTHING,
        kinds=kinds,
    )
    return compute(repository.status, begun, now, suspended=repository.suspend_state)


def _conclusion(previous: Body, passed: PassResult, waited: Waited) -> ConditionInputs:
    """Say how the pass ended, and how the objects are: an applied commit is not ready before its objects are."""
    survey = passed.health
    known = ConditionInputs(
        reason=passed.reason,
        message=passed.message,
        commit=passed.commit,
        attempts=passed.attempts,
        retry=passed.retry,
        healthy=health_condition.of(survey, Reason.SUCCEEDED, previous),
        is_unread=passed.is_unread,
    )
    if survey is None:
        return known
    outlook = health_condition.outlook(survey, waited)
    patience = None if survey.failed else survey.timeout
    known = replace(known, healthy=health_condition.of(survey, outlook, previous), patience=patience)
    fine = passed.reason is Reason.SUCCEEDED
    gated = passed.reason is Reason.PROGRESSING and passed.gated
    return replace(known, outlook=outlook) if fine or gated else known


def _commit(previous: Body, passed: PassResult, *, is_healthy: bool) -> Body:
    applied = passed.applied.sha if passed.applied else ""
    moved = {
        "observed": passed.observed,
        "attempted": passed.attempted,
        "applied": applied,
        "healthy": applied if is_healthy else "",
    }
    return {**previous.get("commit", {}), **_present(moved)}


def _applied(previous: Body, revision: Revision | None, moment: str) -> Body:
    before: Body = previous.get("applied", {})
    if revision is None or (before and previous.get("commit", {}).get("applied") == revision.sha):
        return before
    return _present(
        {
            "short": revision.short,
            "author": text.printable(revision.writer.name or revision.writer.email, _WORDS_BYTES),
            "subject": text.printable(revision.subject, _WORDS_BYTES),
            "committedAt": revision.committed_at,
            "appliedAt": moment,
            "pullRequest": text.printable(revision.pull_request, _WORDS_BYTES),
            "mergedBy": text.printable(revision.merged_by, _WORDS_BYTES),
        }
    )


def _kinds(previous: Body, added: Collection[GroupKind]) -> list[Body]:
    known = {GroupKind(kind.get("group", ""), kind.get("kind", "")) for kind in previous.get("kinds", ())}
    return [{"group": kind.group, "kind": kind.kind} for kind in sorted(known.union(added))]


def _objects(previous: Body, passed: PassResult) -> Body:
    counts: dict[str, int] = {}
    if objects := passed.objects:
        counts |= {"declared": objects.declared, "synced": objects.synced, "failed": objects.failed}
    if passed.health:
        counts["healthy"] = passed.health.ready
    return {"objects": {**previous.get("objects", {}), **counts}} if counts else {}


def _failures(failures: tuple[Failure, ...] | None) -> Body:
    if failures is None:
        return {}
    shown = [_failure(failure) for failure in failures[:SHOWN]]
    return {"failures": shown, "failuresTotal": len(failures)}


def _failure(failure: Failure) -> Body:
    named = {
        "object": text.printable(failure.object, _PATH_BYTES),
        "ref": object_parts.of_text(failure.object),
        "file": text.printable(failure.file, _PATH_BYTES),
        "line": failure.line,
        "commit": failure.commit,
    }
    message = text.printable(failure.message, _MESSAGE_BYTES)
    return {"reason": str(failure.reason), "message": message, **_present(named)}


def _present(fields: Mapping[str, Any]) -> Body:
    return {name: value for name, value in fields.items() if value}
