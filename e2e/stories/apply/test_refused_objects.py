"""Objects that the cluster refuses, beside good ones."""

from __future__ import annotations

import re
from collections.abc import Callable

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import bad_files, cluster_limits, manifests

GitRepositories = Callable[..., Repository]


def test_all_refused_objects_are_reported_at_once_with_reason_file_and_line(
    limited: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    files = {**bad_files.GOOD, **bad_files.BAD, **bad_files.HINDERED}
    sha = repo.commit(files)
    cluster_limits.limit_services(cluster, namespace, 0)
    with cluster_limits.denying(
        cluster, namespace, bad_files.GENTLE, "'a bad mood in ' + object.metadata.name"
    ):
        status = git_repository().until_reason("ApplyFailed")

    assert bad_files.places(status) == bad_files.marks(files)
    assert status["failuresTotal"] == len(bad_files.marks(files))
    assert {failure["commit"] for failure in status["failures"]} == {sha}
    assert {failure["object"] for failure in status["failures"]} == {
        f"Deployment.apps/{namespace}/unknown",
        f"Deployment.apps/{namespace}/value",
        f"ConfigMap/{namespace}/Upper_Case",
        "Nothing.no.example/kind",
        "ConfigMap/nowhere-to-be-found/elsewhere",
        f"Service/{namespace}/quota",
        f"ConfigMap/{namespace}/policy",
        f"NetworkPolicy.networking.k8s.io/{namespace}/rights",
    }
    [forbidden] = bad_files.said(status, "Forbidden")
    assert "Towline may not manage networkpolicies: add get, list, watch, create, patch, delete" in forbidden
    [quota] = bad_files.said(status, "QuotaExceeded")
    assert "exceeded quota: few, requested: services=1" in quota
    [policy] = bad_files.said(status, "AdmissionDenied")
    assert "a bad mood in policy" in policy
    [nowhere] = bad_files.said(status, "NamespaceNotFound")
    assert nowhere == "Namespace nowhere-to-be-found does not exist"


def test_nothing_is_written_while_one_object_is_refused(
    operator: Operator, cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    mark = audit.mark()
    repo.commit({**bad_files.GOOD, "bad/value.yaml": bad_files.BAD["bad/value.yaml"]})

    app = git_repository()
    app.until_reason("ApplyFailed")
    bad_files.until_tried(app, 2)

    assert bad_files.written(audit, mark, app.namespace) == []
    assert cluster.find("v1", "ConfigMap", "settings", app.namespace) is None
    assert app.commit("applied") == ""
    assert "finalizers" not in app.read()["metadata"]


def test_an_object_that_is_live_stays_as_it_was_when_its_change_is_refused(
    operator: Operator, cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    first = repo.commit({**bad_files.GOOD, "old.yaml": manifests.text(manifests.config_map("old"))})
    app = git_repository()
    app.until_ready(first)
    mark = audit.mark()
    other = manifests.deployment("web")
    other["spec"]["selector"]["matchLabels"] = {"app": "other"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}

    sha = repo.commit(
        {
            "good/web.yaml": manifests.text(other),
            "good/settings.yaml": manifests.text(manifests.config_map("settings", colour="red")),
            "old.yaml": None,
        }
    )
    status = app.until_reason("ApplyFailed")

    assert bad_files.said(status, "ImmutableField")
    assert (status["commit"]["attempted"], status["commit"]["applied"]) == (sha, first)
    assert bad_files.written(audit, mark, app.namespace) == []
    assert cluster.get("v1", "ConfigMap", "settings", app.namespace)["data"] == {"colour": "blue"}
    assert cluster.find("v1", "ConfigMap", "old", app.namespace)


def test_a_refused_revision_leaves_one_failed_record_however_often_and_by_whom_it_is_tried(
    private_operator: Callable[..., Operator], cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit({**bad_files.GOOD, "bad/elsewhere.yaml": bad_files.BAD["bad/elsewhere.yaml"]})

    app = git_repository()
    status = app.until_reason("ApplyFailed")
    bad_files.until_tried(app, 3)
    operator.restart()
    eventually(lambda: bad_files.tries(app) == 2, deadline=30, message="the new process counts its own tries")

    [record] = app.records()
    assert status["lastRecord"] == record["metadata"]["name"]
    assert (record["spec"]["to"], record["spec"].get("changes", [])) == (sha, [])
    assert record["status"]["outcome"] == "Failed"
    [failure] = record["status"]["failures"]
    assert failure["reason"] == "NamespaceNotFound"
    assert failure["message"].startswith("ConfigMap/nowhere-to-be-found/elsewhere: ")
    assert len(warnings(cluster, app)) == 1


def test_of_many_refused_objects_the_status_names_ten_and_counts_all_which_the_record_names(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit(manifests.config_maps([f"Bad-{number}" for number in range(12)]))
    app = git_repository()
    status = app.until_reason("ApplyFailed")

    assert (len(status["failures"]), status["failuresTotal"], status["objects"]["failed"]) == (10, 12, 12)
    assert len(app.records()[0]["status"]["failures"]) == 12


def test_the_fix_applies_everything(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({**bad_files.GOOD, **bad_files.BAD})
    app = git_repository()
    app.until_reason("ApplyFailed")

    bad = manifests.config_maps(["unknown", "value"])
    fix = repo.commit({"bad": None, **bad})
    status = app.until_ready(fix)

    assert status["objects"]["synced"] == status["objects"]["declared"] == 4
    assert not {"failures", "failuresTotal"} & status.keys()
    assert [record["status"]["outcome"] for record in app.records()] == ["Failed", "Succeeded"]
    assert cluster.find("apps/v1", "Deployment", "web", app.namespace)


def test_what_is_a_matter_of_time_is_applied_when_the_time_has_come(
    operator: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    cluster_limits.limit_services(cluster, namespace, 0)
    sha = repo.commit({"web.yaml": manifests.text(manifests.service("web"))})
    app = git_repository()
    app.until_reason("ApplyFailed")

    cluster.delete("v1", "ResourceQuota", "few", namespace)
    app.until_ready(sha)

    assert cluster.find("v1", "Service", "web", namespace)


def test_what_a_quota_has_no_room_for_together_is_refused_before_anything_is_written(
    operator: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    cluster_limits.limit(cluster, namespace, "count/services", 2)
    names = ("one", "three", "two")
    sha = repo.commit({f"{name}.yaml": manifests.text(manifests.service(name)) for name in names})
    app = git_repository()
    status = app.until_reason("ApplyFailed")

    [failure] = status["failures"]
    assert (failure["object"], failure["file"]) == (f"Service/{namespace}/two", "two.yaml")
    assert failure["message"] == (
        "quota few allows 2 of count/services, 0 are used, and what this commit creates needs 3"
    )
    assert "0 of 3 objects written. Raise the quota, or ask for less" in app.condition()["message"]
    assert [cluster.find("v1", "Service", name, namespace) for name in names] == [None] * 3
    assert app.records()[0]["status"]["outcome"] == "Failed"
    cluster.patch("v1", "ResourceQuota", "few", namespace, {"spec": {"hard": {"count/services": "3"}}})
    app.until_ready(sha)


def test_what_only_the_writes_before_it_make_too_much_is_refused_as_it_is_written(
    operator: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    cluster_limits.limit(cluster, namespace, "services.nodeports", 1)
    services = [manifests.service(name) for name in ("one", "two")]
    sha = repo.commit(
        {
            f"{body['metadata']['name']}.yaml": manifests.text(
                {**body, "spec": {**body["spec"], "type": "NodePort"}}
            )
            for body in services
        }
    )
    app = git_repository()
    status = app.until_reason("ApplyFailed")
    assert ". 1 of 2 objects written. " in app.condition()["message"]

    [failure] = status["failures"]
    assert (failure["reason"], failure["line"]) == ("QuotaExceeded", 1)
    assert status["objects"] == {"declared": 2, "synced": 1, "failed": 1, "healthy": 1}
    assert app.records()[0]["status"]["outcome"] == "Partial"
    cluster.delete("v1", "ResourceQuota", "few", namespace)
    app.until_ready(sha)


def test_a_kind_that_the_operator_may_not_see_is_reported_with_file_and_line_like_any_other_refusal(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    files = {**bad_files.GOOD, **bad_files.HINDERED, "bad/value.yaml": bad_files.BAD["bad/value.yaml"]}
    repo.commit({**files, "bad/more.yaml": bad_files.HINDERED["bad/more.yaml"].split("---\n")[2]})
    everything_else = {"apiGroups": ["", "apps", "apiextensions.k8s.io"], **cluster_limits.ALL}
    with cluster_limits.rights(cluster, namespace, "limited", [everything_else, cluster_limits.OWN_KINDS]):
        private_operator(user="limited").start()
        app = git_repository(preflight=False)
        status = app.until_reason("ApplyFailed")

    assert bad_files.places(status) == {
        ("bad/more.yaml", 1, "Forbidden"),
        *bad_files.marks({"bad/value.yaml": bad_files.BAD["bad/value.yaml"]}),
    }
    assert (
        "Towline may not manage networkpolicies: add get, list, watch"
        in bad_files.said(status, "Forbidden")[0]
    )
    assert cluster.find("apps/v1", "Deployment", "web", namespace)


def test_every_unknown_field_of_an_object_is_named_with_its_line(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({"unknown.yaml": bad_files.UNKNOWN_FIELDS})
    status = git_repository().until_reason("ApplyFailed")

    assert bad_files.places(status) == bad_files.marks({"unknown.yaml": bad_files.UNKNOWN_FIELDS})
    words = bad_files.said(status, "UnknownField")
    assert all(any(field in word for word in words) for field in ("lables", "replcas", "pullPolicy"))


def test_every_unknown_field_of_a_live_object_is_named_with_its_line(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({"unknown.yaml": re.sub(r".*  # UnknownField\n", "", bad_files.UNKNOWN_FIELDS)})
    app = git_repository()
    app.until_reason("Succeeded")

    repo.commit({"unknown.yaml": bad_files.UNKNOWN_FIELDS})
    status = app.until_reason("ApplyFailed")

    assert bad_files.places(status) == bad_files.marks({"unknown.yaml": bad_files.UNKNOWN_FIELDS})


def test_unknown_fields_and_wrong_types_of_one_object_are_reported_together_and_once(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({"mixed.yaml": bad_files.MIXED})
    app = git_repository()
    app.until_reason("ApplyFailed")
    bad_files.until_tried(app, 4)

    assert bad_files.places(app.status()) == bad_files.marks({"mixed.yaml": bad_files.MIXED})
    assert app.status()["objects"]["failed"] == 1
    [record] = app.records()
    assert record["status"]["counts"]["failed"] == 1
    assert len(record["status"]["failures"]) == len(bad_files.marks({"mixed.yaml": bad_files.MIXED}))


def warnings(cluster: Cluster, app: Repository) -> list[Object]:
    """Return the warnings about a repository."""
    events = cluster.list("v1", "Event", app.namespace)
    return [
        each for each in events if each["type"] == "Warning" and each["involvedObject"]["name"] == app.name
    ]
