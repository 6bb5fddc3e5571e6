"""Objects that the cluster refuses where `spec.preflight` is false."""

from __future__ import annotations

from collections.abc import Callable

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
    assert status["objects"] == {"declared": 10, "synced": 2, "failed": 8}
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
