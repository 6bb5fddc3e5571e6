"""How an attempt ended: the value that status, Events and schedule are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from towline.api.gitrepository import Mode
from towline.api.syncrecord import Ending
from towline.errors import ClusterError, Failure, Reason, Refusal, TowlineError
from towline.model import Change, Key, ObjectRef, Plan, Result, Revision
from towline.reconcile.desired import Desired
from towline.reconcile.observe import Observed
from towline.reconcile.state import Attempt
from towline.reconcile.sync import SyncResult
from towline.status import blocked, conditions, preview, reasons
from towline.status.compute import ObjectCounts, PassResult
from towline.status.preview import Forecast
from towline.status.reasons import Party


def passed(attempt: Attempt, decided: Plan, synced: SyncResult | None, blind: str) -> PassResult:
    """Say how an attempt ended that had a plan."""
    reason, message = _verdict(decided, synced, blind, attempt.repository.key)
    desired, revision = attempt.desired, attempt.revision
    applied = revision if reason is Reason.SUCCEEDED else None
    contested = _contested(decided)
    failures = (*(synced.failures if synced else decided.failures), *contested)
    if contested and reason is Reason.SUCCEEDED:
        reason = Reason.APPLY_FAILED
    if reason is Reason.SUCCEEDED:
        message = _success(attempt, decided)
    return PassResult(
        generation=attempt.repository.generation,
        reason=reason,
        message=message,
        observed=revision.sha if revision else "",
        attempted=revision.sha if revision else "",
        commit=_named(revision) if revision else "",
        applied=applied,
        objects=_objects(desired, decided, synced) if desired else None,
        failures=failures,
        blocked=decided.blocked or (None if decided.waiting or decided.gated else ()),
        token=decided.token,
        plan=preview.NOTHING,
        kinds=attempt.kinds | (desired.kinds if desired and applied else frozenset()),
        last_record=synced.record if synced else "",
        wait=_rest(attempt, decided, synced),
        gated=bool(decided.gated),
    )


def observed(attempt: Attempt, decided: Plan, found: Observed, blind: str) -> PassResult:
    """Say how an attempt ended under Observe: ready where nothing would be done, planned where something would."""
    quiet = passed(attempt, replace(decided, blocked=(), failures=()), None, blind)
    revision, desired, plan = attempt.revision, attempt.desired, found.forecast
    if revision is None or desired is None:
        raise ValueError("a plan needs a revision")
    if quiet.reason is not Reason.SUCCEEDED and plan.is_empty:
        return replace(quiet, last_record=found.record)
    message = preview.sentence(plan, revision, len(desired.manifests))
    notes = (message, preview.staying(decided.changes), blind)
    return replace(
        quiet,
        reason=Reason.SUCCEEDED if plan.is_empty else Reason.PLANNED,
        message="; ".join(note for note in notes if note),
        applied=revision if plan.is_empty else None,
        objects=_foreseen(desired, plan),
        failures=plan.failures,
        blocked=plan.blocked,
        token=decided.token,
        plan=plan,
        kinds=attempt.kinds if plan.entries else quiet.kinds,
        last_record=found.record,
    )


def failed(attempt: Attempt, error: TowlineError) -> PassResult:
    """Say how an attempt ended that an error cut short; a plan that was shown under Observe says nothing elsewhere."""
    writes = attempt.spec and attempt.spec.mode is not Mode.OBSERVE
    return PassResult(
        generation=attempt.repository.generation,
        reason=error.reason,
        message=_cut_short(attempt, error),
        observed=attempt.head.sha if attempt.head else "",
        attempted=attempt.revision.sha if attempt.revision else "",
        failures=_still_known(attempt, error),
        plan=preview.NOTHING if writes else None,
        last_record=attempt.record,
    )


def _cut_short(attempt: Attempt, error: TowlineError) -> str:
    """Say what ended the attempt; where only another commit helps, name the one that was not applied."""
    if attempt.revision is None or reasons.TABLE[error.reason].parties != (Party.COMMIT,):
        return error.message
    return f"{_named(attempt.revision)} not applied: {error.message}"


def _named(revision: Revision) -> str:
    return conditions.named(revision.short, revision.subject, revision.author.name)


def _still_known(attempt: Attempt, error: TowlineError) -> tuple[Failure, ...] | None:
    """Return the faults of the commit that was attempted; None where what is known of it is still all."""
    judged = attempt.revision and not isinstance(error, ClusterError)
    before = attempt.repository.status.get("commit", {}).get("attempted")
    moved = attempt.revision and attempt.revision.sha != before
    return error.failures or (() if judged or moved else None)


def _verdict(decided: Plan, synced: SyncResult | None, blind: str, key: Key) -> tuple[Reason, str]:
    if synced and synced.error:
        return Reason.CLUSTER_UNAVAILABLE, synced.error.message
    failures = synced.failures if synced else decided.failures
    if failures:
        return _failed(failures, decided), ""
    if goes_on := _goes_on(decided, synced):
        return Reason.PROGRESSING, goes_on
    if decided.blocked:
        return Reason.PRUNE_BLOCKED, blocked.sentence(decided.blocked, decided.token, key)
    if blind:
        return Reason.PRUNE_FAILED, blind
    return Reason.SUCCEEDED, ""


def _goes_on(decided: Plan, synced: SyncResult | None) -> str:
    """Say what comes next where a pass is not over; empty where it is."""
    if synced and synced.ending is Ending.SUPERSEDED:
        return "A newer commit has arrived; it is applied next"
    return waiting(decided.waiting or decided.gated) if decided.waiting or decided.gated else ""


def _rest(attempt: Attempt, decided: Plan, synced: SyncResult | None) -> float:
    """Return how many seconds a pass that is not over may rest: a newer commit is next at once."""
    if synced and synced.ending is Ending.SUPERSEDED:
        return 0.0
    if decided.waiting:
        return attempt.patience
    return attempt.spec.interval if decided.gated and attempt.spec else 0.0


def _success(attempt: Attempt, decided: Plan) -> str:
    """Say what stays although Git declares it no more; empty where nothing does, and the status says enough."""
    staying, revision, desired = preview.staying(decided.changes), attempt.revision, attempt.desired
    if not staying or revision is None or desired is None:
        return ""
    return f"{conditions.success(_named(revision), len(desired.manifests))}; {staying}"


def waiting(changes: Sequence[Change]) -> str:
    """Say what changes wait for that others have a part in: other repositories, or objects of earlier waves."""
    first, more = changes[0], len(changes) - 1
    return f"{first.ref.display} {first.message}" + (f", and so do {more} more" if more else "")


def _failed(failures: tuple[Failure, ...], decided: Plan) -> Reason:
    """Tell objects that could not be brought from those that could not be taken away."""
    removed = {str(change.ref) for change in decided.removals}
    only_removals = all(failure.object in removed for failure in failures)
    return Reason.PRUNE_FAILED if only_removals else Reason.APPLY_FAILED


def _contested(decided: Plan) -> tuple[Failure, ...]:
    """Report the objects that another field manager keeps changing; what they declare was written."""
    held = (change for change in decided.changes if change.reason == Refusal.CONTESTED and change.manifest)
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
    """Count under Observe: what is not as declared would be written, or refused."""
    declared = {str(manifest.ref) for manifest in desired.manifests}
    refused = {failure.object for failure in plan.failures}
    other = refused | {entry.object for entry in plan.entries}
    return ObjectCounts(
        declared=len(declared) + len(desired.failures),
        synced=len(declared - other),
        failed=len(refused),
    )


def _objects(desired: Desired, decided: Plan, synced: SyncResult | None) -> ObjectCounts:
    """Count: what is declared, what of it is as declared, and what was refused."""
    declared = {str(manifest.ref) for manifest in desired.manifests}
    refused = {failure.object for failure in (synced.failures if synced else decided.failures)}
    undone: set[ObjectRef] = set()
    if synced and synced.outcomes:
        undone = {outcome.change.ref for outcome in synced.outcomes if outcome.result is not Result.DONE}
    elif refused:
        undone = {change.ref for change in decided.applies}
    missing = refused | {str(ref) for ref in undone} | {str(change.ref) for change in decided.gated}
    return ObjectCounts(
        declared=len(declared) + len(desired.failures),
        synced=len(declared - missing),
        failed=len(refused),
    )
