"""Repositories that wait for others to be ready, and go in the reverse order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

pytestmark = pytest.mark.usefixtures("operator")

GitRepositories = Callable[..., Repository]

STEPS = 20
FIXED_DELAY = 0.5
"""Seconds; whoever looked once a second would hardly ever be so quick."""
BROKEN = "kind: [\n"


def config_map(name: str) -> str:
    """One ConfigMap as a file."""
    return manifests.text(manifests.config_map(name))


def chain(git_repository: GitRepositories, steps: int, **spec: object) -> list[Repository]:
    """Create repositories of which each depends on the one before, the last one first."""
    found = []
    for step in reversed(range(steps)):
        needs = {"dependsOn": [{"name": f"step-{step - 1}"}]} if step else {}
        found.append(git_repository(f"step-{step}", path=str(step), **needs, **spec))
    return found[::-1]


def test_twenty_repositories_in_a_chain_are_applied_one_after_the_other_without_waiting_for_a_clock(
    audit: AuditLog, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    sha = repo.commit({f"{step}/a.yaml": config_map(f"a-{step}") for step in range(STEPS)})
    mark = audit.mark()

    apps = chain(git_repository, STEPS, interval="10m")
    for app in apps:
        app.until_ready(sha, deadline=60)

    written = [
        event
        for event in audit.writes(mark, "towline")
        if event.resource == "configmaps" and event.namespace == namespace and not event.dry_run
    ]
    assert [event.name for event in written] == [f"a-{step}" for step in range(STEPS)]
    moments = [datetime.fromisoformat(event.time) for event in written]
    steps = [(late - early).total_seconds() for early, late in pairwise(moments)]
    assert min(steps) < FIXED_DELAY, "a busy machine makes steps slow, a clock makes all of them slow"


def test_nothing_is_written_before_what_it_depends_on_is_mended(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    repo.commit({"0/a.yaml": BROKEN, "1/a.yaml": config_map("a-1")})
    base, web = chain(git_repository, 2)
    base.until_reason("BuildFailed")

    status = web.until_reason("DependencyNotReady")
    message = web.condition()["message"]
    assert "step-0" in message
    assert "BuildFailed" in message
    assert status["commit"]["attempted"]
    assert not cluster.find("v1", "ConfigMap", "a-1", namespace)

    sha = repo.commit({"0/a.yaml": config_map("a-0")})
    base.until_ready(sha)
    web.until_ready(sha)


def test_a_repository_waits_for_one_that_does_not_exist_yet(
    repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit({"a.yaml": config_map("a")})
    web = git_repository("web", dependsOn=[{"name": "base"}], path="web", interval="10m")
    sha = repo.commit({"web/a.yaml": config_map("web")})
    web.annotate(reconcile="now")
    web.until_reason("DependencyNotReady")
    assert "does not exist" in web.condition()["message"]

    git_repository("base", interval="10m", exclude=["web"]).until_ready(sha)
    web.until_ready(sha, deadline=10)


def test_a_cycle_is_printed_and_ends_when_one_of_its_members_is_changed(
    repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit({f"{name}/a.yaml": config_map(name) for name in "abc"})
    needs = {"a": "b", "b": "c", "c": "a"}
    apps = {
        name: git_repository(name, path=name, interval="10m", dependsOn=[{"name": need}])
        for name, need in needs.items()
    }
    for app in apps.values():
        app.until_reason("InvalidSpec")
    assert "a -> b -> c -> a" in apps["a"].condition()["message"]

    apps["c"].change(dependsOn=None)
    for app in apps.values():
        app.until_ready(sha)


def test_a_dependency_that_fails_later_does_not_take_away_what_is_applied(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    sha = repo.commit({f"{step}/a.yaml": config_map(f"a-{step}") for step in range(2)})
    base, web = chain(git_repository, 2)
    web.until_ready(sha)

    sha = repo.commit({"0/a.yaml": BROKEN})
    base.until_reason("BuildFailed")
    web.until_ready(sha)
    assert cluster.find("v1", "ConfigMap", "a-1", namespace)


def test_repositories_that_are_deleted_together_go_in_reverse_order(
    audit: AuditLog, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    sha = repo.commit({f"{step}/a.yaml": config_map(f"a-{step}") for step in range(4)})
    apps = chain(git_repository, 4)
    for app in apps:
        app.until_ready(sha)
    mark = audit.mark()

    for app in apps:
        app.delete()
    for app in apps:
        app.until_gone()

    deleted = [
        event.name
        for event in audit.writes(mark, "towline")
        if event.verb == "delete" and event.resource == "configmaps" and event.namespace == namespace
    ]
    assert deleted == ["a-3", "a-2", "a-1", "a-0"]
