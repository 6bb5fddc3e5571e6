"""Follow `spec.dependsOn`: which GitRepositories must be ready first, and which form a cycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from towline.api.gitrepository import GitRepository
from towline.errors import Reason

RepositoriesByName = Mapping[str, GitRepository]
"""All GitRepositories of one namespace, by name."""


_PASSING = frozenset({Reason.PROGRESSING, Reason.DEPENDENCY_NOT_READY})
"""Reasons whose messages change along a chain without progress; those that wait do not repeat them."""


def by_name(repositories: Iterable[GitRepository]) -> RepositoriesByName:
    """Return the GitRepositories of one namespace by their names."""
    return {each.key.name: each for each in repositories}


def names(repository: GitRepository) -> tuple[str, ...]:
    """Return the names that a GitRepository depends on, even with an invalid spec."""
    declared = repository.raw_spec.get("dependsOn")
    entries = declared if isinstance(declared, list) else ()
    found = (entry.get("name") for entry in entries if isinstance(entry, dict))
    return tuple(dict.fromkeys(name for name in found if isinstance(name, str)))


def cycle(name: str, repositories: RepositoriesByName) -> tuple[str, ...]:
    """Return the way from a GitRepository back to itself, both ends named; empty where there is none.

    A cycle that it only leads into is an error of the others.
    """
    came_from = {name: ""}
    steps = [name]
    for step in steps:
        for following in _present(step, repositories):
            if following == name:
                return (*_way(step, came_from), name)
            if following not in came_from:
                came_from[following] = step
                steps.append(following)
    return ()


def reachable(name: str, repositories: RepositoriesByName) -> frozenset[str]:
    """Return everything that a GitRepository depends on, directly or not, whether it exists or not."""
    found: list[str] = list(dict.fromkeys(_all(name, repositories)))
    for each in found:
        found += [more for more in _all(each, repositories) if more not in found]
    return frozenset(found)


def unready(name: str, repositories: RepositoriesByName) -> str:
    """Say which direct dependency is not ready, and why; empty where all are."""
    for needed in names(repositories[name]):
        if needed not in repositories:
            return f"depends on {needed}, which does not exist: create it, or change spec.dependsOn"
        if why := _lacks(repositories[needed]):
            return f"depends on {needed}, which is not ready: {why}"
    return ""


def dependents(name: str, repositories: RepositoriesByName) -> tuple[GitRepository, ...]:
    """Return those that name a GitRepository as what they depend on, but for itself."""
    others = (each for each in repositories.values() if each.key.name != name)
    return tuple(each for each in others if name in names(each))


def _lacks(repository: GitRepository) -> str:
    """Say why a GitRepository is not ready at the commit and the spec that it has seen itself."""
    conditions = repository.status.get("conditions") or ()
    ready: Mapping[str, object] = next((each for each in conditions if each.get("type") == "Ready"), {})
    commit = repository.status.get("commit") or {}
    if repository.deleting:
        return "it is being deleted"
    if ready.get("observedGeneration") != repository.generation:
        return "its spec has not been seen yet"
    if ready.get("status") != "True":
        reason = ready.get("reason")
        return f"{reason}" if reason in _PASSING else f"{reason}: {ready.get('message')}"
    return "" if commit.get("applied") == commit.get("observed") else "its commit is not applied yet"


def _all(name: str, repositories: RepositoriesByName) -> tuple[str, ...]:
    found = repositories.get(name)
    return names(found) if found else ()


def _present(name: str, repositories: RepositoriesByName) -> Iterator[str]:
    return (each for each in _all(name, repositories) if each in repositories)


def _way(last: str, came_from: Mapping[str, str]) -> tuple[str, ...]:
    steps: list[str] = []
    while last:
        steps.append(last)
        last = came_from[last]
    return tuple(reversed(steps))
