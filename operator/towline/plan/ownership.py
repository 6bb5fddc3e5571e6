"""Decide who owns a live object; only objects that a repository strictly owns are ever deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from towline.api import labels
from towline.api.gitrepository import Adopt, Drift, ForeignFields, GitRepository, Removal
from towline.model import GroupKind, Key, Live, ObjectRef, Stamp
from towline.plan import claims
from towline.plan.claims import ClaimResult

DELEGATES = frozenset(
    {
        GroupKind("argoproj.io", "Application"),
        GroupKind("kustomize.toolkit.fluxcd.io", "Kustomization"),
        GroupKind("helm.toolkit.fluxcd.io", "HelmRelease"),
        GroupKind("cluster.x-k8s.io", "Cluster"),
    }
)
"""Kinds whose deletion deletes much more elsewhere: the default of the configurable data kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the records tell of objects whose owner annotation does not say enough.

    By the uid of the resource, `named` are the objects that a repository has written and not removed since. `whole` are
    the uids of which no record is missing: what these do not name was never written. `strangers` are the uids of
    repositories of other names.
    """

    named: Mapping[str, frozenset[str]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    strangers: frozenset[str] = frozenset()

    def names(self, live: Live) -> bool:
        """Tell whether a record names an object, as written by the resource in its owner annotation."""
        return str(live.ref) in self.named.get(live.owner, ())


NO_EVIDENCE = Evidence()
"""What is known before records were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one GitRepository allows its plan to do, and how its objects are known.

    `uid`, `label` and `manager` are the repository's own. `confirm` is the value of
    `towline.dev/confirm-prune`, empty where absent, and `applied` the commit from which on it is asked for: what was
    confirmed once and came back is asked for anew. `data_kinds` is the configurable part of the data kinds.
    `finalizing` is set while the GitRepository is being deleted; nothing is desired then.
    `installation` are the objects that the operator itself runs by: no repository writes or deletes them.
    `standing` is what the other repositories mean for the plan. `doubted` counts the objects that were owned
    when the source as a whole was first doubted, 0 where it was not: the creates of that plan are written meanwhile, so
    what was most of the objects then is few of them now.
    `done` are the objects that ran once, with what `one_shot.short` makes of the digest of their content.
    `gated` says that waves wait for the gates of earlier ones; it is unset where all of them were done once.

    `written` are the digests of what was written last, by object: what is among them and not there was deleted.
    `short_lived` are those that went within seconds after they were written.
    `contested` says why objects that another manager keeps changing are left alone for a while, `refused` the same of
    those whose repair was refused. `overridden` are the pointers that admission has changed in what Towline sent, by
    object and digest. `unreadable` are the kinds that the API server cannot read now: their objects wait. `evidence` is
    what the records tell of objects without a valid stamp.
    """

    key: Key
    uid: str
    label: str
    manager: str
    prune: bool = True
    adopt: Adopt = Adopt.UNMANAGED
    confirm: str = ""
    applied: str = ""
    doubted: int = 0
    data_kinds: frozenset[GroupKind] = DELEGATES
    finalizing: Removal | None = None
    installation: frozenset[ObjectRef] = frozenset()
    standing: ClaimResult = claims.ALONE
    drift: Drift = Drift.REPAIR
    foreign: ForeignFields = ForeignFields.REPORT
    written: Mapping[ObjectRef, str] = field(default_factory=dict)
    short_lived: frozenset[ObjectRef] = frozenset()
    contested: Mapping[ObjectRef, str] = field(default_factory=dict)
    refused: Mapping[ObjectRef, str] = field(default_factory=dict)
    overridden: Mapping[tuple[ObjectRef, str], frozenset[str]] = field(default_factory=dict)
    gated: bool = True
    done: Mapping[str, str] = field(default_factory=dict)
    unreadable: frozenset[GroupKind] = frozenset()
    evidence: Evidence = NO_EVIDENCE


def policy(repository: GitRepository) -> Policy:
    """Return the policy that identifies the objects of a repository, with defaults for the rest."""
    return Policy(key=repository.key, uid=repository.uid, label=repository.label, manager=repository.manager)


class Ownership(StrEnum):
    """Who owns a live object."""

    OURS = "ours"
    INHERITED = "inherited"
    ANOTHER = "another repository's"
    NOT_OURS = "not owned"


OWN = frozenset({Ownership.OURS, Ownership.INHERITED})
"""What a repository may write, and counts as its own."""


def ownership(live: Live, policy: Policy) -> Ownership:
    """Judge by label, Apply entry and owner annotation together: copies and restores carry only some.

    All three are free to choose for whoever may edit the object, so the annotation counts by its stamp alone. What was
    written before there were stamps counts by the records, and so does what bears the stamp of a key that is lost.
    """
    labelled = live.label == policy.label
    if not live.fields or not live.owner or labelled != (live.manager == policy.manager):
        return Ownership.NOT_OURS
    if not labelled:
        return Ownership.ANOTHER if live.stamp is Stamp.VALID or _is_early(live) else Ownership.NOT_OURS
    if live.stamp is Stamp.VALID and live.owner == policy.uid:
        return Ownership.OURS
    return _by_records(live, policy)


def is_unsure(live: Live, policy: Policy) -> bool:
    """Tell whether the records decide who owns an object."""
    return (
        (live.owner != policy.uid or live.stamp is not Stamp.VALID)
        and live.stamp is not Stamp.REMOVED
        and live.label == policy.label
        and live.manager == policy.manager
        and bool(live.fields and live.owner)
    )


def is_unstamped(live: Live, policy: Policy) -> bool:
    """Tell whether an object is as this very resource wrote it before there were stamps, as far as it says."""
    return live.stamp is Stamp.NONE and live.owner == policy.uid


def _by_records(live: Live, policy: Policy) -> Ownership:
    """Judge an object without a valid stamp, or with that of another resource.

    Where records are missing, an object that is older than the key may be one that they named. The label of another
    repository's object is free to choose, its stamp is not.
    """
    evidence = policy.evidence
    if live.stamp is Stamp.REMOVED or live.owner in evidence.strangers:
        return Ownership.NOT_OURS
    if live.stamp is Stamp.VALID:
        return Ownership.INHERITED
    if evidence.names(live):
        return Ownership.OURS if is_unstamped(live, policy) else Ownership.INHERITED
    may_be = _is_early(live) and live.owner not in evidence.whole
    return Ownership.INHERITED if may_be else Ownership.NOT_OURS


def _is_early(live: Live) -> bool:
    return live.early and live.stamp is not Stamp.REMOVED


def missing(live: Live, policy: Policy) -> str:
    """Say which proof of ownership an object with a repository's label lacks."""
    labelled = live.label == policy.label
    lacks = []
    if not live.fields or labelled != (live.manager == policy.manager):
        manager = policy.manager if labelled else "the repository that its label names"
        lacks.append(f"no Apply entry of {manager} in managedFields")
    if not live.owner:
        lacks.append(f"no {labels.OWNER} annotation that names this object")
    elif live.stamp is not Stamp.VALID:
        lacks.append(f"no valid stamp in its {labels.OWNER} annotation")
    elif live.owner in policy.evidence.strangers:
        lacks.append(f"a {labels.OWNER} annotation that names another GitRepository, and none of this one")
    return " and ".join(lacks)
