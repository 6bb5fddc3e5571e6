"""What a GitRepository follows: each kind of ref leads to its commit, also after that has moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

pytestmark = pytest.mark.usefixtures("operator")

PULL = "refs/pull/12/head"


@pytest.fixture
def first(repo: Repo) -> str:
    """A commit that every kind of ref leads to."""
    sha = repo.commit(files("1"))
    repo.branch("release")
    repo.tag("stable")
    repo.tag("v1.0.0", message="A release")
    repo.git("update-ref", PULL, sha)
    return sha


@pytest.fixture
def apps(first: str, git_repository: Callable[..., Repository]) -> dict[str, Repository]:
    """A repository for each kind of ref, all of them Ready."""
    refs: dict[str, Any] = {
        "head": {},
        "branch": {"branch": "release"},
        "tag": {"tag": "stable"},
        "semver": {"semver": "^1"},
        "commit": {"commit": first.upper()},
        "name": {"name": PULL},
    }
    made = {kind: git_repository(kind, path=kind, ref=ref) for kind, ref in refs.items()}
    for app in made.values():
        app.until_ready(first)
    return made


def files(value: str) -> dict[str, str]:
    kinds = ("head", "branch", "tag", "semver", "commit", "name")
    return {
        f"{kind}/a.yaml": manifests.text(manifests.config_map(f"of-{kind}", value=value)) for kind in kinds
    }


def test_each_kind_of_ref_is_followed_wherever_it_moves(
    apps: dict[str, Repository], cluster: Cluster, repo: Repo, first: str, namespace: str
) -> None:
    second = repo.commit(files("2"))
    repo.tag("v2.0.0")
    repo.tag("v1.9.0-rc.1")
    apps["head"].until_ready(second)
    for kind in ("branch", "tag", "semver", "commit", "name"):
        apps[kind].annotate(reconcile="now")
        apps[kind].until_ready(first)

    repo.branch("release", at=second)
    repo.tag("stable", at=second, message="Moved")
    repo.tag("v1.9.0", at=second)
    repo.git("update-ref", PULL, second)
    for kind in ("branch", "tag", "semver", "name"):
        apps[kind].until_ready(second)
    apps["commit"].until_ready(first)

    third = repo.commit(files("3"), branch="next")
    repo.git("symbolic-ref", "HEAD", "refs/heads/next")
    apps["head"].until_ready(third)
    found = {kind: app.read()["status"].get("ref") for kind, app in apps.items()}
    assert found == {
        "head": "refs/heads/next",
        "branch": "refs/heads/release",
        "tag": "refs/tags/stable",
        "semver": "refs/tags/v1.9.0",
        "commit": None,
        "name": PULL,
    }
    recorded = {kind: app.records()[-1]["spec"].get("ref") for kind, app in apps.items()}
    assert recorded == found
    values = {kind: cluster.get("v1", "ConfigMap", f"of-{kind}", namespace)["data"]["value"] for kind in apps}
    assert values == {"head": "3", "branch": "2", "tag": "2", "semver": "2", "commit": "1", "name": "2"}


def test_a_commit_of_a_fork_is_refused_until_the_branch_beside_it_has_it(
    git_repository: Callable[..., Repository], repo: Repo, cluster: Cluster, namespace: str
) -> None:
    repo.commit(files("1"))
    repo.branch("fork")
    sha = repo.commit(files("2"), branch="fork")
    app = git_repository("app", path="commit", interval="1s", ref={"branch": "main", "commit": sha})
    status = app.until_reason("AccessDenied")
    message = {one["type"]: one for one in status["conditions"]}["Ready"]["message"]
    assert f"commit {sha[:7]} (spec.ref.commit) is not in the history of branch main" in message
    assert cluster.list("v1", "ConfigMap", namespace, labels="towline.dev/repository") == []
    repo.branch("main", at="fork")
    app.until_ready(sha)


def test_a_tag_that_is_moved_back_is_followed_and_the_record_says_that_history_was_rewritten(
    apps: dict[str, Repository], repo: Repo, first: str
) -> None:
    second = repo.commit(files("2"))
    repo.tag("stable", at=second)
    apps["tag"].until_ready(second)
    repo.tag("stable", at=first)
    apps["tag"].until_ready(first)
    record = apps["tag"].records()[-1]["spec"]
    assert (record["from"], record["to"], record["flags"]) == (second, first, ["HistoryRewritten"])


def test_a_tag_that_is_deleted_costs_nothing_and_is_followed_again_when_it_returns(
    apps: dict[str, Repository], cluster: Cluster, repo: Repo, namespace: str
) -> None:
    before = cluster.get("v1", "ConfigMap", "of-tag", namespace)
    repo.git("tag", "-d", "stable")
    status = apps["tag"].until_reason("RefNotFound")
    assert "no tag stable" in {one["type"]: one for one in status["conditions"]}["Ready"]["message"]
    assert cluster.get("v1", "ConfigMap", "of-tag", namespace) == before

    second = repo.commit(files("2"))
    repo.tag("stable", at=second)
    apps["tag"].until_ready(second)
