"""Explain a repository or an object: read what is known of it, and decide by that."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from towline.api import condition, gitrepository
from towline.api.condition import Truth, Type
from towline.api.gitrepository import GitRepository
from towline.api.healthchecks import HealthCheck
from towline.api.syncrecord import SyncRecord
from towline.errors import ApiError, ClusterError, Reason, Refusal, SpecError, TowlineError
from towline.health import assessment
from towline.live.pods import Pods
from towline.model import Body, GroupKind, Health, ObjectRef, State
from towline.read import kind_names
from towline.read.cluster import Cluster
from towline.read.comparison.online_revisions import AskedComparison, OnlineRevisions
from towline.read.comparison.own_objects import OwnObjectsReader
from towline.read.explanation import culprits, object_explanation, repository_explanation
from towline.read.explanation.cause import Explanation, FoundCause
from towline.read.explanation.culprits import Culprits
from towline.read.explanation.health_causes import UnreadyObject
from towline.read.explanation.known_syncs import KnownSyncs
from towline.read.explanation.object_explanation import Owner
from towline.read.read_errors import AbsentError, NotAllowedError

_RECORDS = 300
"""How many of the newest records are looked at."""

_UNREADY = 10
"""How many objects that are not ready are looked into."""


class Explainer:
    """Explains what a user names.

    Args:
        cluster: as the user may see it; its client must not write.
        asked: how revisions are tried by dry runs.
    """

    def __init__(self, cluster: Cluster, asked: AskedComparison) -> None:
        self._cluster = cluster
        self._asked = asked
        self._pods = Pods(cluster.client, cluster.discovery)

    async def repository(self, name: str) -> Explanation:
        """Explain a GitRepository.

        Raises:
            ClusterError: it does not exist, or the API server gives no answer.
        """
        body = await self._cluster.get(gitrepository.RESOURCE, self._cluster.namespace, name)
        repository = gitrepository.identify(body)
        syncs = await self._syncs(repository)
        unready = await self._unready(repository) if _is_ailing(repository) else ()
        explained = repository_explanation.explain(repository, body, unready, syncs)
        causes = await self._deeper(repository, explained.causes, syncs)
        return replace(explained, causes=causes)

    async def object(self, named: str) -> Explanation:
        """Explain an object that is named as `KIND/NAME`.

        Raises:
            ClusterError: there is no such kind, or the API server gives no answer.
            ValueError: the text does not name an object.
        """
        name = kind_names.parse(named)
        resource = await self._cluster.resource(name.kind)
        namespace = (name.namespace or self._cluster.namespace) if resource.namespaced else ""
        ref = ObjectRef(*resource.group_kind, namespace, name.name)
        try:
            body = await self._cluster.get(resource, namespace, name.name)
        except AbsentError:
            owners = await self._owners(ref)
            explained = object_explanation.absent(ref, owners)
            owner = next((each for each in owners if explained.causes), None)
        else:
            found = await self._object(ref, body, ())
            owner = object_explanation.owner_of(
                found, await self._owners(ref, object_explanation.label_of(body))
            )
            if owner:
                found = await self._object(ref, body, self._checks(owner.repository))
            explained = object_explanation.present(found, owner)
        if owner is None:
            return explained
        causes = await self._deeper(owner.repository, explained.causes, owner.syncs)
        return object_explanation.retold(ref, explained, causes)

    async def _syncs(self, repository: GitRepository) -> KnownSyncs:
        """Return the newest records; none where the user may not read them: causes then lack authors and fields."""
        newest = deque[SyncRecord](maxlen=_RECORDS)
        with suppress(NotAllowedError):
            async for record in self._cluster.records(repository.key, repository.uid):
                newest.append(record)
        return KnownSyncs(records=tuple(reversed(newest)))

    async def _owners(self, ref: ObjectRef, label: str = "") -> Sequence[Owner]:
        """Return the repositories that may have to do with an object, with their records.

        That is the one of its label, or else those with objects of its kind, and those that name it.
        """
        found = [
            each
            for each in await self._repositories(ref.namespace)
            if (each.label == label if label else object_explanation.may_own(each, ref))
        ]
        return [Owner(repository=each, syncs=await self._syncs(each)) for each in found]

    async def _repositories(self, namespace: str) -> Sequence[GitRepository]:
        """Return the repositories of all namespaces, or else of those that the user may read."""
        for place in dict.fromkeys(("", self._cluster.namespace, namespace)):
            with suppress(NotAllowedError):
                return await self._cluster.repositories(place)
        return ()

    async def _unready(self, repository: GitRepository) -> Sequence[UnreadyObject]:
        """Return the objects of a repository that are not ready, those that have failed first."""
        kinds = repository.status.get("kinds") or ()
        checks = self._checks(repository)
        reader = OwnObjectsReader(
            self._cluster.client, self._cluster.discovery, partial(_assessed, checks=checks)
        )
        listed = {GroupKind(each.get("group", ""), each.get("kind", "")) for each in kinds}
        own = await reader.read(repository.label, listed, (repository.key.namespace,))
        ailing = [each for each in own.live.values() if each.health.state is not State.CURRENT]
        ailing.sort(key=lambda each: (each.health.state is not State.FAILED, each.ref))
        found = []
        for each in ailing[:_UNREADY]:
            with suppress(ClusterError):
                resource = await self._cluster.discovery.resource(each.ref.group_kind)
                if resource:
                    body = await self._cluster.get(resource, each.ref.namespace, each.ref.name)
                    found.append(await self._object(each.ref, body, checks))
        return [each for each in found if each.health.state is not State.CURRENT]

    async def _object(self, ref: ObjectRef, body: Body, checks: Sequence[HealthCheck]) -> UnreadyObject:
        health = _assessed(body, ref.group_kind, checks=checks)
        said = "" if health.state is State.CURRENT else await self._pods.trouble(ref)
        return UnreadyObject(ref=ref, health=health, said=said, body=body)

    def _checks(self, repository: GitRepository) -> tuple[HealthCheck, ...]:
        try:
            return gitrepository.specify(repository, self._asked.against).health_checks
        except SpecError:
            return ()

    async def _deeper(
        self, repository: GitRepository, causes: tuple[FoundCause, ...], syncs: KnownSyncs
    ) -> tuple[FoundCause, ...]:
        """Look into causes by Git and by dry runs, where Git is here and the user may; else they remain as they are."""
        refused = [each for each in causes if each.commit and each.reason in _REFUSED]
        removed = [each for each in causes if each.reason == object_explanation.REMOVED]
        if not refused and not removed:
            return causes
        try:
            online = await OnlineRevisions.opened(self._cluster, repository, self._asked)
            told = await self._tried(repository, refused, syncs, online)
            dropped = [await _dropped(each, syncs, online) for each in removed]
        except (TowlineError, OSError):
            return causes
        known = dict(zip((*refused, *removed), (*told, *dropped), strict=True))
        return tuple(known.get(each, each) for each in causes)

    async def _tried(
        self,
        repository: GitRepository,
        refused: Sequence[FoundCause],
        syncs: KnownSyncs,
        online: OnlineRevisions,
    ) -> Sequence[FoundCause]:
        if not refused:
            return ()
        commits = repository.status.get("commit") or {}
        new = await online.finder.between(commits.get("applied", ""), commits.get("attempted", ""))
        told = await Culprits(online=online, new=new).told(refused, syncs)
        return [await self._with_values(each, online) for each in told]

    async def _with_values(self, cause: FoundCause, online: OnlineRevisions) -> FoundCause:
        ref = culprits.ref_of(cause)
        resource = await self._cluster.discovery.resource(ref.group_kind) if ref else None
        if ref is None or resource is None or cause.reason != Refusal.IMMUTABLE_FIELD:
            return cause
        async with online.finder.of(cause.commit) as folder:
            declared = (await online.declared(folder, cause.commit)).declared.get(ref) if folder else None
        if declared is None:
            return cause
        try:
            live = await self._cluster.get(resource, ref.namespace, ref.name)
        except ApiError:
            return cause
        return culprits.with_values(cause, online.mask.masked(live), online.mask.masked(declared.body))


async def _dropped(cause: FoundCause, syncs: KnownSyncs, online: OnlineRevisions) -> FoundCause:
    """Return which of the commits of a sync removed an object from its file."""
    last = syncs.removed(cause.object)
    if last is None or not cause.file:
        return cause
    intent = last.record.intent
    found = await online.finder.last_change(intent.source, intent.target, cause.file)
    return object_explanation.removal(last, found.sha, found.writer.name) if found else cause


_IN_CLUSTER = {Refusal.CONTESTED, Refusal.FOREIGN_FIELDS, Refusal.OVERRIDDEN_BY_ADMISSION}
_REFUSED = frozenset({*map(str, set(Refusal) - _IN_CLUSTER), str(Reason.BUILD_FAILED)})
"""The reasons of what a commit declares and that is refused."""


def _assessed(body: Body, kind: GroupKind, *, checks: Sequence[HealthCheck]) -> Health:
    return assessment.assess(body, kind, next((each for each in checks if each.kind == kind), None))


def _is_ailing(repository: GitRepository) -> bool:
    return condition.find(repository.status, Type.HEALTHY).get("status") != Truth.TRUE
