"""A suspended repository rests entirely; one that is asked to looks at once."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness import identity
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Kubectl
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import RESOURCE, Repository
from e2e.harness.waiting import steadily
from e2e.scenes import head_lookups, managed_objects, manifests

LONG = "1h"


def test_while_suspended_nothing_is_fetched_and_nothing_written(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(["settings", "other"], colour="blue"))
    repository = git_repository()
    repository.until_ready(sha)
    repository.change(suspend=True)
    before = repository.until_reason("Suspended", kind="Suspended")
    mark, asked = audit.mark(), git_server.requests(repo.path.stem)
    repo.commit({**manifests.config_maps(["settings"], colour="red"), "other.yaml": None})
    cluster.delete("v1", "ConfigMap", "settings", repository.namespace)
    repository.annotate(reconcile="now")
    steadily(
        lambda: git_server.requests(repo.path.stem) == asked,
        seconds=4,
        message="no request to the Git server",
    )
    mine = [
        event for event in audit.writes(mark, identity.OPERATOR) if event.namespace == repository.namespace
    ]
    assert mine == []
    assert repository.status() == before


def test_a_suspended_repository_says_so_and_still_names_the_live_commit(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository()
    repository.until_ready(sha)
    repository.change(suspend=True)
    status = repository.until_reason("Suspended", kind="Suspended")
    assert repository.condition()["status"] == "True"
    assert status["commit"]["applied"] == sha
    assert [one["type"] for one in status["conditions"] if one["reason"] == "Suspended"] == ["Suspended"]
    assert sha[:7] in repository.condition("Suspended")["message"]


def test_a_resumed_repository_catches_up_at_once(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings", "other"], colour="blue"))
    repository = git_repository(interval=LONG)
    repository.until_ready(sha)
    repository.change(suspend=True)
    repository.until_reason("Suspended", kind="Suspended")
    sha = repo.commit({**manifests.config_maps(["settings"], colour="red"), "other.yaml": None})
    repository.change(suspend=False)
    repository.until_ready(sha)
    found = managed_objects.config_maps(cluster, repository)
    assert {name: body["data"]["colour"] for name, body in found.items()} == {"settings": "red"}


def test_what_was_changed_by_hand_while_suspended_is_repaired_after_it(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository = git_repository()
    repository.until_ready(sha)
    repository.change(suspend=True)
    repository.until_reason("Suspended", kind="Suspended")
    change = {"data": {"colour": "by hand"}}
    cluster.patch("v1", "ConfigMap", "settings", repository.namespace, change)
    repository.change(suspend=None)
    repository.until_ready(sha)
    assert managed_objects.config_maps(cluster, repository)["settings"]["data"] == {"colour": "blue"}


def test_a_repository_that_is_born_suspended_waits_until_it_is_resumed(
    operator: Operator, git_server: GitServer, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository(suspend=True)
    repository.until_reason("Suspended", kind="Suspended")
    assert git_server.requests(repo.path.stem) == ()
    assert "finalizers" not in repository.read()["metadata"]
    repository.change(suspend=False)
    repository.until_ready(sha)


def test_the_reconcile_annotation_looks_now_although_the_interval_is_an_hour(
    operator: Operator,
    kubectl: Kubectl,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository = git_repository(interval=LONG)
    repository.until_ready(sha)
    asked = git_server.requests(repo.path.stem)
    repo.commit(manifests.config_maps(["settings"], colour="red"))
    steadily(lambda: git_server.requests(repo.path.stem) == asked, seconds=3, message="no look")
    for colour in ("green", "yellow"):
        sha = repo.commit(manifests.config_maps(["settings"], colour=colour))
        place = (RESOURCE, repository.name, "-n", repository.namespace)
        kubectl("annotate", *place, "--overwrite", f"towline.dev/reconcile={colour}")
        repository.until_ready(sha)


def test_a_look_that_was_asked_for_and_finds_nothing_only_says_that_it_was_done(
    operator: Operator,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository(interval=LONG)
    repository.until_ready(sha)
    mark = audit.mark()
    for word in ("first", "second"):  # the second look begins when the pass of the first has ended
        with head_lookups.one_more(git_server, repo):
            repository.annotate(reconcile=word)
        repository.until(lambda status: status.get("lastHandledReconcile") == word, f"the look {word}")  # noqa: B023
    mine = [
        event for event in audit.writes(mark, identity.OPERATOR) if event.namespace == repository.namespace
    ]
    assert [event.subresource for event in mine] == ["status", "status"]
    assert len(repository.records()) == 1
