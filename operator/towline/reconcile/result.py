"""Describe how an attempt ended, as the value from which status, Events and schedule are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from towline import log, text
from towline.api import labels, pins
from towline.api.asked import asking
from towline.api.gitrepository import GitRepository, Mode
from towline.api.pins import MovedPinsError
from towline.api.syncrecord import Ending
from towline.errors import ClusterError, CostlyBuildError, CostlyError, Failure, Reason, Refusal, TowlineError
from towline.model import Change, GroupKind, Key, ObjectRef, Plan, Result, Revision
from towline.plan import one_shot
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.observe import Observed
from towline.reconcile.state import Planned, Reached, Start
from towline.reconcile.sync.sync_request import SyncResult
from towline.source.access import CREDENTIALS_SOURCE
from towline.status import blocked, conditions, preview, reasons, unreadable
from towline.status.compute import ObjectCounts, PassResult
from towline.status.preview import Forecast
from towline.status.reasons import Party

_log = log.logger(__name__)

_CAUSE_BYTES = 700
"""Bytes of the error that ended an attempt, which leave room in a condition for the commits."""


def passed(start: Start, planned: Planned, synced: SyncResult | None) -> PassResult:
    """Return the result of an attempt that reached a plan."""
    decided, desired, revision = planned.plan, planned.desired, planned.fetched.revision
    reason, message = _verdict(planned, synced, start.repository)
    is_unread = reason is Reason.CLUSTER_UNAVAILABLE and not (synced and synced.error)
    is_applied = reason is Reason.SUCCEEDED or (is_unread and not decided.behind)
    contested = _contested(decided)
    if contested and reason is Reason.SUCCEEDED:
        reason = Reason.APPLY_FAILED
    if reason is Reason.SUCCEEDED:
        message = _success(planned)
    return PassResult(
        generation=start.repository.generation,
        reason=reason,
        message=message,
        observed=revision.sha,
        ref=planned.fetched.head.ref,
        attempted=revision.sha,
        commit=_named(revision),
        applied=revision if is_applied else None,
        objects=_objects(desired, decided, synced),
        failures=(*(synced.failures if synced else decided.failures), *contested),
        blocked=decided.blocked or (None if decided.waiting or decided.gated else ()),
        token=decided.token,
        doubted=decided.doubted,
        plan=preview.NOTHING,
        kinds=planned.visible.kinds | (desired.kinds if is_applied else _written(decided, synced)),
        last_record=synced.record if synced else "",
        wait=_rest(planned, synced),
        gated=bool(decided.gated),
        done=one_shot.remembered(
            planned.done, desired.manifests, synced.done if synced else (), is_applied=is_applied
        ),
        is_unread=is_unread,
        pins=desired.kept_pins,
        sources=desired.sources,
        units=desired.units,
        moved_pins={},
    )


def _written(decided: Plan, synced: SyncResult | None) -> frozenset[GroupKind]:
    """Return the kinds of everything that a sync may have written."""
    if synced is None or not synced.outcomes:
        return frozenset()
    return frozenset(change.ref.group_kind for change in decided.applies)


def observed(start: Start, planned: Planned, found: Observed) -> PassResult:
    """Return the result of an attempt under Observe: Planned if anything would be done."""
    decided, desired, revision = planned.plan, planned.desired, planned.fetched.revision
    quiet = passed(start, replace(planned, plan=replace(decided, blocked=(), failures=())), None)
    plan = found.forecast
    if quiet.reason is not Reason.SUCCEEDED and plan.is_empty:
        return replace(quiet, last_record=found.record)
    message = preview.sentence(plan, revision, len(desired.declared))
    notes = (message, preview.staying(decided.changed), unreadable.sentence(planned.visible.unreadable))
    return replace(
        quiet,
        reason=Reason.SUCCEEDED if plan.is_empty else Reason.PLANNED,
        message="; ".join(note for note in notes if note),
        applied=revision if plan.is_empty else None,
        objects=_foreseen(desired, plan),
        failures=plan.failures,
        blocked=plan.blocked,
        token=decided.token,
        doubted=decided.doubted,
        plan=plan,
        kinds=planned.visible.kinds if plan.entries else quiet.kinds,
        last_record=found.record,
    )


def failed(repository: GitRepository, reached: Reached, error: TowlineError) -> PassResult:
    """Return the result of an attempt that an error has ended; the plan shown is kept only under Observe."""
    writes = reached.spec and reached.spec.mode is not Mode.OBSERVE
    costly = isinstance(error, CostlyError | CostlyBuildError) or error.reason in reasons.COSTLY
    return PassResult(
        generation=repository.generation,
        reason=error.reason,
        message=_cut_short(repository, reached, error),
        observed=reached.head.sha if reached.head else "",
        ref=reached.head.ref if reached.head else "",
        attempted=reached.fetched.revision.sha if reached.fetched else "",
        failures=_still_known(repository, reached, error),
        plan=preview.NOTHING if writes else None,
        is_costly=bool(reached.head) and costly,
        moved_pins=pins.moved_body(error.moved, error.token) if isinstance(error, MovedPinsError) else {},
    )


def told(error: Exception, key: Key) -> TowlineError:
    """Return the error that ended a pass as the status shows it; a bug is described only in the log."""
    if isinstance(error, TowlineError):
        return error
    _log.error("a bug ended the reconciliation", repository=str(key), exc_info=error)
    return TowlineError(
        Reason.INTERNAL_ERROR, "a bug in Towline: the operator's log has the traceback. Please report it"
    )


def suspended(repository: GitRepository) -> PassResult:
    """Return the result of a pass of a suspended repository, which tries nothing."""
    return PassResult(generation=repository.generation, reason=Reason.SUSPENDED)


def _cut_short(repository: GitRepository, reached: Reached, error: TowlineError) -> str:
    """Return the message; if only another commit helps, it names the failing commit and the applied one."""
    message = _spelt_out(repository.key, reached, error.message)
    if reached.fetched is None or reasons.TABLE[error.reason].parties != (Party.COMMIT,):
        return message
    revision = reached.fetched.revision
    still = conditions.still_at(repository.applied, revision.sha)
    cause = text.printable(message, _CAUSE_BYTES).rstrip(".")
    return f"{_named(revision)} not applied: {cause}" + (f"; {still}" if still else "")


def _spelt_out(key: Key, reached: Reached, message: str) -> str:
    """Return the message with the name of the spec's Secret extended by its namespace."""
    if reached.spec and reached.spec.secret_name:
        plain = f"Secret {reached.spec.secret_name}"
        name = f"Secret {key.namespace}/{reached.spec.secret_name}"
        message = message.replace(CREDENTIALS_SOURCE, name)
        if message.startswith(f"{plain} "):
            message = name + message.removeprefix(plain)
    return message


