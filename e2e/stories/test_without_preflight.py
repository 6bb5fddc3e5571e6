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
from e2e.stories import faulty, manifests, obstacles

GitRepositories = Callable[..., Repository]


def test_without_preflight_the_good_objects_are_applied_and_all_others_reported(
    limited: Operator,
    cluster: Cluster,
    audit: AuditLog,
    namespace: str,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    files = {**faulty.GOOD, **faulty.BAD, **faulty.HINDERED}
    mark = audit.mark()
    obstacles.limit_services(cluster, namespace, 0)
    repo.commit(files)
    with obstacles.denying(cluster, namespace, faulty.GENTLE, "'a bad mood'"):
        app = git_repository(preflight=False)
        status = app.until_reason("ApplyFailed")

    assert faulty.places(status) == faulty.marks(files)
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
    repo.commit({**faulty.GOOD, "bad/elsewhere.yaml": faulty.BAD["bad/elsewhere.yaml"]})
    app = git_repository(preflight=False)
    faulty.until_tried(app, 3)
    records = app.records()

    faulty.until_tried(app, 4)

    assert app.records() == records


def test_without_preflight_what_waits_for_a_refused_object_leaves_no_more_records_either(
    limited: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    there = f"{namespace}-there"
    inside = {"inside.yaml": manifests.text(manifests.config_map("inside", there))}
    repo.commit({**faulty.GOOD, **inside, "there.yaml": manifests.text(manifests.namespace(there))})
    app = git_repository(preflight=False)
    faulty.until_tried(app, 3)
    records = app.records()

    faulty.until_tried(app, 4)

    assert faulty.said(app.status(), "Forbidden")
    assert app.records() == records


def test_what_was_applied_beside_a_refused_object_is_pruned_when_it_leaves_git(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({**faulty.GOOD, "bad/elsewhere.yaml": faulty.BAD["bad/elsewhere.yaml"]})
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
    repo.commit({**faulty.GOOD, "bad/elsewhere.yaml": faulty.BAD["bad/elsewhere.yaml"]})
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
    repo.commit({**faulty.GOOD, "unknown.yaml": faulty.UNKNOWN_FIELDS})
    status = git_repository(preflight=False).until_reason("ApplyFailed")

    assert faulty.places(status) == faulty.marks({"unknown.yaml": faulty.UNKNOWN_FIELDS})


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
