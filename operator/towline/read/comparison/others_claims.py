"""Know what other GitRepositories own, as far as a user may list it, and what that means for a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from towline.api import gitrepository, labels
from towline.api.gitrepository import GitRepository
from towline.errors import Refusal
from towline.kube import calls
from towline.live.observed import live_from, ref_from
from towline.model import Body, GroupKind, Health, Live, ObjectRef, Plan, State
from towline.plan import claims
from towline.plan.claims import Claim, ClaimResult, Neighbour
from towline.read.cluster import Cluster
from towline.read.comparison.believed_stamps import BelievedStamps
from towline.read.permitted_list import PermittedList

_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersClaims:
    """What other repositories claim.

    Attributes:
        live: the objects that they own.
        neighbours: these repositories.
        notes: what the user may not list of that, in sentences.
    """

    live: Mapping[ObjectRef, Live] = field(default_factory=dict)
    neighbours: tuple[Neighbour, ...] = ()
    notes: tuple[str, ...] = ()

    def stand(
        self, me: GitRepository, sha: str, plan: Plan, live: Mapping[ObjectRef, Live]
    ) -> tuple[ClaimResult, tuple[str, ...]]:
        """Return what they mean for a plan in the end, and in sentences what waits for them.

        That a plan waits for a moment until others have read the same commit is left out.

        Args:
            me: whose plan it is.
            sha: the commit that is planned.
            plan: made as if there were no others.
            live: what it was made from.
        """
        found = claims.stand(claims.neighbour(me, name=_ref_name(me)), sha, plan, live, self.neighbours)
        standing = replace(found, awaited=frozenset(), elders=frozenset())
        return standing, tuple(_coming(standing))


async def read(
    cluster: Cluster, me: GitRepository, plan: Plan, declared: Iterable[ObjectRef]
) -> OthersClaims:
    """Return what others claim of the kinds that a plan creates or removes.

    A repository claims what it owns, and what it declares and is refused, as its status says.

    Args:
        cluster: as the user may see it.
        me: whose plan it is.
        plan: made as if there were no others.
        declared: what it declares.

    Raises:
        ClusterError: the API server gives no answer.
    """
    others, notes = await _repositories(cluster, me)
    refs = frozenset(declared)
    asked = claims.created(plan) | {each.ref for each in (*plan.removals, *plan.blocked)}
    live, unread = await _owned(cluster, me.label, asked)
    if unread:
        named = ", ".join(sorted(map(str, unread))[:_NAMED])
        notes = (
            *notes,
            f"you may not list {named}: whether other GitRepositories own such objects is not known",
        )
    owned: dict[str, set[ObjectRef]] = defaultdict(set)
    for ref, each in live.items():
        owned[each.label].add(ref)
    return OthersClaims(
        live={ref: each for ref, each in live.items() if ref in refs},
        neighbours=tuple(_neighbour(each, owned[each.label]) for each in others),
        notes=notes,
    )


def _neighbour(other: GitRepository, owned: Iterable[ObjectRef]) -> Neighbour:
    refs = frozenset((*owned, *_refused(other)))
    claim = Claim(sha=other.applied, refs=refs, generation=other.generation)
    return claims.neighbour(other, claim, name=_ref_name(other), tried=True)


def _ref_name(repository: GitRepository) -> str:
    """Return the full name of the ref that a repository was last seen to follow; empty where that is not known."""
    return str(repository.status.get("ref") or "")


def _refused(other: GitRepository) -> Iterator[ObjectRef]:
    """Yield what a repository declares and cannot have, because another one owns it."""
    for each in other.status.get("failures") or ():
        if each.get("reason") == Refusal.OWNED_BY_ANOTHER:
            with suppress(ValueError):
                yield ObjectRef.parse(str(each.get("object")))


async def _repositories(
    cluster: Cluster, me: GitRepository
) -> tuple[Sequence[GitRepository], tuple[str, ...]]:
    listing = PermittedList(cluster, gitrepository.RESOURCE, (me.key.namespace,))
    found = [gitrepository.identify(body) async for body in listing.bodies()]
    others = [each for each in found if each.key != me.key]
    if listing.is_whole:
        return others, ()
    note = "you may not list GitRepositories in all namespaces: what those of others are about to release is not known"
    return others, (note,)


async def _owned(
    cluster: Cluster, label: str, refs: frozenset[ObjectRef]
) -> tuple[Mapping[ObjectRef, Live], frozenset[GroupKind]]:
    """Return the objects of some kinds that have the label of another repository, and the kinds that are not listed."""
    stamps = BelievedStamps(key=b"")
    selector = f"{labels.REPOSITORY_LABEL},{labels.REPOSITORY_LABEL}!={label}"
    found: dict[ObjectRef, Live] = {}
    unread = set()
    for kind in sorted({ref.group_kind for ref in refs}):
        resource = await cluster.discovery.resource(kind)
        if resource is None:
            continue
        namespaces = sorted({ref.namespace for ref in refs if ref.group_kind == kind and ref.namespace})
        listing = PermittedList(cluster, resource, namespaces, selector, calls.METADATA_LIST)
        async for body in listing.bodies():
            ref = ref_from(body["metadata"], kind)
            found[ref] = live_from(body, stamps, ref, assess=_unassessed)
        if not set(namespaces or [""]) <= set(listing.places) and not listing.is_whole:
            unread.add(kind)
    return found, frozenset(unread)


def _unassessed(_body: Body, _kind: GroupKind) -> Health:
    return Health(State.CURRENT)


def _coming(standing: ClaimResult) -> Iterator[str]:
    """Say which objects wait for their owners."""
    for ref, key in sorted(standing.coming.items())[:_NAMED]:
        yield f"{ref.display} waits: GitRepository {key} owns it, and may release it when it reads this commit"
    if len(standing.coming) > _NAMED:
        yield f"so do {len(standing.coming) - _NAMED} more objects"
