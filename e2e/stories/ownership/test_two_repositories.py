"""Objects that two want to own, or that somebody else owns already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from e2e.harness import repositories
from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

pytestmark = pytest.mark.usefixtures("operator")

GitRepositories = Callable[..., Repository]

SHARED = {"colour": "blue"}


@pytest.fixture
def other_repo(git_server: GitServer, namespace: str) -> Repo:
    """Another Git repository."""
    return git_server.create(f"{namespace}-other")


@pytest.fixture
def first(operator: Operator, repo: Repo, namespace: str, git_repository: GitRepositories) -> Repository:
    """A repository that owns the ConfigMap `shared`."""
    sha = repo.commit({"shared.yaml": shared(namespace, **SHARED)})
    found = git_repository("first")
    found.until_ready(sha)
    return found


@pytest.mark.parametrize("colour", ["blue", "red"])
def test_a_second_repository_that_declares_an_object_is_refused_by_the_name_of_the_first(
    first: Repository, audit: AuditLog, other_repo: Repo, git_repository: GitRepositories, colour: str
) -> None:
    before = everything(first)
    mark = audit.mark()

    sha = other_repo.commit(
        {"shared.yaml": shared(first.namespace, colour=colour), **manifests.config_maps(["own"])}
    )
    status = git_repository("second", url=other_repo.url).until_reason("ApplyFailed")

    assert status["failures"] == [
        {
            "object": f"ConfigMap/{first.namespace}/shared",
            "ref": {"group": "", "kind": "ConfigMap", "namespace": first.namespace, "name": "shared"},
            "reason": "OwnedByAnother",
            "message": f"belongs to another GitRepository, {first.namespace}/first",
            "file": "shared.yaml",
            "line": 1,
            "commit": sha,
        }
    ]
    assert written(audit, mark, first.namespace) == []
    assert everything(first) == before


def test_without_preflight_the_second_repository_gets_its_other_objects(
    first: Repository, cluster: Cluster, audit: AuditLog, other_repo: Repo, git_repository: GitRepositories
) -> None:
    before = everything(first)
    mark = audit.mark()
    other_repo.commit(
        {"shared.yaml": shared(first.namespace, colour="red"), **manifests.config_maps(["own"])}
    )

    second = git_repository("second", url=other_repo.url, preflight=False)
    status = second.until_reason("ApplyFailed")

    assert [failure["reason"] for failure in status["failures"]] == ["OwnedByAnother"]
    assert cluster.find("v1", "ConfigMap", "own", first.namespace)
    assert {event.name for event in touched(audit, mark, first.namespace)} == {"own"}
    assert everything(first) == before


def test_repositories_of_two_namespaces_are_told_apart_although_they_have_one_name(
    first: Repository, cluster: Cluster, other_repo: Repo, elsewhere: str
) -> None:
    before = everything(first)
    other_repo.commit({"shared.yaml": shared(first.namespace, colour="red")})

    second = repositories.create(cluster, elsewhere, "first", url=other_repo.url)
    status = second.until_reason("ApplyFailed")

    [failure] = status["failures"]
    assert failure["reason"] == "OwnedByAnother"
    assert f"{first.namespace}/first" in failure["message"]
    assert everything(first) == before


def test_the_end_of_the_second_repository_leaves_the_object_of_the_first_alone(
    first: Repository, other_repo: Repo, git_repository: GitRepositories
) -> None:
    before = everything(first)
    other_repo.commit({"shared.yaml": shared(first.namespace), **manifests.config_maps(["own"])})
    second = git_repository("second", url=other_repo.url, preflight=False)
    second.until_reason("ApplyFailed")

    second.until_ready(other_repo.commit({"shared.yaml": None}))
    assert everything(first) == before
    second.delete()
    second.until_gone()

    assert everything(first) == before


def test_the_second_repository_creates_the_object_once_the_first_has_let_it_go(
    first: Repository, cluster: Cluster, repo: Repo, other_repo: Repo, git_repository: GitRepositories
) -> None:
    sha = other_repo.commit({"shared.yaml": shared(first.namespace, colour="red")})
    second = git_repository("second", url=other_repo.url)
    second.until_reason("ApplyFailed")

    first.until_ready(repo.commit({"shared.yaml": None, **manifests.config_maps(["own"])}))
    second.until_ready(sha)

    found = cluster.get("v1", "ConfigMap", "shared", first.namespace)
    assert found["data"] == {"colour": "red"}
    assert found["metadata"]["labels"] == {"towline.dev/repository": f"{first.namespace}.second"}


@pytest.mark.parametrize("preflight", [True, False])
def test_of_two_repositories_that_declare_an_object_at_the_same_time_exactly_one_gets_it(
    cluster: Cluster, repo: Repo, other_repo: Repo, git_repository: GitRepositories, *, preflight: bool
) -> None:
    both = [git_repository("one", suspend=True, preflight=preflight)]
    both += [git_repository("two", url=other_repo.url, suspend=True, preflight=preflight)]
    for source in (repo, other_repo):
        source.commit({"shared.yaml": shared(both[0].namespace, **SHARED)})
    for app in both:
        app.change(suspend=False)

    def settled() -> dict[str, str]:
        reasons = {app.condition()["reason"]: app.name for app in both}
        return reasons if reasons.keys() == {"Succeeded", "ApplyFailed"} else {}

    winner = eventually(settled, deadline=30, message="a winner")["Succeeded"]
    metadata = cluster.get("v1", "ConfigMap", "shared", both[0].namespace)["metadata"]
    assert metadata["labels"] == {"towline.dev/repository": f"{both[0].namespace}.{winner}"}
    managers = {entry["manager"] for entry in metadata["managedFields"]}
    assert managers == {f"towline:{both[0].namespace}/{winner}"}


@pytest.mark.parametrize("preflight", [True, False])
@pytest.mark.parametrize("colour", ["green", "red"], ids=["agreeing", "differing"])
def test_an_object_that_exists_and_is_not_ours_is_refused_and_not_touched(
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    colour: str,
    *,
    preflight: bool,
) -> None:
    app = git_repository(preflight=preflight, suspend=True, adopt="Never")
    cluster.kubectl("create", "configmap", "shared", "-n", app.namespace, "--from-literal=colour=green")
    theirs = cluster.get("v1", "ConfigMap", "shared", app.namespace)
    mark = audit.mark()

    sha = repo.commit({"shared.yaml": shared(app.namespace, colour=colour), **manifests.config_maps(["own"])})
    app.change(suspend=False)
    status = app.until_reason("ApplyFailed")

    [failure] = status["failures"]
    assert (failure["reason"], failure["object"]) == ("NotOurs", f"ConfigMap/{app.namespace}/shared")
    assert (failure["file"], failure["line"], failure["commit"]) == ("shared.yaml", 1, sha)
    assert "kubectl-create" in failure["message"]
    assert {event.name for event in touched(audit, mark, app.namespace)} == (set() if preflight else {"own"})
    assert cluster.get("v1", "ConfigMap", "shared", app.namespace) == theirs


def test_an_object_to_which_somebody_added_our_label_is_not_ours(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    body = manifests.config_map("shared", namespace, colour="green")
    body["metadata"]["labels"] = {"towline.dev/repository": f"{namespace}.app"}
    theirs = cluster.create(body)

    repo.commit({"shared.yaml": shared(namespace, colour="red")})
    status = git_repository(adopt="Never").until_reason("ApplyFailed")

    [failure] = status["failures"]
    assert failure["reason"] == "NotOurs"
    assert "no Apply entry of towline:" in failure["message"]
    assert cluster.get("v1", "ConfigMap", "shared", namespace) == theirs


def test_an_object_that_was_in_the_way_is_created_from_git_once_its_owner_removed_it(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    cluster.create(manifests.config_map("shared", namespace, colour="green"))
    sha = repo.commit({"shared.yaml": shared(namespace, colour="red")})
    app = git_repository(adopt="Never")
    app.until_reason("ApplyFailed")

    cluster.delete("v1", "ConfigMap", "shared", namespace)
    app.until_ready(sha)

    assert cluster.get("v1", "ConfigMap", "shared", namespace)["data"] == {"colour": "red"}


@pytest.mark.parametrize("policy", ["Delete", "Orphan"])
def test_the_deletion_of_a_repository_leaves_an_object_that_it_was_refused_alone(
    cluster: Cluster,
    repo: Repo,
    git_repository: GitRepositories,
    policy: str,
) -> None:
    app = git_repository(preflight=False, deletionPolicy=policy, adopt="Never")
    theirs = cluster.create(manifests.config_map("shared", app.namespace, colour="green"))
    repo.commit({"shared.yaml": shared(app.namespace, colour="red"), **manifests.config_maps(["own"])})
    app.until_reason("ApplyFailed")

    app.delete()
    app.until_gone()

    assert cluster.get("v1", "ConfigMap", "shared", app.namespace) == theirs
    assert bool(cluster.find("v1", "ConfigMap", "own", app.namespace)) == (policy == "Orphan")


def shared(namespace: str, **entries: str) -> str:
    """Return a file that declares the ConfigMap `shared` in this namespace."""
    return manifests.text(manifests.config_map("shared", namespace, **entries))


def everything(first: Repository) -> tuple[Object, Any, list[Object]]:
    """Return the shared object, the resource of its owner, and its records."""
    shared_object = first.cluster.get("v1", "ConfigMap", "shared", first.namespace)
    return shared_object, first.read(), first.records()


def written(audit: AuditLog, mark: Mark, namespace: str) -> list[str]:
    """Return what the operator wrote in a namespace, but for records, events and the repositories."""
    return [str(event) for event in touched(audit, mark, namespace)]


def touched(audit: AuditLog, mark: Mark, namespace: str) -> list[AuditEvent]:
    """Return the requests by which the operator wrote what is managed, or tried to."""
    own = {"gitrepositories", "syncrecords", "events"}
    return [
        event
        for event in audit.writes(mark, "towline")
        if event.namespace == namespace and event.resource not in own
    ]
