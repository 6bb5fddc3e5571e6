"""What leaves Git leaves the cluster; what only moves within Git is not touched."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import BOB, Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import head_lookups, managed_objects, manifests

NAMES = ("first", "second", "third")


def test_a_removed_file_deletes_its_object_and_nothing_else(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    before = managed_objects.config_maps(cluster, repository)
    mark = audit.mark()
    repository.until_ready(repo.commit({"second.yaml": None}))
    (write,) = managed_objects.writes(audit, mark, repository)
    assert (write.verb, write.name, write.code) == ("delete", "second", 200)
    assert managed_objects.config_maps(cluster, repository) == {
        name: before[name] for name in ("first", "third")
    }


def test_a_prune_deletes_exactly_the_object_that_was_decided_on(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    known = managed_objects.config_maps(cluster, repository)["second"]["metadata"]
    mark = audit.mark()
    repository.until_ready(repo.commit({"second.yaml": None}))
    (write,) = managed_objects.writes(audit, mark, repository)
    assert write.body["propagationPolicy"] == "Background"
    assert write.body["preconditions"] == {"uid": known["uid"], "resourceVersion": known["resourceVersion"]}


def test_the_record_of_a_prune_tells_who_removed_it_and_where_it_stood_last(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(first)
    second = repo.commit({"second.yaml": None}, message="Drop the second", author=BOB)
    repository.until_ready(second)
    record = repository.records()[-1]
    (commit,) = record["spec"]["commits"]
    assert (commit["sha"], commit["author"]["name"], commit["subject"]) == (
        second,
        BOB.name,
        "Drop the second",
    )
    (change,) = record["spec"]["changes"]
    assert change["object"] == f"ConfigMap/{repository.namespace}/second"
    assert (change["action"], change["file"], change["commit"]) == ("prune", "second.yaml", first)
    assert "second" in repo.git("show", f"{change['commit']}:{change['file']}")
    assert (record["status"]["outcome"], record["status"]["counts"]["pruned"]) == ("Succeeded", 1)


def test_one_document_removed_from_a_file_deletes_its_object_alone(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    bodies = [manifests.config_map(name) for name in NAMES]
    sha = repo.commit({"all.yaml": manifests.text(*bodies)})
    repository = git_repository()
    repository.until_ready(sha)
    mark = audit.mark()
    repository.until_ready(repo.commit({"all.yaml": manifests.text(bodies[0], bodies[2])}))
    assert [(write.verb, write.name) for write in managed_objects.writes(audit, mark, repository)] == [
        ("delete", "second")
    ]
    assert set(managed_objects.config_maps(cluster, repository)) == {"first", "third"}


def test_a_renamed_file_touches_nothing(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    before = managed_objects.config_maps(cluster, repository)
    mark = audit.mark()
    repository.until_ready(repo.rename("second.yaml", "moved/elsewhere.yml"))
    assert managed_objects.writes(audit, mark, repository) == []
    assert managed_objects.config_maps(cluster, repository) == before


def test_objects_that_move_to_other_files_are_not_touched_and_still_name_where_git_shows_them(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    before = managed_objects.config_maps(cluster, repository)
    mark = audit.mark()
    together = manifests.text(*(manifests.config_map(name) for name in reversed(NAMES)))
    repository.until_ready(repo.commit({**dict.fromkeys(manifests.config_maps(NAMES)), "all.yaml": together}))
    assert managed_objects.writes(audit, mark, repository) == []
    after = managed_objects.config_maps(cluster, repository)
    assert after == before
    for name, body in after.items():
        notes = body["metadata"]["annotations"]
        shown = repo.git("show", f"{notes['towline.dev/commit']}:{notes['towline.dev/source']}")
        assert yaml.safe_load(shown)["metadata"]["name"] == name


def test_a_commit_that_changes_no_object_is_applied_without_a_record_and_rides_in_the_next(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    quiet = repo.commit({"README.md": "Hello"}, message="Say hello")
    repository.until_ready(quiet)
    assert len(repository.records()) == 1
    loud = repo.commit({"third.yaml": None})
    repository.until_ready(loud)
    commits = repository.records()[-1]["spec"]["commits"]
    assert [commit["sha"] for commit in commits] == [loud, quiet]


def test_an_object_that_comes_back_is_created_again(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    before = managed_objects.config_maps(cluster, repository)["second"]
    repository.until_ready(repo.commit({"second.yaml": None}))
    again = repo.commit(manifests.config_maps(["second"]))
    repository.until_ready(again)
    after = managed_objects.config_maps(cluster, repository)["second"]
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["metadata"]["annotations"]["towline.dev/commit"] == again


def test_an_object_that_a_finalizer_holds_is_deleted_once_and_holds_up_nothing(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(["held", "stays"]))
    app = git_repository()
    app.until_ready(sha)
    hold = {"metadata": {"finalizers": ["example.com/hold"]}}
    cluster.patch("v1", "ConfigMap", "held", app.namespace, hold, manager="backup")
    mark = audit.mark()
    app.until_ready(repo.commit({"held.yaml": None}))
    pruned = app.records()[-1]["status"]
    assert (pruned["counts"]["deleting"], pruned["counts"]["pruned"]) == (1, 0)
    assert [(each["reason"], each["message"]) for each in pruned["failures"]] == [
        ("Terminating", "is being deleted, and waits for finalizer example.com/hold (set by backup)")
    ]
    app.until_ready(repo.commit(manifests.config_maps(["stays"], colour="blue")))
    head_lookups.wait(git_server, repo, times=2)
    deletions = [event for event in managed_objects.writes(audit, mark, app) if event.verb == "delete"]
    assert [(event.name, event.code) for event in deletions] == [("held", 200)]
    cluster.patch("v1", "ConfigMap", "held", app.namespace, {"metadata": {"finalizers": None}})
    cluster.until_gone("v1", "ConfigMap", "held", app.namespace)


def test_what_may_never_be_pruned_stays_and_the_status_names_it(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    precious = manifests.config_map("precious")
    precious["metadata"]["annotations"] = {"towline.dev/prune": "Disabled"}
    sha = repo.commit({**manifests.config_maps(["first"]), "precious.yaml": manifests.text(precious)})
    repository = git_repository()
    repository.until_ready(sha)
    assert "left Git" not in repository.condition()["message"]
    repository.until_ready(repo.commit({"precious.yaml": None}))
    name = f"ConfigMap {repository.namespace}/precious"
    said = f"1 object; 1 object left Git: {name} (kept: it is annotated towline.dev/prune: disabled)"
    assert repository.condition()["message"].endswith(said)
    assert set(managed_objects.config_maps(cluster, repository)) == {"first", "precious"}
