"""Moves at bad moments: the object is handed over, or it waits; it is never deleted and made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects, manifests

GitRepositories = Callable[..., Repository]

MOVING = manifests.text(manifests.config_map("moving", colour="blue"))
REFUSED = manifests.text(manifests.config_map("Refused_"))


@pytest.fixture
def pair(operator: Operator, repo: Repo, git_repository: GitRepositories) -> tuple[Repository, Repository]:
    """Two repositories of one url; the first owns the object that moves."""
    sha = repo.commit({"a/moving.yaml": MOVING, **own("a"), **own("b")})
    old, new = git_repository("old", path="a"), git_repository("new", path="b")
    old.until_ready(sha)
    new.until_ready(sha)
    return old, new


def own(folder: str) -> dict[str, str]:
    """What stays in a folder."""
    return {f"{folder}/own.yaml": manifests.text(manifests.config_map(f"own-{folder}"))}


def move(repo: Repo, **more: str) -> str:
    return repo.commit({"a/moving.yaml": None, "b/moving.yaml": MOVING, **more})


def uid(cluster: Cluster, namespace: str) -> str:
    found: str = cluster.get("v1", "ConfigMap", "moving", namespace)["metadata"]["uid"]
    return found


def owner(cluster: Cluster, namespace: str) -> str:
    labels = cluster.get("v1", "ConfigMap", "moving", namespace)["metadata"].get("labels") or {}
    return str(labels.get("towline.dev/repository", "")).partition(".")[2]


def belongs(cluster: Cluster, namespace: str, name: str) -> None:
    eventually(lambda: owner(cluster, namespace) == name, deadline=30, message=f"an object of {name!r}")


def test_an_object_waits_unowned_while_its_new_repository_is_refused(
    pair: tuple[Repository, Repository], cluster: Cluster, repo: Repo, namespace: str
) -> None:
    old, new = pair
    before = uid(cluster, namespace)
    sha = move(repo, **{"b/refused.yaml": REFUSED})
    new.until_reason("ApplyFailed")
    old.until_ready(sha)
    assert (uid(cluster, namespace), owner(cluster, namespace)) == (before, "")

    new.until_ready(repo.commit({"b/refused.yaml": None}))
    assert (uid(cluster, namespace), owner(cluster, namespace)) == (before, "new")


def test_an_object_stays_where_it_is_while_its_new_repository_cannot_be_built(
    pair: tuple[Repository, Repository], cluster: Cluster, repo: Repo, namespace: str
) -> None:
    old, new = pair
    before = uid(cluster, namespace)
    move(repo, **{"b/broken.yaml": "kind: [\n"})
    new.until_reason("BuildFailed")
    assert (uid(cluster, namespace), owner(cluster, namespace)) == (before, "old")

    sha = repo.commit({"b/broken.yaml": None})
    new.until_ready(sha)
    old.until_ready(sha)
    assert (uid(cluster, namespace), owner(cluster, namespace)) == (before, "new")


def test_an_object_that_moves_to_a_repository_under_observe_is_let_go_and_not_deleted(
    pair: tuple[Repository, Repository], cluster: Cluster, repo: Repo, namespace: str
) -> None:
    old, new = pair
    before = uid(cluster, namespace)
    new.change(mode="Observe")
    old.until_ready(move(repo))
    assert (uid(cluster, namespace), owner(cluster, namespace)) == (before, "")

    new.change(mode="Enforce")
    belongs(cluster, namespace, "new")
    assert uid(cluster, namespace) == before


def test_an_object_is_handed_on_by_a_repository_that_does_not_prune(
    pair: tuple[Repository, Repository], cluster: Cluster, repo: Repo, namespace: str
) -> None:
    old, new = pair
    before = uid(cluster, namespace)
    old.change(prune=False)
    sha = move(repo)
    new.until_ready(sha)
    old.until_ready(sha)
    assert (uid(cluster, namespace), owner(cluster, namespace)) == (before, "new")


def test_an_object_goes_from_hand_to_hand_through_three_repositories(
    pair: tuple[Repository, Repository],
    cluster: Cluster,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    sha = repo.commit(own("c"))
    git_repository("third", path="c").until_ready(sha)
    before = uid(cluster, namespace)
    repo.commit({"a/moving.yaml": None, "b/moving.yaml": MOVING})
    repo.commit({"b/moving.yaml": None, "c/moving.yaml": MOVING})
    belongs(cluster, namespace, "third")
    repo.commit({"c/moving.yaml": None, "a/moving.yaml": MOVING})
    belongs(cluster, namespace, "old")
    assert uid(cluster, namespace) == before


@pytest.mark.parametrize(
    "other", [{}, {"ref": {"name": "refs/heads/main"}}], ids=["the remote's HEAD", "the full name"]
)
def test_an_object_moves_there_and_back_between_repositories_that_name_the_same_branch_differently(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
    other: dict[str, Any],
) -> None:
    sha = repo.commit({"a/moving.yaml": MOVING, **own("a"), **own("b")})
    eager = git_repository("eager", path="a", ref={"branch": "main"}, interval="1s")
    lazy = git_repository("lazy", path="b", interval="10m", **other)
    eager.until_ready(sha)
    lazy.until_ready(sha)
    before = uid(cluster, namespace)

    sha = move(repo)
    eager.until_ready(sha)
    assert uid(cluster, namespace) == before
    lazy.until_ready(sha)
    assert (uid(cluster, namespace), owner(cluster, namespace)) == (before, "lazy")

    sha = repo.commit({"b/moving.yaml": None, "a/moving.yaml": MOVING})
    eager.until_ready(sha)
    lazy.until_ready(sha)
    assert (uid(cluster, namespace), owner(cluster, namespace)) == (before, "eager")


def test_a_prune_waits_for_no_repository_that_follows_another_branch(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    repo.commit({"b/next.yaml": manifests.text(manifests.config_map("next"))}, branch="next")
    sha = repo.commit({"a/moving.yaml": MOVING, **own("a")})
    app = git_repository("app", path="a")
    git_repository("next", path="b", ref={"branch": "next"}, interval="10m").until_reason("Succeeded")
    app.until_ready(sha)

    app.until_ready(repo.commit({"a/moving.yaml": None}), deadline=20)
    assert not [
        one for one in cluster.list("v1", "ConfigMap", namespace) if one["metadata"]["name"] == "moving"
    ]


def test_an_object_that_moves_while_the_operator_is_away_stays_the_same_object(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit({"a/moving.yaml": MOVING, **own("a"), **own("b")})
    old, new = git_repository("old", path="a"), git_repository("new", path="b")
    old.until_ready(sha)
    new.until_ready(sha)
    before = uid(cluster, namespace)
    operator.kill()
    mark = audit.mark()
    sha = move(repo)
    operator.start()
    new.until_ready(sha)
    old.until_ready(sha)
    assert (uid(cluster, namespace), owner(cluster, namespace)) == (before, "new")
    assert [event for event in managed_objects.writes(audit, mark, old) if event.verb == "delete"] == []
