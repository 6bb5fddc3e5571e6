"""Read the objects of a repository, and what they have made, as far as the user may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from towline import aio
from towline.api import healthchecks, labels
from towline.api.gitrepository import GitRepository
from towline.api.healthchecks import HealthCheck
from towline.api.stateless_kinds import is_stateless
from towline.health import assessment
from towline.kube import calls
from towline.model import Body, GroupKind, ObjectRef, Resource
from towline.read.cluster import Cluster
from towline.read.live_tree import tree_object
from towline.read.live_tree.tree_object import StatusEntries, TreeObject
from towline.read.permitted_list import PermittedList
from towline.read.read_errors import NotAllowedError

_WIDTH = 8
"""How many kinds are listed at a time."""

_DEEPEST = 10

_MAKERS = frozenset(
    {
        GroupKind("apps", "Deployment"),
        GroupKind("apps", "StatefulSet"),
        GroupKind("apps", "DaemonSet"),
        GroupKind("apps", "ReplicaSet"),
        GroupKind("batch", "Job"),
        GroupKind("batch", "CronJob"),
        GroupKind("", "ReplicationController"),
    }
)
"""The kinds of Kubernetes itself that make others."""

_MADE = (GroupKind("apps", "ReplicaSet"), GroupKind("batch", "Job"), GroupKind("", "Pod"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTree:
    """The objects of a repository; `unread` says in sentences what the user may not read."""

    objects: tuple[TreeObject, ...]
    unread: tuple[str, ...] = ()


class LiveTreeReader:
    """Reads what one repository has in the cluster.

    Args:
        cluster: where, and as whom.
        repository: whose objects.
    """

    def __init__(self, cluster: Cluster, repository: GitRepository) -> None:
        self._cluster = cluster
        self._repository = repository
        self._checks = _checks(repository)
        self._said = StatusEntries.of(repository.status)
        self._unread: dict[str, None] = {}

    async def read(self, *, with_made: bool) -> LiveTree:
        """Return the objects.

        Args:
            with_made: whether what they have made is read, too.

        Raises:
            ClusterError: the API server gives no answer.
        """
        kinds = [
            GroupKind(each.get("group", ""), each.get("kind", ""))
            for each in self._repository.status.get("kinds") or ()
        ]
        found = [each for part in await aio.gather(self._owned, kinds, _WIDTH) for each in part]
        known = {str(each.ref) for each in found}
        found += [
            tree_object.missing(failure) for name, failure in self._said.failures.items() if name not in known
        ]
        if with_made:
            found = await self._with_made(found)
        return LiveTree(objects=tuple(found), unread=tuple(self._unread))

    async def _owned(self, kind: GroupKind) -> list[TreeObject]:
        resource = await self._cluster.discovery.resource(kind)
        if resource is None:
            return []
        selector = f"{labels.REPOSITORY_LABEL}={self._repository.label}"
        found: list[TreeObject] = []
        async for body in self._listed(resource, self._places, selector):
            ref = _ref(body, kind)
            health = assessment.assess(body, kind, self._checks.get(kind))
            found.append(tree_object.owned(body, ref, health, self._repository, self._said))
        return found

    @property
    def _places(self) -> Sequence[str]:
        """The namespaces to look in where the user may not look in all."""
        spec = self._repository.raw_spec
        named = (self._repository.key.namespace, spec.get("defaultNamespace", ""), self._cluster.namespace)
        return tuple(dict.fromkeys(str(each) for each in named if each))

    async def _listed(
        self, resource: Resource, places: Sequence[str], selector: str = ""
    ) -> AsyncIterator[Body]:
        """Yield the objects of one kind: of all namespaces, else of some; what the user may not list is noted."""
        accept = calls.METADATA_LIST if is_stateless(resource.group_kind) else calls.JSON
        listing = PermittedList(self._cluster, resource, places, selector, accept)
        async for body in listing.bodies():
            yield body
        if listing.refused and resource.namespaced:
            self._unread[
                f"you may not list {resource.plural} in all namespaces: these are those in {' and '.join(places)}"
            ] = None
        for what in listing.refused[1:] if resource.namespaced else listing.refused:
            self._unread[f"you may not {what}"] = None

    async def _in_one(self, resource: Resource, place: str) -> AsyncIterator[Body]:
        try:
            async for body in self._cluster.listed(resource, place):
                yield body
        except NotAllowedError as error:
            self._unread[f"you may not {error.what}"] = None

    async def _with_made(self, found: Sequence[TreeObject]) -> list[TreeObject]:
        """Return the objects with what they have made, by owner references; what another of them owns is below it."""
        makers = [each for each in found if _makes(each.ref.group_kind)]
        if not makers:
            return list(found)
        places = sorted({each.ref.namespace for each in makers if each.ref.namespace})
        kinds = [*_MADE, *await self._custom_kinds(makers)]
        asked = [(kind, place) for kind in kinds for place in places]
        bodies = [each for part in await aio.gather(self._made_in, asked, _WIDTH) for each in part]
        known = {each.uid for each in found if each.uid}
        below: dict[str, list[TreeObject]] = defaultdict(list)
        for made, owners in bodies:
            for owner in owners if made.uid not in known else ():
                below[owner].append(made)
        return [_grown(each, below, _DEEPEST) for each in found]

    async def _custom_kinds(self, makers: Iterable[TreeObject]) -> list[GroupKind]:
        """Return the kinds of the groups that custom objects of the repository are of: operators make those."""
        groups = {each.ref.group for each in makers if each.ref.group_kind not in _MAKERS}
        listable = await self._cluster.discovery.listable() if groups else ()
        return [each.group_kind for each in listable if each.group in groups and each.namespaced]

    async def _made_in(self, asked: tuple[GroupKind, str]) -> list[tuple[TreeObject, tuple[str, ...]]]:
        kind, place = asked
        resource = await self._cluster.discovery.resource(kind)
        found: list[tuple[TreeObject, tuple[str, ...]]] = []
        if resource is None:
            return found
        async for body in self._in_one(resource, place):
            owners = tuple(each["uid"] for each in body["metadata"].get("ownerReferences") or ())
            if owners:
                made = tree_object.made(body, _ref(body, kind), assessment.assess(body, kind))
                found.append((made, owners))
        return found


def _makes(kind: GroupKind) -> bool:
    """Tell whether objects of a kind may own others: workloads, and what is not of Kubernetes itself."""
    return kind in _MAKERS or ("." in kind.group and not kind.group.endswith(".k8s.io"))


def _grown(parent: TreeObject, below: Mapping[str, Sequence[TreeObject]], depth: int) -> TreeObject:
    children = below.get(parent.uid, ()) if depth and parent.uid else ()
    return replace(parent, children=tuple(_grown(child, below, depth - 1) for child in children))


def _ref(body: Body, kind: GroupKind) -> ObjectRef:
    metadata = body["metadata"]
    return ObjectRef(kind.group, kind.kind, metadata.get("namespace", ""), metadata["name"])


def _checks(repository: GitRepository) -> Mapping[GroupKind, HealthCheck]:
    """Return the repository's own checks; a spec that is wrong has none, as for the operator."""
    given = repository.raw_spec.get("healthChecks")
    try:
        if not given or any(True for _ in healthchecks.faults(given)):
            return {}
        return {check.kind: check for check in healthchecks.parse(given)}
    except (KeyError, TypeError, AttributeError):
        return {}
