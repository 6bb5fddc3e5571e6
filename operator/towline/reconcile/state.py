"""What a pass begins with, what each of its steps comes to, and what the last pass left behind: all of it frozen.

A step takes the results of the steps before it, so the types say how far a pass has come; `Reached` alone holds
whatever is known when an attempt ends, early or not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from towline.api import labels
from towline.api.asked import asking
from towline.api.gitrepository import GitRepository, RefKind, Spec
from towline.api.pins import Pin
from towline.api.signed.verification import Verification
from towline.api.syncrecord import Trigger
from towline.api.value_sources import ValuesCommit
from towline.drift.deviations import Deviation
from towline.model import GroupKind, ObjectRef, Plan, Revision
from towline.plan.stamp import Identity
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.desired.head import Head
from towline.status.compute import PassResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A commit that is at hand, and the spec and the head that led to it.

    `pins` are what the names of its remote parts were resolved to, `sources` the commits that values came from, once it
    was read. `verification` is what became of its signatures, None where the spec asks for none.
    """

    spec: Spec
    head: Head
    revision: Revision
    verification: Verification | None = None
    pins: tuple[Pin, ...] = ()
    sources: tuple[ValuesCommit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    """What of a repository can be seen.

    `kinds` are those of everything that was ever applied, `swept` those of them that a look everywhere has found, and
    what was written since (None where nobody had to look). `unreadable` are those of which the API server cannot tell
    us, each with the reason.
    """

    kinds: frozenset[GroupKind]
    swept: frozenset[GroupKind] | None
    unreadable: Mapping[GroupKind, str] = field(default_factory=dict)

    def after(self, plan: Plan) -> Visible:
        """Return the same once a plan is written, however that ends: the status may not tell of its kinds."""
        if self.swept is None:
            return self
        return replace(self, swept=self.swept.union(change.ref.group_kind for change in plan.applies))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Everything that the result of a pass depends on.

    While `cause` stays, a failure is the same failure, and a success needs no plan. `version` is that of the index.
    """

    cause: tuple[object, ...]
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan for a commit.

    `patience` is how many seconds more it may wait for other repositories. `unready` says which dependency is not ready
    that its writes wait for, empty where they wait for none. `done` is what had run before it.
    """

    fetched: Fetched
    desired: Desired
    visible: Visible
    plan: Plan
    patience: float = 0.0
    unready: str = ""
    done: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforced:
    """What became of a plan: the resource as it was last written, the result, and the drift that is left.

    `drift` is None if the pass did not look for it.
    """

    repository: GitRepository
    passed: PassResult
    drift: tuple[Deviation, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What repairs have come to.

    `record` is their newest record, `drift` what is not as it was applied (None if the pass did not
    look), `restored` the
    objects of which a repair has made sure that a plan would keep them.
    """

    record: str = ""
    drift: tuple[Deviation, ...] | None = None
    restored: frozenset[ObjectRef] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPass:
    """What the last pass of a repository left behind: the last result of each step. Each of it only saves work.

    `looked_at` and `retry_at` are monotonic seconds. `manual` is the annotation that asks for a pass, `news` counts
    what other repositories did. `secret` is the version of refused credentials. `done` is what was declared when a
    whole plan was done last, `done_at` by which commit.
    """

    uid: str = ""
    manual: str = ""
    news: int = 0
    secret: str | None = None
    spec: Spec | None = None
    head: Head | None = None
    looked_at: float = -math.inf
    fetched: Fetched | None = None
    desired: Desired | None = None
    swept: frozenset[GroupKind] | None = None
    grounds: Grounds | None = None
    passed: PassResult | None = None
    done: Desired | None = None
    done_at: Fetched | None = None
    failures: int = 0
    retry_at: float = -math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a pass begins with: the resource as it was read, what the last pass left, and how much news there is."""

    repository: GitRepository
    last: LastPass
    news: int = 0

    @property
    def manual(self) -> str:
        """The annotation that asks for a pass."""
        return self.repository.annotations.get(labels.RECONCILE, "")

    @property
    def is_asked_for(self) -> bool:
        """Whether a pass was requested since the last one."""
        return self.last.manual != self.manual

    @property
    def identity(self) -> Identity:
        """As whom objects are written."""
        return Identity(key=self.repository.key, uid=self.repository.uid)

    @property
    def drift_trigger(self) -> Trigger:
        """Why something is repaired: it drifted, or the operator has just begun to look."""
        return Trigger.DRIFT if self.last.passed else Trigger.START


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far an attempt has come: the results of the steps that are done; `secret` is as in `LastPass`."""

    spec: Spec | None = None
    secret: str | None = None
    head: Head | None = None
    fetched: Fetched | None = None
    desired: Desired | None = None
    visible: Visible | None = None
    grounds: Grounds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt, and how it ended.

    `repository` is the resource as it was last written. `is_new` is False where the last result still holds. `record`
    tells why a revision cannot be applied, or of repairs. `ended` is the reported drift that others have set back.
    `again` is how many seconds later an object is due that is left alone for a while.
    """

    repository: GitRepository
    reached: Reached = Reached()
    passed: PassResult
    is_new: bool = True
    record: str = ""
    drift: tuple[Deviation, ...] | None = None
    ended: tuple[Deviation, ...] = ()
    again: float | None = None


def kinds_of(repository: GitRepository) -> frozenset[GroupKind]:
    """Return the kinds that the status remembers."""
    stored = repository.status.get("kinds") or ()
    return frozenset(GroupKind(kind.get("group", ""), kind["kind"]) for kind in stored)


def done_of(repository: GitRepository) -> Mapping[str, str]:
    """Return the objects that the status remembers to have run, with their digests."""
    stored: Mapping[str, str] = repository.status.get("done") or {}
    return stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why a sync is requested.

    With `same_ref`, commits that the head lacks were lost by its branch or tag; otherwise the spec names another one,
    or nobody says that anything moved. `requested_by` is who asked by an annotation, as it claims.
    """

    trigger: Trigger
    same_ref: bool = False
    requested_by: str = ""


def occasion(start: Start, fetched: Fetched) -> Occasion:
    """Say why there is something to do about a commit, from what is different now."""
    return Occasion(
        trigger=_trigger(start, fetched),
        same_ref=_is_same_ref(start, fetched),
        requested_by=_requested_by(start.repository),
    )


def _trigger(start: Start, fetched: Fetched) -> Trigger:
    """Return the trigger; a switch to another repository, ref or path is a change of the spec, not a commit."""
    repository = start.repository
    confirmed = _is_confirmed(repository)
    if _is_accepted(repository):
        return Trigger.MANUAL
    if repository.applied != fetched.head.sha and not confirmed:
        return Trigger.SPEC if repository.applied and _is_switched(start, fetched) else Trigger.COMMIT
    if repository.status.get("observedGeneration") != repository.generation or _is_switched(start, fetched):
        return Trigger.SPEC
    if confirmed or (start.last.passed and start.is_asked_for):
        return Trigger.MANUAL
    return start.drift_trigger


def _requested_by(repository: GitRepository) -> str:
    """Return who asked, as the annotation claims that a person has set since the last pass."""
    notes = repository.annotations
    if _is_confirmed(repository):
        return asking.by(notes, labels.CONFIRM_PRUNE)
    if _is_accepted(repository):
        return asking.by(notes, labels.ACCEPT_PIN)
    return "" if asking.is_handled(notes, repository.status) else asking.by(notes, labels.RECONCILE)


def _is_confirmed(repository: GitRepository) -> bool:
    """Tell whether a person has just confirmed the prunes that the status lists."""
    waiting = (repository.status.get("blocked") or {}).get("confirm")
    return bool(waiting) and asking.token(repository.annotations, labels.CONFIRM_PRUNE) == waiting


def _is_accepted(repository: GitRepository) -> bool:
    """Tell whether a person has just accepted that names of remote parts are resolved to something else."""
    moved = repository.status.get("movedPins") or {}
    return bool(moved) and asking.token(repository.annotations, labels.ACCEPT_PIN) == moved.get("accept")


def _is_same_ref(start: Start, fetched: Fetched) -> bool:
    """Tell whether the head is that of the ref which the applied commit came from, as far as is known."""
    before = start.last.done_at
    if _is_switched(start, fetched):
        return False
    return before.head.name == fetched.head.name if before else fetched.spec.ref.kind is not RefKind.SEMVER


def _is_switched(start: Start, fetched: Fetched) -> bool:
    """Tell whether the spec names another place than the one from which everything was applied last."""
    repository, before = start.repository, start.last.done_at
    if before is None:
        return repository.status.get("observedGeneration") != repository.generation
    places = ((each.url, each.ref, each.path) for each in (before.spec, fetched.spec))
    return len(set(places)) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeleted:
    """Objects that were deleted and are not gone, though they had `waited` seconds: how many, and what keeps the first.

    `why` has a sentence for each of these.
    """

    total: int
    why: tuple[str, ...]
    waited: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalized:
    """A deletion that is done; `undeleted` is what it no longer waits for, None where all is gone."""

    undeleted: Undeleted | None = None
