"""One order, and what became of it: the values between those who decide, those who write, and those who tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.api.gitrepository import Adopt, ForeignFields
from towline.api.syncrecord import Ending, Flag, RecordedRepository, Trigger
from towline.errors import ClusterError, Failure
from towline.model import Action, Difference, ObjectRef, Outcome, Plan, Result, Revision
from towline.plan.stamp import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """What is to be done, for whom and why.

    `commits` lead from `source` (a sha, empty before the first sync) to the revision, newest first; `commits_total`
    counts them all. `preflight`, `force`, `adopt` and `foreign` are those of the spec.
    """

    subject: RecordedRepository
    identity: Identity
    revision: Revision
    plan: Plan
    trigger: Trigger
    source: str = ""
    commits: tuple[Revision, ...] = ()
    commits_total: int = 0
    flags: tuple[Flag, ...] = ()
    preflight: bool = True
    force: bool = False
    adopt: Adopt = Adopt.ALWAYS
    foreign: ForeignFields = ForeignFields.REPORT


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What became of an order.

    `failures` are the refusals of the plan, of its preflight and of its writes. `record` is empty where none was
    left. `error` is set where the API server was away before everything was done. `overridden` is what admission
    has made of fields that we sent. `rivals` are the field managers whose changes were undone, by object.
    """

    ending: Ending
    outcomes: tuple[Outcome, ...] = ()
    failures: tuple[Failure, ...] = ()
    record: str = ""
    error: ClusterError | None = None
    overridden: Mapping[ObjectRef, tuple[Difference, ...]] = field(default_factory=dict)
    rivals: Mapping[str, str] = field(default_factory=dict)

    @property
    def done(self) -> frozenset[ObjectRef]:
        """What was written or taken away."""
        return frozenset(outcome.change.ref for outcome in self.outcomes if outcome.result is Result.DONE)

    @property
    def released(self) -> frozenset[ObjectRef]:
        """What belongs to nobody now."""
        ours = (outcome.change for outcome in self.outcomes if outcome.result is Result.DONE)
        return frozenset(change.ref for change in ours if change.action is Action.RELEASE)
