"""Follow `spec.dependsOn`: hold back repositories until others are ready, and wake them then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from towline.api.gitrepository import GitRepository
from towline.errors import Reason, SpecError
from towline.kube.repositories import Repositories
from towline.model import Key
from towline.plan import dependency_graph
from towline.plan.dependency_graph import RepositoriesByName

TOGETHER_SECONDS = 2.0
"""Seconds in which one command marks several repositories as being deleted, one by one."""


class Dependencies:
    """The GitRepositories that wait for others of their namespace.

    Args:
        repositories: lists the resources.
        stir: asks for a pass of repositories that have news.
        clock: monotonic seconds.
    """

    def __init__(
        self, repositories: Repositories, stir: Callable[[Iterable[Key]], None], clock: Callable[[], float]
    ) -> None:
        self._repositories = repositories
        self._stir = stir
        self._clock = clock
        self._ends: dict[Key, float] = {}
        self._waits: dict[Key, frozenset[Key]] = {}
        self._missed: dict[Key, set[Key]] = {}

    async def unready(self, repository: GitRepository) -> str:
        """Say which dependency is not ready, and why; empty where all are.

        Until the next call, a change of anything that it depends on, directly or not, wakes it.

        Raises:
            SpecError: it depends on itself; the message names every step.
            ClusterError: the GitRepositories could not be listed.
        """
        self._waits.pop(repository.key, None)
        if not dependency_graph.names(repository):
            return ""
        name = repository.key.name
        found, missed = await self._namespace(repository)
        self._await(repository.key, dependency_graph.reachable(name, found), missed)
        if circle := dependency_graph.cycle(name, found):
            raise SpecError(Reason.INVALID_SPEC, f"spec.dependsOn is a cycle: {' -> '.join(circle)}")
        why = dependency_graph.unready(name, found)
        if not why:
            del self._waits[repository.key]
        return why

    async def blocking(self, repository: GitRepository) -> str:
        """Say which GitRepositories must be deleted before this one, which is being deleted; empty where none must.

        Those are its dependents that are being deleted, too; for the first moment all dependents count.

        Raises:
            ClusterError: the GitRepositories could not be listed.
        """
        found, missed = await self._namespace(repository)
        name = repository.key.name
        if dependency_graph.cycle(name, found):
            return ""
        since = self._ends.setdefault(repository.key, self._clock())
        together = self._clock() - since < TOGETHER_SECONDS
        every = dependency_graph.dependents(name, found)
        first = sorted(each.key.name for each in every if each.deleting or together)
        self._await(repository.key, first, missed)
        return ", ".join(first)

    def changed(self, key: Key) -> None:
        """Wake the repositories that wait for a change of this one."""
        for missed in self._missed.values():
            missed.add(key)
        self._stir([waiting for waiting, awaited in self._waits.items() if key in awaited])

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone, and wake those that waited for that."""
        self._waits.pop(key, None)
        self._ends.pop(key, None)
        self.changed(key)

    def _await(self, key: Key, names: Iterable[str], missed: Collection[Key]) -> None:
        """Have a repository woken by changes of others, also by one that came while they were listed."""
        self._waits[key] = frozenset(Key(key.namespace, name) for name in names)
        if not self._waits[key].isdisjoint(missed):
            self._stir([key])

    async def _namespace(self, repository: GitRepository) -> tuple[RepositoriesByName, Collection[Key]]:
        """List the GitRepositories of a namespace, and tell which changed meanwhile: the list may be older."""
        missed = self._missed[repository.key] = set()
        try:
            everyone = [each async for each in self._repositories.everyone(repository.key.namespace)]
        finally:
            del self._missed[repository.key]
        return dependency_graph.by_name((*everyone, repository)), missed