def _named(revision: Revision) -> str:
    return conditions.named(revision.short, revision.subject, revision.writer.name)


def _still_known(
    repository: GitRepository, reached: Reached, error: TowlineError
) -> tuple[Failure, ...] | None:
    """Return the failures of the attempted commit; None if those in the status are still complete."""
    judged = reached.fetched and not isinstance(error, ClusterError)
    before = repository.status.get("commit", {}).get("attempted")
    moved = reached.fetched and reached.fetched.revision.sha != before
    return error.failures or (() if judged or moved else None)


def _verdict(planned: Planned, synced: SyncResult | None, repository: GitRepository) -> tuple[Reason, str]:
    decided = planned.plan
    if synced and synced.error:
        return Reason.CLUSTER_UNAVAILABLE, synced.error.message
    failures = synced.failures if synced else decided.failures
    if failures:
        return _failed(failures, decided), ""
    if goes_on := _goes_on(decided, synced):
        return Reason.PROGRESSING, goes_on
    if decided.blocked:
        confirmed = asking.token(repository.annotations, labels.CONFIRM_PRUNE)
        return Reason.PRUNE_BLOCKED, blocked.sentence(
            decided.blocked, decided.token, repository.key, confirmed
        )
    if planned.visible.unreadable:
        return Reason.CLUSTER_UNAVAILABLE, unreadable.sentence(planned.visible.unreadable, decided.unread)
    return Reason.SUCCEEDED, ""


