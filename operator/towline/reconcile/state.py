"""One pass as far as it has come, and what the last one left behind."""

from __future__ import annotations

import math
from dataclasses import dataclass

from towline.api import labels
from towline.api.gitrepository import GitRepository, Spec
from towline.drift.deviations import Deviation
from towline.model import GroupKind, ObjectRef, Revision
from towline.plan.stamp import Identity
from towline.reconcile.desired import Desired, Head
from towline.source.access import Remote
from towline.status.compute import PassResult


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPass:
    """What the last pass of a repository left behind; each of it only saves work.

    `looked_at` and `retry_at` are monotonic seconds. `cause` is everything that the result of the last pass depended
    on: while it stays, a failure is the same failure, and a success needs no plan. `manual` is the annotation that
    asks for a pass, `news` counts what other repositories did. `secret` is the version of refused credentials.
    `swept` are the kinds that a look everywhere has found; None where nobody looked. `done` is what was declared when a
    whole plan was done last, `version` that of the index when the result was found.
    """

    uid: str = ""
    manual: str = ""
    spec: Spec | None = None
    remote: Remote | None = None
    head: Head | None = None
    looked_at: float = -math.inf
    revision: Revision | None = None
    desired: Desired | None = None
    swept: frozenset[GroupKind] | None = None
    cause: tuple[object, ...] = ()
    version: int = -1
    passed: PassResult | None = None
    done: Desired | None = None
    news: int = 0
    secret: str | None = None
    failures: int = 0
    retry_at: float = -math.inf


@dataclass(slots=True)
class Attempt:
    """One pass as far as it has come: the resource as it was last read, and what was found out.

    `record` is the one that tells why a revision cannot be applied, or of repairs, where the attempt has left it.
    `patience` is how many seconds more it may wait for other repositories. `drift` is what was found of it, None
    where nobody looked. `restored` are objects of which a repair has made sure that a plan would keep them.
    """

    repository: GitRepository
    memory: LastPass
    spec: Spec | None = None
    remote: Remote | None = None
    head: Head | None = None
    looked_at: float = -math.inf
    revision: Revision | None = None
    desired: Desired | None = None
    swept: frozenset[GroupKind] | None = None
    cause: tuple[object, ...] = ()
    version: int = -1
    restored: frozenset[ObjectRef] = frozenset()
    news: int = 0
    secret: str | None = None
    patience: float = 0.0
    is_new: bool = True
    record: str = ""
    drift: tuple[Deviation, ...] | None = None

    @property
    def manual(self) -> str:
        """The annotation that asks for a pass."""
        return self.repository.annotations.get(labels.RECONCILE, "")

    @property
    def identity(self) -> Identity:
        """As whom objects are written."""
        return Identity(key=self.repository.key, uid=self.repository.uid)

    @property
    def kinds(self) -> frozenset[GroupKind]:
        """The kinds of everything that was ever applied: those that the status remembers, and those found since."""
        return kinds_of(self.repository) | (self.swept or frozenset())


def kinds_of(repository: GitRepository) -> frozenset[GroupKind]:
    """Return the kinds that the status remembers."""
    stored = repository.status.get("kinds") or ()
    return frozenset(GroupKind(kind.get("group", ""), kind["kind"]) for kind in stored)
