"""Objects that cross between repositories in one commit: each waits for what the other one gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests
from e2e.scenes.crossings import Crossings
from e2e.soak.effort import Effort

GitRepositories = Callable[..., Repository]

REFUSED = manifests.text(manifests.config_map("Refused_"))
BEFORE, AFTER = {"crossing-x": "a", "crossing-y": "b"}, {"crossing-x": "b", "crossing-y": "a"}

COURSES = 16
"""So many pairs of repositories share the ways from each distribution of four objects to each."""


@pytest.fixture
def crossings(cluster: Cluster, repo: Repo, namespace: str) -> Crossings:
    """Nothing yet."""
    return Crossings(cluster=cluster, repo=repo, namespace=namespace)


def test_four_objects_reach_two_repositories_from_every_distribution_to_every_other(
    operator: Operator, crossings: Crossings, git_repository: GitRepositories, effort: Effort
) -> None:
    courses = chosen_courses(effort)
    names = [f"{side}-{number}" for number in range(COURSES) for side in "ab"]
    begun = [course[0][0] for course in courses]
    crossings.begin(git_repository, names, distributed(begun))
    for step in zip(*courses, strict=True):
        with effort.point(step, counts=len(step)):
            sha = crossings.commit(distributed([after for _, after in step]))
            crossings.until_settled(sha, deadline=180)


def chosen_courses(effort: Effort) -> list[list[tuple[int, int]]]:
    """Return one course for each pair of repositories: as many ways in a row as the effort allows, begun by chance."""
    ways = every_way()
    length, chance = len(ways) // COURSES, effort.chance()
    count = max(1, min(length, effort.size // COURSES))
    begins = [number * length + chance.randrange(length - count + 1) for number in range(COURSES)]
    return [ways[begin : begin + count] for begin in begins]


def every_way() -> list[tuple[int, int]]:
    """Return all 256 pairs of numbers below 16, each of which begins where the last one has ended."""
    ring = de_bruijn(16)
    return list(zip(ring, (*ring[1:], ring[0]), strict=True))


def de_bruijn(size: int) -> tuple[int, ...]:
    """Return a ring of numbers in which each pair of neighbours occurs once."""
    return tuple(
        number
        for first in range(size)
        for second in range(first, size)
        for number in ((first,) if first == second else (first, second))
    )


def distributed(states: list[int]) -> dict[str, str]:
    """Return the owners of four objects of each pair of repositories: each bit of a number says which of the two."""
    return {
        f"crossing-{number}-{bit}": f"{'ab'[state >> bit & 1]}-{number}"
        for number, state in enumerate(states)
        for bit in range(4)
    }


@pytest.mark.parametrize(
    "spec",
    [{}, {"preflight": False}, {"prune": False}],
    ids=["as usual", "without preflight", "without prune"],
)
def test_two_objects_swap_their_repositories(
    operator: Operator, crossings: Crossings, git_repository: GitRepositories, spec: dict[str, bool]
) -> None:
    crossings.begin(git_repository, "ab", BEFORE, a=spec, b=spec)
    crossings.until_settled(crossings.commit(AFTER))
    assert crossings.told("a") == {("release", "crossing-x"), ("adopt", "crossing-y")}
    assert crossings.told("b") == {("release", "crossing-y"), ("adopt", "crossing-x")}


def test_objects_cross_in_a_ring_of_three_repositories(
    operator: Operator, crossings: Crossings, git_repository: GitRepositories
) -> None:
    crossings.begin(git_repository, "abc", {"crossing-x": "a", "crossing-y": "b", "crossing-z": "c"})
    crossings.until_settled(
        crossings.commit({"crossing-x": "b", "crossing-y": "c", "crossing-z": "a"}), deadline=30
    )


def test_objects_cross_while_others_are_created_and_deleted(
    operator: Operator, crossings: Crossings, git_repository: GitRepositories
) -> None:
    ways = [(before, after) for before in ("a", "b", "") for after in ("a", "b", "")]
    names = {f"crossing-{before or 'none'}-{after or 'none'}": (before, after) for before, after in ways}
    crossings.begin(git_repository, "ab", {name: before for name, (before, _) in names.items() if before})
    crossings.until_settled(crossings.commit({name: after for name, (_, after) in names.items() if after}))


def test_objects_cross_between_a_repository_and_one_that_depends_on_it(
    operator: Operator, crossings: Crossings, git_repository: GitRepositories
) -> None:
    crossings.begin(git_repository, "ab", BEFORE, b={"dependsOn": [{"name": "a"}]})
    crossings.until_settled(crossings.commit(AFTER))


def test_an_object_that_says_it_must_not_be_deleted_crosses_as_well(
    operator: Operator, crossings: Crossings, git_repository: GitRepositories
) -> None:
    crossings.annotations = {"towline.dev/prune": "Disabled"}
    crossings.begin(git_repository, "ab", BEFORE)
    crossings.until_settled(crossings.commit(AFTER))


def test_a_giver_with_an_invalid_object_holds_back_nothing_but_its_own(
    operator: Operator, crossings: Crossings, git_repository: GitRepositories
) -> None:
    crossings.begin(git_repository, "ab", BEFORE)
    giver, taker = crossings.apps
    sha = crossings.commit({"crossing-x": "b", "crossing-y": "b"}, **{"a/refused.yaml": REFUSED})
    taker.until_ready(sha)
    giver.until_reason("ApplyFailed")
    crossings.check()
    assert crossings.told("a") == {("release", "crossing-x")}

    crossings.until_settled(crossings.commit(crossings.declared, **{"a/refused.yaml": None}))


@pytest.mark.parametrize("after", range(4))
def test_a_process_that_is_killed_amid_a_crossing_leaves_no_object_without_an_owner(
    behind: Operator, proxy: Proxy, crossings: Crossings, git_repository: GitRepositories, after: int
) -> None:
    crossings.begin(git_repository, "ab", BEFORE)
    gate = proxy.hold(after, acted=after % 2 == 0, about=writes_of_objects)
    sha = crossings.commit(AFTER)
    eventually(lambda: gate.reached(0), deadline=60, poll=0.01, message="the request")
    behind.kill()
    proxy.mend()
    behind.start()
    crossings.until_settled(sha)


def writes_of_objects(request: Request) -> bool:
    """Mean the releases of what crosses, and the writes that take it."""
    return request.writes and request.of("configmaps")
