"""Decide who owns a live object; only objects that a repository strictly owns are ever deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from towline.api import labels
from towline.api.gitrepository import Adopt, Drift, ForeignFields, GitRepository, Removal
from towline.model import GroupKind, Key, Live, ObjectRef
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
    object and digest. `unreadable` are the kinds that the API server cannot read now: their objects wait.
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
    """Judge by label, Apply entry and owner annotation together: copies and restores carry only some."""
    if not live.fields or not live.owner:
        return Ownership.NOT_OURS
    if live.label == policy.label and live.manager == policy.manager:
        return Ownership.OURS if live.owner == policy.uid else Ownership.INHERITED
    if live.label != policy.label and live.manager != policy.manager:
        return Ownership.ANOTHER
    return Ownership.NOT_OURS


def missing(live: Live, policy: Policy) -> str:
    """Say which proof of ownership an object with a repository's label lacks."""
    labelled = live.label == policy.label
    lacks = []
    if not live.fields or labelled != (live.manager == policy.manager):
        manager = policy.manager if labelled else "the repository that its label names"
        lacks.append(f"no Apply entry of {manager} in managedFields")
    if not live.owner:
        lacks.append(f"no {labels.OWNER} annotation that names this object")
    return " and ".join(lacks)
