"""Who must be ready first, and what a cycle is."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.plan import dependency_graph
from towline.plan.dependency_graph import RepositoriesByName

READY = {
    "commit": {"observed": "a" * 40, "applied": "a" * 40},
    "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}],
}


def repository(name: str, *needs: str, status: Any = None, deleting: bool = False) -> GitRepository:
    metadata: dict[str, Any] = {"namespace": "shop", "name": name, "uid": name, "generation": 1}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    spec = {"dependsOn": [{"name": need} for need in needs]}
    raw = {"metadata": metadata, "spec": spec, "status": READY if status is None else status}
    return gitrepository.identify(raw)


def namespace(*repositories: GitRepository) -> RepositoriesByName:
    return dependency_graph.by_name(repositories)


def not_ready(**condition: Any) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "False", "observedGeneration": 1, **condition}
    return {**READY, "conditions": [ready]}


def test_what_depends_on_ready_repositories_only_waits_for_nobody() -> None:
    found = namespace(repository("web", "base", "data"), repository("base"), repository("data"))
    assert dependency_graph.unready("web", found) == ""


@pytest.mark.parametrize(
    ("base", "why"),
    [
        (repository("other"), "does not exist"),
        (repository("base", status={}), "not been seen"),
        (
            repository("base", status=not_ready(reason="ApplyFailed", message="1 fault")),
            "ApplyFailed: 1 fault",
        ),
        (repository("base", status=not_ready(status="True", observedGeneration=0)), "not been seen"),
        (repository("base", status={**READY, "commit": {"observed": "b" * 40}}), "not applied yet"),
        (repository("base", deleting=True), "being deleted"),
    ],
    ids=["missing", "new", "failed", "changed", "behind", "ending"],
)
def test_a_dependency_that_is_not_ready_is_named_with_the_reason(base: GitRepository, why: str) -> None:
    said = dependency_graph.unready("web", namespace(repository("web", "base"), base))
    assert said.startswith("depends on base")
    assert why in said


def test_a_cycle_is_told_step_by_step() -> None:
    found = namespace(repository("a", "x", "b"), repository("b", "c"), repository("c", "a"), repository("x"))
    assert dependency_graph.cycle("a", found) == ("a", "b", "c", "a")
    assert dependency_graph.cycle("x", found) == ()


def test_a_repository_that_names_itself_is_a_cycle() -> None:
    assert dependency_graph.cycle("a", namespace(repository("a", "a"))) == ("a", "a")


def test_a_cycle_of_others_is_theirs() -> None:
    found = namespace(repository("web", "a"), repository("a", "b"), repository("b", "a"))
    assert dependency_graph.cycle("web", found) == ()
    assert dependency_graph.reachable("web", found) == {"a", "b"}


@pytest.mark.parametrize(
    "spec", [{}, {"dependsOn": None}, {"dependsOn": "a"}, {"dependsOn": [{"name": 3}, 4]}]
)
def test_a_spec_that_cannot_be_right_names_no_dependency(spec: dict[str, Any]) -> None:
    raw = {"metadata": {"namespace": "shop", "name": "web", "uid": "1"}, "spec": spec}
    assert dependency_graph.names(gitrepository.identify(raw)) == ()


def test_those_that_depend_on_a_repository_are_found() -> None:
    found = namespace(repository("base", "base"), repository("web", "base"), repository("other"))
    assert [each.key.name for each in dependency_graph.dependents("base", found)] == ["web"]


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.lists(NAMES, unique=True)))
def test_a_way_back_exists_exactly_where_a_repository_reaches_itself(needs: dict[str, list[str]]) -> None:
    found = namespace(*(repository(name, *named) for name, named in needs.items()))
    for name in found:
        circle = dependency_graph.cycle(name, found)
        steps = list(itertools.pairwise(circle))
        assert all(following in dependency_graph.names(found[step]) for step, following in steps)
        assert bool(circle) == (name in dependency_graph.reachable(name, found))
