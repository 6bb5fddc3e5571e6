"""A suspended repository rests entirely; one that is asked to looks at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from towline import text

from e2e.harness import identity
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Kubectl
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import RESOURCE, Repository
from e2e.harness.waiting import eventually, steadily
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


def test_a_suspension_by_annotation_ends_by_itself_and_is_told_at_both_ends(
    operator: Operator, kubectl: Kubectl, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository = git_repository(interval=LONG)
    repository.until_ready(sha)
    repository.annotate(suspend="until=tomorrow")  # cannot be read: it suspends nothing
    repository.until(lambda status: "suspension" in status, "the annotation is named")
    assert repository.condition("Suspended")["status"] == "False"
    repository.annotate(suspend="reason=release freeze, by=ada")
    status = repository.until_reason("Suspended", kind="Suspended")
    assert status["suspension"] == {"source": "Annotation", "reason": "release freeze", "by": "ada"}
    sha = repo.commit(manifests.config_maps(["settings"], colour="red"))
    until = text.timestamp(datetime.now(UTC) + timedelta(seconds=3))
    repository.annotate(suspend=f"until={until}, reason=release freeze, by=ada", reconcile="now")
    repository.until_ready(sha)  # although the interval is an hour
    assert datetime.now(UTC) >= datetime.fromisoformat(until)
    assert repository.condition("Suspended")["message"] == f"The suspension ended at its time, {until}"
    place = ("-n", repository.namespace)
    wide = kubectl("get", RESOURCE, repository.name, *place, "-o", "wide").splitlines()
    assert (wide[0].split()[-1], wide[1].split()[-1]) == ("SUSPENDED", "False")

    def told() -> set[str]:
        return set(kubectl("get", "events", *place, "-o", "jsonpath={.items[*].reason}").split())

    eventually(lambda: told() >= {"SuspendAnnotationInvalid", "Suspended", "Resumed"}, message="Events")