def _goes_on(decided: Plan, synced: SyncResult | None) -> str:
    """Return what happens next if the pass is not over; empty if it is."""
    if synced and synced.ending is Ending.SUPERSEDED:
        return "A newer commit has arrived; it is applied next"
    return waiting(decided.waiting or decided.gated) if decided.waiting or decided.gated else ""


def _rest(planned: Planned, synced: SyncResult | None) -> float:
    """Return the seconds until an unfinished pass goes on; a newer commit is next at once."""
    if synced and synced.ending is Ending.SUPERSEDED:
        return 0.0
    if planned.plan.waiting:
        return planned.patience
    return planned.fetched.spec.interval if planned.plan.gated else 0.0


def _success(planned: Planned) -> str:
    """Name what stays although Git no longer declares it; empty if nothing does."""
    staying, revision = preview.staying(planned.plan.changed), planned.fetched.revision
    if not staying:
        return ""
    return f"{conditions.success(_named(revision), len(planned.desired.declared))}; {staying}"


def waiting(changes: Sequence[Change]) -> str:
    """Say which other repositories or objects of earlier waves the changes wait for."""
    first, more = changes[0], len(changes) - 1
    return f"{first.ref.display} {first.message}" + (f", and so do {more} more" if more else "")


def _failed(failures: tuple[Failure, ...], decided: Plan) -> Reason:
    """Return the reason for these failures: PruneFailed if all are of removals, else ApplyFailed."""
    removed = {str(change.ref) for change in decided.removals}
    only_removals = all(failure.object in removed for failure in failures)
    return Reason.PRUNE_FAILED if only_removals else Reason.APPLY_FAILED


def _contested(decided: Plan) -> tuple[Failure, ...]:
    """Report the objects that another field manager keeps changing; what they declare was written."""
    held = (change for change in decided.changed if change.reason == Refusal.CONTESTED and change.manifest)
    return tuple(
        Failure(
            reason=Refusal.CONTESTED,
            message=change.message,
            object=str(change.ref),
            file=change.manifest.origin.file,
            line=change.manifest.origin.line,
            commit=change.live.commit if change.live else "",
        )
        for change in held
        if change.manifest
    )


def _foreseen(desired: Desired, plan: Forecast) -> ObjectCounts:
    """Count the objects under Observe: each that is not as declared would be written, or refused."""
    declared = {str(ref) for ref in desired.declared}
    refused = {failure.object for failure in plan.failures}
    other = refused | {entry.object for entry in plan.entries}
    return ObjectCounts(
        declared=len(declared) + len(desired.failures),
        synced=len(declared - other),
        failed=len(refused),
    )


def _objects(desired: Desired, decided: Plan, synced: SyncResult | None) -> ObjectCounts:
    """Count the objects that are declared, that are as declared, and that were refused."""
    refused = {failure.object for failure in (synced.failures if synced else decided.failures)}
    undone: set[ObjectRef] = set()
    if synced and synced.outcomes:
        undone = {outcome.change.ref for outcome in synced.outcomes if outcome.result is not Result.DONE}
    elif refused:
        undone = {change.ref for change in decided.applies}
    missing = (
        refused
        | {str(ref) for ref in (*undone, *decided.unread)}
        | {str(change.ref) for change in decided.gated}
    )
    if missing:
        missing &= {str(ref) for ref in desired.declared}
    return ObjectCounts(
        declared=len(desired.declared) + len(desired.failures),
        synced=len(desired.declared) - len(missing),
        failed=len(refused),
    )
