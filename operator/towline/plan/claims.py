"""Decide what other repositories' claims to the same objects mean for a plan.

An object has one owner, which keeps it while it declares it. An object without an owner goes to the older
GitRepository, then to the first name. An owner that no longer declares an object, while another repository does,
releases it; before it prunes anything, repositories that may follow the same ref are given time to read the commit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from towline.api import labels
from towline.api.gitrepository import GitRepository
from towline.errors import Refusal
from towline.model import Action, Key, Live, ObjectRef, Plan
from towline.plan import same_ref
from towline.plan.same_ref import Follows


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The objects that one repository declares, by the last commit that was read whole and the spec's generation."""

    sha: str
    refs: frozenset[ObjectRef]
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One GitRepository as the others see it.

    `reads` says whether it would read a commit: it is neither suspended nor being deleted; `writes`, whether it would
    write an object: it is not under Observe either. `claim` is None where no commit was read yet; `tried` says that an
    attempt to do so has ended, with or without success.
    """

    key: Key
    created_at: str
    follows: Follows
    reads: bool
    writes: bool
    deleting: bool
    claim: Claim | None = None
    tried: bool = False

    @property
    def rank(self) -> tuple[str, Key]:
        """Sort key: the older repository first."""
        return self.created_at, self.key

    def declares(self, ref: ObjectRef) -> bool:
        """Tell whether it is known to declare the object."""
        return not self.deleting and self.claim is not None and ref in self.claim.refs


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """What the other repositories mean for one plan.

    `elsewhere` are the objects that leave and that another declares; `taken` are those among them that wait for nothing
    but their release: who declares them has read the same commit, and writes. `rivals` names, for objects that nobody
    owns, the older repository that declares them. `coming` names the owner of each object that is about to be released.
    `awaited` have to read the commit before anything is pruned, `elders` before anything is created.
    """

    elsewhere: frozenset[ObjectRef] = frozenset()
    taken: frozenset[ObjectRef] = frozenset()
    rivals: Mapping[ObjectRef, Key] = field(default_factory=dict)
    coming: Mapping[ObjectRef, Key] = field(default_factory=dict)
    awaited: frozenset[Key] = frozenset()
    elders: frozenset[Key] = frozenset()

    @property
    def waits_for(self) -> frozenset[Key]:
        """The repositories whose next step this plan waits for; of `elders`, it waits for the first attempt."""
        return self.awaited | frozenset(self.coming.values())


_NAMED = 3
"""How many repositories are named; the others are counted."""

ALONE = ClaimResult()
"""The result for a repository without neighbours."""


def neighbour(
    repository: GitRepository, claim: Claim | None = None, *, name: str = "", tried: bool = False
) -> Neighbour:
    """Return a repository as the others see it, even with an invalid spec.

    `name` is the full name of the ref that its spec was last seen to lead to. What an earlier spec declared says
    nothing before the new one was tried: it may name another folder.
    """
    spec = repository.raw_spec
    reads = not repository.deleting and not repository.is_suspended
    outdated = claim and claim.generation != repository.generation and reads and not tried
    return Neighbour(
        key=repository.key,
        created_at=repository.created_at,
        follows=same_ref.follows(spec, name),
        reads=reads,
        writes=reads and spec.get("mode") != "Observe",
        deleting=repository.deleting,
        claim=None if outdated else claim,
        tried=tried,
    )


def named(keys: Collection[Key], own: Key) -> tuple[str, str]:
    """Name the repositories that are waited for, and whether they "has" or "have" something to do.

    At most three are named, and only those in the same namespace; the others are counted.
    """
    near = sorted(key for key in keys if key.namespace == own.namespace)[:_NAMED]
    shown = ", ".join(map(str, near))
    if len(keys) == 1:
        return f"GitRepository {shown}" if shown else "1 GitRepository of another namespace", "has"
    more = len(keys) - len(near)
    if shown and more:
        shown = f" ({shown} and {more} more)"
    elif shown:
        shown = f" ({shown})"
    return f"{len(keys)} other GitRepositories{shown}", "have"


def concerns(plan: Plan) -> bool:
    """Tell whether the other repositories matter to a plan: it creates, removes, or meets another's object."""
    return bool(created(plan)) or does_more(plan)


def does_more(plan: Plan) -> bool:
    """Tell whether more repositories matter to a plan than those that declare what it creates, or may do so yet."""
    return bool(_leaving(plan) or _refused(plan))


