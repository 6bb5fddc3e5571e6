"""A request for one sync, and what became of it: values for those who decide, those who write, and those who tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from towline.api.gitrepository import Adopt, ForeignFields, GitRepository
from towline.api.pins import Pin
from towline.api.signed.verification import Verification
from towline.api.syncrecord import Ending, Flag, RecordedRepository, Trigger
from towline.api.value_sources import ValuesCommit
from towline.apply.handover import RestOfPlan
from towline.apply.outcomes import WriteResult
from towline.apply.prediction import Prediction
from towline.errors import ClusterError, Failure
from towline.model import Action, Change, ChangedBy, Difference, ObjectRef, Outcome, Plan, Result, Revision
from towline.plan.stamp import Identity
from towline.reconcile.state import Fetched, Occasion
from towline.records.newest import NewestSync
from towline.source.access import Remote
from towline.source.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """What is to be done, for whom and why.

    `requested_by` is who asked by an annotation, as it claims; empty where nobody did.
    `commits` lead from `source` (a sha, empty before the first sync) to the revision, newest first; `commits_total`
    counts them all. `remote` is where they are, None where nothing is declared; `ref` is the full name of the ref that
    led to the revision; `pins` are what its remote parts were resolved to, `sources` the commits that values came from;
    `verification` is what became of the signatures of the revision.
    `changed_by` are the commits that made objects what they are, as far as they are known. `preflight`, `force`,
    `adopt` and `foreign` are those of the spec.
    `only_repairs` says that the whole plan restores what was written before, `told` what refusals of that have a record
    already: object and reason.
    """

    subject: RecordedRepository
    identity: Identity
    revision: Revision
    plan: Plan
    trigger: Trigger
    requested_by: str = ""
    source: str = ""
    commits: tuple[Revision, ...] = ()
    commits_total: int = 0
    flags: tuple[Flag, ...] = ()
    remote: Remote | None = None
    ref: str = ""
    pins: tuple[Pin, ...] = ()
    sources: tuple[ValuesCommit, ...] = ()
    verification: Verification | None = None
    changed_by: Mapping[ObjectRef, ChangedBy] = field(default_factory=dict)
    preflight: bool = True
    force: bool = False
    adopt: Adopt = Adopt.UNMANAGED
    foreign: ForeignFields = ForeignFields.REPORT
    only_repairs: bool = False
    told: frozenset[tuple[str, str]] = frozenset()

    @property
    def repairs(self) -> frozenset[str]:
        """The objects that are restored: where that is refused, it holds back nothing else."""
        applies = self.plan.applies
        return frozenset(
            str(change.ref) for change in applies if self.only_repairs or change.action is Action.REPAIR
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What became of a request.

    `failures` are the refusals of the plan, of its preflight and of its writes, but for `unrepaired`: the refused
    repairs beside a commit, which it does not wait for. `record` is empty where none was
    left. `error` is set where the API server was away before everything was done. `overridden` is what admission
    has made of fields that we sent. `rivals` are the field managers whose changes were undone, by object.
    """

    ending: Ending
    outcomes: tuple[Outcome, ...] = ()
    failures: tuple[Failure, ...] = ()
    unrepaired: tuple[Failure, ...] = ()
    record: str = ""
    error: ClusterError | None = None
    overridden: Mapping[ObjectRef, tuple[Difference, ...]] = field(default_factory=dict)
    rivals: Mapping[str, str] = field(default_factory=dict)

    @property
    def done(self) -> frozenset[ObjectRef]:
        """What was written or taken away."""
        return frozenset(outcome.change.ref for outcome in self.outcomes if outcome.result is Result.DONE)


def requested(  # noqa: PLR0913  for whom, from which commit, what and why
    repository: GitRepository,
    fetched: Fetched,
    plan: Plan,
    why: Occasion,
    *,
    source: str,
    history: History,
    changed_by: Mapping[ObjectRef, ChangedBy],
) -> SyncRequest:
    """Request that a plan for a commit be carried out, with all that its record tells.

    Args:
        repository: whose plan it is.
        fetched: the commit.
        plan: what is to be done.
        why: the occasion.
        source: the sha that the record begins at.
        history: the commits that lead from there to the head.
        changed_by: the commits that made objects what they are, as far as they are known.
    """
    spec = fetched.spec
    return SyncRequest(
        subject=RecordedRepository(
            namespace=repository.key.namespace,
            name=repository.key.name,
            uid=repository.uid,
            url=spec.url,
            path=spec.path,
        ),
        identity=Identity(key=repository.key, uid=repository.uid),
        revision=fetched.revision,
        plan=plan,
        trigger=why.trigger,
        requested_by=why.requested_by,
        source=source,
        commits=history.revisions,
        commits_total=history.total,
        flags=(Flag.HISTORY_REWRITTEN,) if history.rewritten and why.same_ref else (),
        remote=fetched.head.remote,
        ref=fetched.head.ref,
        pins=fetched.pins,
        sources=fetched.sources,
        verification=fetched.verification,
        changed_by=changed_by,
        preflight=spec.preflight,
        force=spec.force,
        adopt=spec.adopt,
        foreign=spec.foreign_fields,
    )


def beside(request: SyncRequest) -> RestOfPlan:
    """Return what a plan holds beside the changes that are written in one go."""
    plan = request.plan
    return RestOfPlan(
        gated=plan.gated if request.preflight else (),
        removals=plan.removals,
        held=(*plan.blocked, *plan.waiting),
        hands_over=request.preflight,
    )


def taken_over(predictions: Iterable[Prediction], plan: Plan) -> tuple[Change, ...]:
    """Return the prunes of objects whose values are taken over: they come before the writes that take them."""
    givers = frozenset[ObjectRef]().union(*(each.hand_over.givers for each in predictions if each.hand_over))
    return tuple(change for change in plan.removals if change.action is Action.PRUNE and change.ref in givers)


def joined(*results: WriteResult) -> WriteResult:
    """Return the results of steps that followed each other as one."""
    return WriteResult(
        outcomes=tuple(outcome for result in results for outcome in result.outcomes),
        error=next((result.error for result in results if result.error), None),
    )


def flagged(request: SyncRequest, predictions: Iterable[Prediction]) -> SyncRequest:
    """Return the request whose record says, where it is so, that an object let go first of what another takes."""
    if not any(found.hand_over for found in predictions):
        return request
    return replace(request, flags=(*request.flags, Flag.HANDED_OVER))


def base(newest: NewestSync | None) -> str:
    """Return the commit that the next record begins at.

    That is the last one that a record calls applied, or that a newer one took over from: its commits are told.
    """
    if newest is None:
        return ""
    return newest.target if newest.ending in {Ending.SUCCEEDED, Ending.SUPERSEDED} else newest.source
