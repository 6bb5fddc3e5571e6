"""Objects that existed before Git declared them: adopted with everything that they are, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

pytestmark = pytest.mark.usefixtures("operator")

GitRepositories = Callable[..., Repository]

Maker = Callable[[Cluster, str, Object], None]


def by_create(cluster: Cluster, _namespace: str, body: Object) -> None:
    cluster.kubectl("create", "-f", "-", stdin=manifests.text(body))


def by_apply(cluster: Cluster, _namespace: str, body: Object) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=manifests.text(body))


def by_server_side_apply(cluster: Cluster, _namespace: str, body: Object) -> None:
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=manifests.text(body))


def by_a_program(cluster: Cluster, _namespace: str, body: Object) -> None:
    cluster.create(body)


def by_flux_before(cluster: Cluster, _namespace: str, body: Object) -> None:
    """What Flux leaves behind where its labels were taken off."""
    cluster.kubectl(
        "apply",
        "--server-side",
        "--field-manager=kustomize-controller",
        "-f",
        "-",
        stdin=manifests.text(body),
    )


def without_entries(cluster: Cluster, namespace: str, body: Object) -> None:
    cluster.create(body)
    cleared = '[{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]'
    name = body["metadata"]["name"]
    cluster.kubectl("patch", "configmap", name, "-n", namespace, "--type=json", "-p", cleared)


MAKERS = [by_create, by_apply, by_server_side_apply, by_a_program, by_flux_before, without_entries]

TOOLS = {
    "flux": {
        "labels": {
            "kustomize.toolkit.fluxcd.io/name": "apps",
            "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        }
    },
    "argo": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/settings"}},
    "helm": {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "prod"},
    },
}


def settings(namespace: str, **entries: str) -> Object:
    return manifests.config_map("settings", namespace, **entries)


def live(cluster: Cluster, namespace: str) -> Object:
    return cluster.get("v1", "ConfigMap", "settings", namespace)


@pytest.mark.parametrize("preflight", [True, False], ids=["preflight", "no preflight"])
@pytest.mark.parametrize("make", MAKERS)
def test_an_object_is_adopted_whoever_made_it_and_follows_git_from_then_on(
    cluster: Cluster,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
    make: Maker,
    *,
    preflight: bool,
) -> None:
    make(cluster, namespace, settings(namespace, same="1", other="theirs", undeclared="kept"))
    cluster.kubectl("annotate", "configmap", "settings", "-n", namespace, "example.com/note=theirs")
    before = live(cluster, namespace)

    sha = repo.commit({"a.yaml": manifests.text(settings(namespace, same="1", other="ours", new="1"))})
    app = git_repository(preflight=preflight)
    app.until_ready(sha)

    adopted = live(cluster, namespace)
    assert adopted["metadata"]["uid"] == before["metadata"]["uid"]
    assert adopted["data"] == {"same": "1", "other": "ours", "new": "1", "undeclared": "kept"}
    assert adopted["metadata"]["annotations"]["example.com/note"] == "theirs"
    assert actions(app) == ["adopt"]
    assert app.records()[-1]["status"]["counts"]["adopted"] == 1

    sha = repo.commit({"a.yaml": manifests.text(settings(namespace, other="ours"))})
    app.until_ready(sha)
    assert live(cluster, namespace)["data"] == {"other": "ours", "undeclared": "kept"}

    app.until_ready(repo.commit({"a.yaml": None, "b.yaml": manifests.text(manifests.config_map("b"))}))
    assert not cluster.find("v1", "ConfigMap", "settings", namespace)


@pytest.mark.parametrize("preflight", [True, False], ids=["preflight", "no preflight"])
def test_where_adoption_needs_consent_the_rival_and_the_fields_are_named(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str, *, preflight: bool
) -> None:
    by_create(cluster, namespace, settings(namespace, same="1", other="theirs"))
    before = live(cluster, namespace)

    sha = repo.commit({"a.yaml": manifests.text(settings(namespace, same="1", other="ours"))})
    app = git_repository(adopt="IfNoConflict", preflight=preflight)
    status = app.until_reason("ApplyFailed")

    (failure,) = status["failures"]
    assert (failure["reason"], failure["file"], failure["commit"]) == ("Conflict", "a.yaml", sha)
    assert "kubectl-create" in failure["message"]
    assert ".data.other" in failure["message"]
    assert live(cluster, namespace) == before

    app.until_ready(repo.commit({"a.yaml": manifests.text(settings(namespace, same="1", new="1"))}))
    assert live(cluster, namespace)["data"] == {"same": "1", "other": "theirs", "new": "1"}


@pytest.mark.parametrize("preflight", [True, False], ids=["preflight", "no preflight"])
@pytest.mark.parametrize("tool", TOOLS)
def test_what_another_tool_manages_is_taken_over_only_where_that_is_asked_for(
    cluster: Cluster,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
    tool: str,
    *,
    preflight: bool,
) -> None:
    body: dict[str, Any] = settings(namespace, colour="theirs")
    body["metadata"] |= TOOLS[tool]
    before = cluster.create(body)

    sha = repo.commit({"a.yaml": manifests.text(settings(namespace, colour="ours"))})
    app = git_repository(preflight=preflight)
    status = app.until_reason("ApplyFailed")
    assert [failure["reason"] for failure in status["failures"]] == ["ManagedByAnotherTool"]
    assert tool in status["failures"][0]["message"].lower()
    assert live(cluster, namespace) == before

    app.change(adopt="Any")
    app.until_ready(sha)
    taken = live(cluster, namespace)
    assert taken["data"] == {"colour": "ours"}
    assert taken["metadata"]["uid"] == before["metadata"]["uid"]


def test_an_object_that_a_tool_calls_its_own_although_values_agree_is_not_touched_without_preflight(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    body: dict[str, Any] = settings(namespace, colour="same")
    body["metadata"] |= TOOLS["argo"]
    before = cluster.create(body)

    repo.commit({"a.yaml": manifests.text(settings(namespace, colour="same"))})
    git_repository(preflight=False).until_reason("ApplyFailed")

    after = live(cluster, namespace)
    assert after["data"] == before["data"]
    assert "labels" not in after["metadata"]
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]


def test_a_running_deployment_is_adopted_without_a_restart_and_keeps_its_scale(
    cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    body = manifests.deployment("web", namespace)
    cluster.kubectl("apply", "-f", "-", stdin=manifests.text(body))
    cluster.kubectl("scale", "deployment/web", "-n", namespace, "--replicas=3")
    before = cluster.get("apps/v1", "Deployment", "web", namespace)
    mark = audit.mark()

    sha = repo.commit({"web.yaml": manifests.text(body)})
    app = git_repository()
    app.until_ready(sha)

    after = cluster.get("apps/v1", "Deployment", "web", namespace)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    written = [event for event in audit.writes(mark, "towline") if event.resource == "deployments"]
    assert [event.verb for event in written if event.succeeded and not event.dry_run] == [
        "patch",  # the apply
        "patch",  # what kubectl had left behind
    ]


def test_an_adopted_object_with_an_immutable_difference_is_refused_and_never_replaced(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    body = manifests.deployment("web", namespace)
    before = cluster.create(body)
    other = manifests.deployment("web", namespace)
    other["spec"]["selector"]["matchLabels"] = {"app": "other"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}

    repo.commit({"web.yaml": manifests.text(other)})
    status = git_repository(force=True).until_reason("ApplyFailed")

    assert {failure["reason"] for failure in status["failures"]} == {"ImmutableField"}
    after = cluster.get("apps/v1", "Deployment", "web", namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_remains_of_an_adoption_that_was_cut_off_are_found_and_cleared(
    cluster: Cluster, repo: Repo, git_repository: GitRepositories, namespace: str
) -> None:
    """What a kill between the two requests of an adoption leaves: our entry, and what it was to take the place of."""
    sha = repo.commit({"a.yaml": manifests.text(settings(namespace, same="1", other="1"))})
    app = git_repository()
    app.until_ready(sha)
    remains = {
        "manager": "kubectl-create",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {".": {}, "f:same": {}, "f:other": {}}},
    }
    held = live(cluster, namespace)["metadata"]["managedFields"]
    cluster.patch("v1", "ConfigMap", "settings", namespace, {"metadata": {"managedFields": [*held, remains]}})

    def managers() -> set[str]:
        return {entry["manager"] for entry in live(cluster, namespace)["metadata"]["managedFields"]}

    eventually(lambda: managers() == {f"towline:{namespace}/app"}, deadline=30, message="remains cleared")
    app.until_ready(repo.commit({"a.yaml": manifests.text(settings(namespace, same="1"))}))
    assert live(cluster, namespace)["data"] == {"same": "1"}


def actions(app: Repository) -> list[str]:
    """Return what the records say was done."""
    return [change["action"] for record in app.records() for change in record["spec"].get("changes", [])]