def stand(
    me: Neighbour, sha: str, plan: Plan, live: Mapping[ObjectRef, Live], others: Collection[Neighbour]
) -> ClaimResult:
    """Say what the others mean for a plan that was made without them.

    Args:
        me: whose plan it is.
        sha: the commit that is planned; empty where the repository itself is being deleted.
        plan: made as if there were no others.
        live: what the plan was made from.
        others: every other GitRepository.
    """
    new, leaving = created(plan), _leaving(plan)
    elsewhere = _declared(leaving, others)
    settled = [other for other in others if not (other.reads and _is_behind(other, me, sha))]
    unsure = (_pruned(plan) | elsewhere) - _declared(leaving, settled)
    return ClaimResult(
        elsewhere=elsewhere,
        taken=_declared(leaving, [other for other in settled if other.writes]),
        rivals=_rivals(me, new, others),
        coming=_coming(me, sha, _anothers(plan, live), live, others),
        awaited=frozenset(_unread(me, sha, others)) if unsure else frozenset(),
        elders=frozenset(_unborn(me, others)) if new else frozenset(),
    )


def _declared(refs: Iterable[ObjectRef], others: Collection[Neighbour]) -> frozenset[ObjectRef]:
    return frozenset(ref for ref in refs if any(other.declares(ref) for other in others))


def _is_behind(other: Neighbour, me: Neighbour, sha: str) -> bool:
    """Tell whether a repository may still read this commit, and declare something else then."""
    read = other.claim.sha if other.claim else ""
    return bool(sha) and read != sha and other.follows.may_reach(me.follows)


def _rivals(
    me: Neighbour, refs: frozenset[ObjectRef], others: Iterable[Neighbour]
) -> Mapping[ObjectRef, Key]:
    found: dict[ObjectRef, Key] = {}
    elders = sorted(
        (each for each in others if each.writes and each.rank < me.rank), key=lambda each: each.rank
    )
    for elder in reversed(elders):
        shared = refs & elder.claim.refs if elder.claim else ()
        found |= dict.fromkeys(shared, elder.key)
    return found


def _coming(
    me: Neighbour,
    sha: str,
    refs: Collection[ObjectRef],
    live: Mapping[ObjectRef, Live],
    others: Iterable[Neighbour],
) -> Mapping[ObjectRef, Key]:
    """Name the owners that release objects, or may do so once they have read the commit."""
    owners = {labels.repository_label(each.key): each for each in others}
    found: dict[ObjectRef, Key] = {}
    for ref in refs:
        owner = owners.get(live[ref].label)
        if owner and (owner.deleting or (owner.writes and not _insists(owner, ref, me, sha))):
            found[ref] = owner.key
    return found


def _insists(owner: Neighbour, ref: ObjectRef, me: Neighbour, sha: str) -> bool:
    """Tell whether an owner is known to keep an object for the present."""
    if owner.claim is None:
        return owner.tried
    return ref in owner.claim.refs and not _is_behind(owner, me, sha)


def _unread(me: Neighbour, sha: str, others: Iterable[Neighbour]) -> Iterable[Key]:
    """Yield repositories that may declare what leaves: they have not read this commit, or nothing, yet."""
    for other in others:
        if not other.reads:
            continue
        new = other.claim is None and not other.tried
        if new or _is_behind(other, me, sha):
            yield other.key


def _unborn(me: Neighbour, others: Iterable[Neighbour]) -> Iterable[Key]:
    """Yield the older repositories whose claims are not known yet."""
    for other in others:
        if other.writes and other.claim is None and not other.tried and other.rank < me.rank:
            yield other.key


def created(plan: Plan) -> frozenset[ObjectRef]:
    """Return what a plan creates, or takes over where nobody owns it."""
    return frozenset(change.ref for change in plan.changed if change.action in {Action.CREATE, Action.ADOPT})


def _leaving(plan: Plan) -> frozenset[ObjectRef]:
    """Return what is owned and no longer declared, whether it would be deleted, released, or kept."""
    left = (change for change in (*plan.changed, *plan.blocked) if change.manifest is None)
    return frozenset(change.ref for change in left if change.reason != Refusal.NOT_OURS)


def _pruned(plan: Plan) -> frozenset[ObjectRef]:
    return frozenset(change.ref for change in (*plan.changed, *plan.blocked) if change.action is Action.PRUNE)


def _anothers(plan: Plan, live: Iterable[ObjectRef]) -> tuple[ObjectRef, ...]:
    named = _refused(plan)
    return tuple(ref for ref in live if str(ref) in named) if named else ()


def _refused(plan: Plan) -> frozenset[str]:
    return frozenset(
        failure.object for failure in plan.failures if failure.reason == Refusal.OWNED_BY_ANOTHER
    )
