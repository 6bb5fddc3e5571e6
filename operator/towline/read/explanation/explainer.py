"""Explain a repository or an object: read what is known of it, and decide by that."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from towline.api import condition, gitrepository, labels
from towline.api.condition import Truth, Type
from towline.api.gitrepository import GitRepository
from towline.api.healthchecks import HealthCheck
from towline.api.syncrecord import SyncRecord
from towline.errors import ClusterError, SpecError
from towline.health import assessment
from towline.live.pods import Pods
from towline.model import Body, GroupKind, Health, ObjectRef, State
from towline.plan import dependency_graph
from towline.read import kind_names
from towline.read.cluster import Cluster
from towline.read.comparison.online_revisions import AskedComparison
from towline.read.comparison.own_objects import OwnObjectsReader
from towline.read.explanation import object_explanation, read_objects, repository_explanation
from towline.read.explanation.cause import Explanation, FoundCause
from towline.read.explanation.closer_look import CloserLook
from towline.read.explanation.health_causes import UnreadyObject
from towline.read.explanation.known_syncs import KnownSyncs
from towline.read.explanation.object_explanation import Owner
from towline.read.explanation.read_objects import LackingObject
from towline.read.read_errors import AbsentError, NotAllowedError

_RECORDS = 50
"""How many of the newest records of a repository are looked at."""

_SEARCHED = 10
"""The records of how many repositories are looked through for an object of which no status tells."""

_DEPTH = 5
"""How many steps of `spec.dependsOn` are followed."""

_REFERRED = 20
"""How many objects that one refers to are looked for."""

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
        self.notes: list[str] = []
        """What could not be found out, in sentences for the user."""

    async def repository(
        self, name: str, namespace: str = "", followed: frozenset[str] = frozenset()
    ) -> Explanation:
        """Explain a GitRepository; where it waits for others, what keeps these explains it, too.

        Args:
            name: of the GitRepository.
            namespace: by default the one that names are looked up in.
            followed: the names of those that wait for it, which are explained already.

        Raises:
            ClusterError: it does not exist, or the API server gives no answer.
        """
        place = namespace or self._cluster.namespace
        body = await self._cluster.get(gitrepository.RESOURCE, place, name)
        repository = gitrepository.identify(body)
        syncs = await self._syncs(repository)
        unready = await self._unready(repository) if _is_ailing(repository) else ()
        explained = repository_explanation.explain(repository, body, unready, syncs)
        found = await self._closer(repository, explained.causes, syncs)
        explained = repository_explanation.retold(explained, found)
        if not repository_explanation.waits_for_others(repository):
            return explained
        others = await self._others(repository, followed | {name})
        return replace(explained, causes=(*explained.causes, *others))

    async def _others(self, repository: GitRepository, followed: frozenset[str]) -> tuple[FoundCause, ...]:
        """Return what keeps the repositories that one waits for."""
        causes: list[FoundCause] = []
        for name in dependency_graph.names(repository):
            if name not in followed and len(followed) <= _DEPTH:
                with suppress(AbsentError):
                    found = await self.repository(name, repository.key.namespace, followed)
                    causes += found.causes
        return tuple(causes)

    async def object(self, named: str) -> Explanation:
        """Explain an object that is named as `KIND/NAME`.

        Raises:
            ClusterError: there is no such kind, or the API server gives no answer.
            ValueError: the text does not name an object.
        """
        name = kind_names.parse(named)
        resource = await self._cluster.resource(name.kind)
        namespace = (name.namespace or self._cluster.namespace) if resource.namespaced else ""
        if resource.group_kind == gitrepository.RESOURCE.group_kind:
            return await self.repository(name.name, namespace)
        ref = ObjectRef(*resource.group_kind, namespace, name.name)
        try:
            body = await self._cluster.get(resource, namespace, name.name)
        except AbsentError:
            return await self._absent(ref)
        return await self._present(ref, body)

    async def _absent(self, ref: ObjectRef) -> Explanation:
        owners = await self._owners(ref)
        explained = object_explanation.absent(ref, owners)
        owner = next((each for each in owners if explained.causes), None)
        if owner is None:
            return explained
        causes = await self._closer(owner.repository, explained.causes, owner.syncs)
        return object_explanation.retold(ref, explained, causes)

    async def _present(self, ref: ObjectRef, body: Body) -> Explanation:
        """Explain an object that exists; one that a controller has made, by the object that Git declares."""
        found = await self._object(ref, body, ())
        label = object_explanation.label_of(body)
        owner = object_explanation.owner_of(found, await self._owners(ref, label))
        if owner is None and (made_by := await self._maker(ref, body)):
            explained = await self._present(*made_by)
            return replace(
                explained, sentence=f"{ref.display} belongs to {made_by[0].display}: {explained.sentence}"
            )
        if owner is None:
            return object_explanation.present(found, None)
        found = await self._object(ref, body, self._checks(owner.repository))
        explained = object_explanation.present(found, owner)
        causes = await self._closer(owner.repository, explained.causes, owner.syncs)
        return object_explanation.retold(ref, explained, causes)

    async def _maker(self, ref: ObjectRef, body: Body) -> tuple[ObjectRef, Body] | None:
        """Return the object whose controller made another one; None where there is none that the user may read."""
        owners = body["metadata"].get("ownerReferences") or ()
        held = next((each for each in owners if each.get("controller")), None)
        if held is None:
            return None
        kind = GroupKind(str(held["apiVersion"]).rpartition("/")[0], str(held["kind"]))
        resource = await self._cluster.discovery.resource(kind)
        if resource is None:
            return None
        namespace = ref.namespace if resource.namespaced else ""
        with suppress(AbsentError, NotAllowedError):
            found = await self._cluster.get(resource, namespace, str(held["name"]))
            return ObjectRef(*kind, namespace, str(held["name"])), found
        return None

    async def _syncs(self, repository: GitRepository) -> KnownSyncs:
        """Return the newest records; none where the user may not read them: causes then lack authors and fields."""
        records: list[SyncRecord] = []
        try:
            async for record in self._cluster.newest_records(repository.key, repository.uid, _RECORDS):
                records.append(record)  # noqa: PERF401  what came before a refusal counts
        except NotAllowedError as error:
            self.notes.append(error.message)
        return KnownSyncs(records=tuple(records))

    async def _owners(self, ref: ObjectRef, label: str = "") -> Sequence[Owner]:
        """Return the repositories that may have to do with an object, with their records.

        That is the one of its label, or else those with objects of its kind, and those that name it.
        """
        found = [
            each
            for each in await self._repositories(ref.namespace)
            if (each.label == label if label else object_explanation.may_own(each, ref))
        ]
        named = [each for each in found if not label and object_explanation.names(each, ref)]
        near = sorted(named or found, key=lambda each: each.key.namespace != ref.namespace)
        if len(near) > _SEARCHED:
            left = len(near) - _SEARCHED
            self.notes.append(f"the records of {left} more GitRepositories were not looked through")
        return [Owner(repository=each, syncs=await self._syncs(each)) for each in near[:_SEARCHED]]

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
        reader = OwnObjectsReader(self._cluster, partial(_assessed, checks=checks))
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
        notes = body["metadata"].get("annotations") or {}
        return UnreadyObject(
            ref=ref,
            health=health,
            said=said,
            body=body,
            commit=str(notes.get(labels.COMMIT, "")),
            source=str(notes.get(labels.SOURCE, "")),
            lacking=() if health.state is State.CURRENT else await self._lacking(ref, body),
        )

    async def _lacking(self, ref: ObjectRef, body: Body) -> tuple[LackingObject, ...]:
        """Return what an object refers to and is not there, as far as the user may read it."""
        found = []
        for read in tuple(read_objects.read_by(body, ref.namespace))[:_REFERRED]:
            try:
                resource = await self._cluster.discovery.resource(read.ref.group_kind)
                if resource is None:
                    continue
                there = await self._cluster.get(resource, read.ref.namespace, read.ref.name)
                lacks = read_objects.lacks(read, there)
            except AbsentError:
                lacks = LackingObject(read)
            except ClusterError:
                continue
            found += [lacks] if lacks else []
        return tuple(found)

    def _checks(self, repository: GitRepository) -> tuple[HealthCheck, ...]:
        try:
            return gitrepository.specify(repository, self._asked.against).health_checks
        except SpecError:
            return ()

    async def _closer(
        self, repository: GitRepository, causes: tuple[FoundCause, ...], syncs: KnownSyncs
    ) -> tuple[FoundCause, ...]:
        look = CloserLook(self._cluster, repository, syncs, self._asked)
        found = await look.told(causes) if causes else causes
        self.notes += look.notes
        return found


def _assessed(body: Body, kind: GroupKind, *, checks: Sequence[HealthCheck]) -> Health:
    return assessment.assess(body, kind, next((each for each in checks if each.kind == kind), None))


def _is_ailing(repository: GitRepository) -> bool:
    return condition.find(repository.status, Type.HEALTHY).get("status") != Truth.TRUE
