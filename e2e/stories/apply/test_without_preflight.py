"""Objects that the cluster refuses where `spec.preflight` is false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from e2e.harness import identity
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import bad_files, cluster_limits, manifests

GitRepositories = Callable[..., Repository]


def test_without_preflight_the_good_objects_are_applied_and_all_others_reported(
    limited: Operator,
    cluster: Cluster,
    audit: AuditLog,
    namespace: str,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    files = {**bad_files.GOOD, **bad_files.BAD, **bad_files.HINDERED}
    mark = audit.mark()
    cluster_limits.limit_services(cluster, namespace, 0)
    repo.commit(files)
    with cluster_limits.denying(cluster, namespace, bad_files.GENTLE, "'a bad mood'"):
        app = git_repository(preflight=False)
        status = app.until_reason("ApplyFailed")

    assert bad_files.places(status) == bad_files.marks(files)
    assert status["objects"].items() >= {"declared": 10, "synced": 2, "failed": 8}.items()
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"colour": "blue"}
    assert cluster.find("apps/v1", "Deployment", "web", namespace)
    assert app.commit("applied") == ""
    assert app.records()[0]["status"]["outcome"] == "Partial"
    assert {event.name for event in audit.writes(mark, "limited") if event.resource == "configmaps"} >= {
        "settings",
        "policy",
    }


def test_without_preflight_retries_that_end_the_same_way_leave_no_more_records(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({**bad_files.GOOD, "bad/elsewhere.yaml": bad_files.BAD["bad/elsewhere.yaml"]})
    app = git_repository(preflight=False)
    bad_files.until_tried(app, 3)
    records = app.records()

    bad_files.until_tried(app, 4)

    assert app.records() == records


def test_without_preflight_what_waits_for_a_refused_object_leaves_no_more_records_either(
    limited: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    there = f"{namespace}-there"
    inside = {"inside.yaml": manifests.text(manifests.config_map("inside", there))}
    repo.commit({**bad_files.GOOD, **inside, "there.yaml": manifests.text(manifests.namespace(there))})
    app = git_repository(preflight=False)
    bad_files.until_tried(app, 3)
    records = app.records()

    bad_files.until_tried(app, 4)

    assert bad_files.said(app.status(), "Forbidden")
    assert app.records() == records


def test_what_was_applied_beside_a_refused_object_is_pruned_when_it_leaves_git(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({**bad_files.GOOD, "bad/elsewhere.yaml": bad_files.BAD["bad/elsewhere.yaml"]})
    app = git_repository(preflight=False)
    app.until_reason("ApplyFailed")

    repo.commit({"good/web.yaml": None})
    app.until(lambda status: status["objects"]["declared"] == 2, "the next commit")
    assert cluster.find("apps/v1", "Deployment", "web", app.namespace), (
        "a prune needs a plan without refusals"
    )
    fix = repo.commit({"bad/elsewhere.yaml": None})
    app.until_ready(fix)

    assert cluster.find("apps/v1", "Deployment", "web", app.namespace) is None
    assert cluster.find("v1", "ConfigMap", "settings", app.namespace)


def test_what_was_applied_beside_a_refused_object_is_found_again_after_a_restart(
    private_operator: Callable[..., Operator], cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    operator = private_operator()
    operator.start()
    repo.commit({**bad_files.GOOD, "bad/elsewhere.yaml": bad_files.BAD["bad/elsewhere.yaml"]})
    app = git_repository(preflight=False)
    app.until_reason("ApplyFailed")
    operator.kill()

    fix = repo.commit({"bad/elsewhere.yaml": None, "good/web.yaml": None})
    operator.start()
    app.until_ready(fix)

    assert cluster.find("apps/v1", "Deployment", "web", app.namespace) is None


def test_without_preflight_every_unknown_field_is_named_too(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({**bad_files.GOOD, "unknown.yaml": bad_files.UNKNOWN_FIELDS})
    status = git_repository(preflight=False).until_reason("ApplyFailed")

    assert bad_files.places(status) == bad_files.marks({"unknown.yaml": bad_files.UNKNOWN_FIELDS})


def test_without_preflight_only_objects_that_exist_are_read_and_adopted_with_their_old_values(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    namespace: str,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    names = [f"settings-{number:02}" for number in range(60)]
    cluster.create(manifests.config_map("settings-07", namespace, colour="red"))
    sha = repo.commit(manifests.config_maps(names, colour="blue"))
    mark = audit.mark()
    app = git_repository(preflight=False)
    app.until_ready(sha)

    asked = [event for event in audit.since(mark) if event.user == identity.OPERATOR]
    about = [event for event in asked if event.resource == "configmaps" and event.namespace == namespace]
    assert [event.name for event in about if event.verb == "get"] == ["settings-07"]
    assert Counter(event.verb for event in about) == {"list": 1, "get": 1, "patch": 60}
    record = app.records()[0]
    assert record["status"]["counts"]["created"] == 59
    (adopted,) = [change for change in record["spec"]["changes"] if change["action"] == "adopt"]
    assert adopted["fields"][0] == {"path": "/data/colour", "old": "red", "new": "blue"}


def test_many_objects_in_a_namespace_of_the_same_commit_cost_one_request_each_and_one_list(
    operator: Operator, audit: AuditLog, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    there = f"{namespace}-there"
    maps = [manifests.config_map(f"settings-{number:02}", there) for number in range(60)]
    sha = repo.commit({"all.yaml": manifests.text(manifests.namespace(there), *maps)})
    mark = audit.mark()
    git_repository().until_ready(sha)

    asked = [event for event in audit.since(mark) if event.user == identity.OPERATOR]
    about = [event for event in asked if event.resource == "configmaps" and event.namespace == there]
    assert Counter(event.verb for event in about) == {"list": 1, "patch": 60}
