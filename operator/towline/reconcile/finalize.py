"""Delete a GitRepository: prune or release its objects, then remove its finalizer.

It needs neither Git nor a valid spec. An object that may not be deleted is released, so that it never blocks the
deletion of the GitRepository.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from towline import log, text
from towline.api import gitrepository, labels
from towline.api.gitrepository import GitRepository, Removal
from towline.api.syncrecord import RecordedRepository, Trigger
from towline.errors import ClusterError, Reason
from towline.kube.client import Client
from towline.kube.repositories import Repositories
from towline.live.index import Index
from towline.model import GroupKind, ObjectRef, Person, Plan, Revision
from towline.plan import build, claims, ownership
from towline.plan.stamp import Identity
from towline.reconcile import result
from towline.reconcile.dependencies import Dependencies
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.state import Finalized, Undeleted, kinds_of
from towline.reconcile.sweep import Sweep
from towline.reconcile.sync.executor import Executor
from towline.reconcile.sync.sync_request import SyncRequest, SyncResult
from towline.records.ledger import Ledger
from towline.source import access
from towline.status import refused, unreadable
from towline.status.compute import PassResult

_log = log.logger(__name__)

_DEPENDENTS_SECONDS = 2.0
"""How often to check whether a dependent is being deleted, too."""

_LOOK_SECONDS = 2.0
"""How often to check whether objects that are being deleted are gone."""


_NAMED = 3
"""How many of them are read, to say what keeps the first."""

_OUR_CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gitrepositories.towline.dev"
PATIENCE_SECONDS = 60.0
"""How long after its deletion a GitRepository waits for objects that other finalizers keep."""


class Finalizer:
    """Finalizes GitRepositories.

    Args:
        client: reads Towline's CRD and namespaces.
        index: the live objects.
        sweep: finds owned objects when the status does not name their kinds.
        neighbours: what other repositories declare.
        dependencies: which repositories must be deleted first.
        syncs: executes plans.
        repositories: removes the finalizer.
        ledger: tells what was written, and is told to forget.
        installation: what the operator runs by, which is never deleted.
    """

    def __init__(  # noqa: PLR0913  the doors of the last pass
        self,
        *,
        client: Client,
        index: Index,
        sweep: Sweep,
        neighbours: Neighbours,
        dependencies: Dependencies,
        executor: Executor,
        repositories: Repositories,
        ledger: Ledger,
        installation: frozenset[ObjectRef],
    ) -> None:
        self._client = client
        self._index = index
        self._sweep = sweep
        self._neighbours = neighbours
        self._dependencies = dependencies
        self._executor = executor
        self._repositories = repositories
        self._ledger = ledger
        self._installation = installation
        self._waiting_since: dict[str, float] = {}

    async def finalize(self, repository: GitRepository) -> PassResult | Finalized:
        """Prune or release every owned object, and then remove the finalizer.

        Raises:
            ClusterError: the API server could not be asked.
        """
        if labels.FINALIZER not in repository.finalizers:
            return Finalized()
        if dependent := await self._dependencies.blocking(repository):
            return _waiting(
                repository,
                f"Deletion waits until {dependent}, which depends on it, is gone",
                _DEPENDENTS_SECONDS,
            )
        decided, patience, unread = await self._decide(repository)
        if decided.waiting:
            return _waiting(repository, result.waiting(decided.waiting), patience)
        if decided.writes:
            synced = await self._executor.run(_request(repository, decided))
            if synced.failures or synced.error:
                return _failed(repository, synced)
        undeleted = None if unread else await self._undeleted(repository)
        if rest := self._rest(repository, unread, undeleted):
            return rest
        if not await self._repositories.remove_finalizer(repository):
            raise ClusterError("the GitRepository was changed while it was being deleted")
        self._ledger.forget(repository.uid)
        self._waiting_since.pop(repository.uid, None)
        return Finalized(undeleted=undeleted)

    async def _decide(self, repository: GitRepository) -> tuple[Plan, float, Mapping[GroupKind, str]]:
        """Return the plan of the deletion, the seconds that it may wait for others, and the unreadable kinds."""
        kinds = kinds_of(repository) or await self._sweep.everywhere(repository.label)
        self._index.follow(kinds)  # a pause hides what a sync has written whose answer was lost
        unread = await self._index.unreadable(kinds)
        policy = replace(
            ownership.policy(repository),
            finalizing=await self._removal(repository),
            installation=self._installation,
            unreadable=frozenset(unread),
        )
        live = self._index.owned(repository.label)
        policy = await self._ledger.written_objects.informed(policy, live.values())
        sha = str((repository.status.get("commit") or {}).get("applied", ""))
        decided = await asyncio.to_thread(build.plan, (), live, policy, sha)
        standing, patience = await self._neighbours.standing(repository, "", decided, live)
        if standing != claims.ALONE:
            policy = replace(policy, standing=standing)
            decided = await asyncio.to_thread(build.plan, (), live, policy, sha)
        return await self._without_doomed(repository, decided), patience, unread

    async def _removal(self, repository: GitRepository) -> Removal:
        """Return whether the objects are deleted or released; uninstalling the CRD never deletes workloads."""
        crd = await self._client.found(_OUR_CRD)
        if crd is None or crd["metadata"].get("deletionTimestamp"):
            return Removal.NONE
        return gitrepository.removal(repository)

    async def _without_doomed(self, repository: GitRepository, decided: Plan) -> Plan:
        """Leave out objects in a namespace that is being deleted: they go with it, and it accepts no writes."""
        doomed = await self._doomed(repository)
        left = tuple(change for change in decided.changes if not doomed or change.ref.namespace != doomed)
        return replace(decided, changes=left)

    async def _doomed(self, repository: GitRepository) -> str:
        """Return the namespace of a GitRepository if it is being deleted, too; empty where it is not."""
        name = repository.key.namespace
        namespace = await self._client.found(f"/api/v1/namespaces/{name}")
        return "" if namespace and not namespace["metadata"].get("deletionTimestamp") else name

    def _rest(
        self, repository: GitRepository, unread: Mapping[GroupKind, str], undeleted: Undeleted | None
    ) -> PassResult | None:
        """Return what the deletion still waits for once all that can be written is written; None if for nothing."""
        if unread:
            return _unread(repository, unread)
        if undeleted and self._waited(repository) < PATIENCE_SECONDS:
            return _waiting(repository, _kept(undeleted), _LOOK_SECONDS)
        return None

    def _waited(self, repository: GitRepository) -> float:
        """Return for how many seconds the deletion has been waiting for objects, as far as this process has seen."""
        at = asyncio.get_running_loop().time()
        return at - self._waiting_since.setdefault(repository.uid, at)

    async def _undeleted(self, repository: GitRepository) -> Undeleted | None:
        """Return which deleted objects are not gone, and why; None where the deletion need not wait for any."""
        owned = self._index.owned(repository.label)
        own = replace(
            ownership.policy(repository),
            evidence=self._ledger.written_objects.of(repository.key, repository.uid),
        )
        going = sorted(
            ref
            for ref, live in owned.items()
            if live.terminating and ownership.ownership(live, own) in ownership.OWN
        )
        if not going:
            return None
        doomed = await self._doomed(repository)
        going = [ref for ref in going if not doomed or ref.namespace != doomed]
        if not going or await self._removal(repository) is Removal.NONE:
            return None
        asked = going[:_NAMED]
        kept = await self._executor.keepers(_request(repository, Plan()), asked)
        total = len(going) - len(asked) + len(kept)
        why = tuple(f"{ref.display} {each}" for ref, each in kept.items())
        return Undeleted(total=total, why=why, waited=PATIENCE_SECONDS) if total else None


def _kept(undeleted: Undeleted) -> str:
    first = f": {undeleted.why[0]}" if undeleted.why else ""
    many = text.many(undeleted.total, "object")
    return f"Deletion waits for {many}, at most {text.duration(PATIENCE_SECONDS)}{first}"


def _request(repository: GitRepository, decided: Plan) -> SyncRequest:
    """Request the plan of a deletion; its record names the commit that was applied last."""
    applied = repository.status.get("applied") or {}
    commit = repository.status.get("commit") or {}
    sha = commit.get("applied") or commit.get("attempted") or "0" * 40
    author = Person(name=applied.get("author", ""), email="")
    moment = applied.get("committedAt") or repository.created_at
    spec = repository.raw_spec
    return SyncRequest(
        subject=RecordedRepository(
            namespace=repository.key.namespace,
            name=repository.key.name,
            uid=repository.uid,
            url=access.public_url(str(spec.get("url", ""))),  # nobody has checked this spec
            path=str(spec.get("path", "")),
        ),
        identity=Identity(key=repository.key, uid=repository.uid),
        revision=Revision(
            sha=sha,
            author=author,
            committer=author,
            authored_at=moment,
            committed_at=moment,
            subject=applied.get("subject", ""),
            pull_request=applied.get("pullRequest", ""),
            merged_by=applied.get("mergedBy", ""),
        ),
        plan=decided,
        trigger=Trigger.DELETE,
        source=commit.get("applied", ""),
    )


def _waiting(repository: GitRepository, message: str, seconds: float) -> PassResult:
    return PassResult(
        generation=repository.generation, reason=Reason.PROGRESSING, message=message, wait=seconds
    )


def _unread(repository: GitRepository, unread: Mapping[GroupKind, str]) -> PassResult:
    """Return that the deletion waits for kinds that cannot be read: their objects are unknown."""
    return PassResult(
        generation=repository.generation,
        reason=Reason.CLUSTER_UNAVAILABLE,
        message=f"Deletion waits until every kind can be read. {unreadable.sentence(unread)}",
        is_unread=True,
    )


def _told(synced: SyncResult) -> str:
    if synced.error:
        return synced.error.message
    return refused.sentence("Not deleted yet", synced.failures, len(synced.failures))


def _failed(repository: GitRepository, synced: SyncResult) -> PassResult:
    reason = Reason.CLUSTER_UNAVAILABLE if synced.error else Reason.PRUNE_FAILED
    return PassResult(
        generation=repository.generation,
        reason=reason,
        message=_told(synced),
        failures=synced.failures,
        last_record=synced.record,
    )
