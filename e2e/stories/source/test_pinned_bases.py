"""A kustomization builds on bases of other repositories: pinned, through the Git door, and with what that refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Content, Repo
from e2e.harness.gitserver import Fault, GitServer
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]


def base(colour: str) -> dict[str, Content]:
    return {
        "app/kustomization.yaml": "resources: [settings.yaml]\n",
        "app/settings.yaml": manifests.text(manifests.config_map("settings", colour=colour)),
    }


def overlay(address: str) -> dict[str, Content]:
    return {"kustomization.yaml": f"resources:\n- {address}\nnamePrefix: prod-\n"}


def colour(cluster: Cluster, namespace: str) -> str:
    return str(cluster.get("v1", "ConfigMap", "prod-settings", namespace)["data"]["colour"])


@pytest.mark.usefixtures("with_kustomize")
def test_a_tag_stays_the_commit_that_it_was_until_a_person_accepts_another_one(
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
    cluster: Cluster,
    namespace: str,
) -> None:
    name = f"{namespace}-base"
    remote = git_server.create(name)
    red = remote.commit(base("red"))
    remote.tag("v1", message="One")
    first = repo.commit(overlay(f"{remote.url}//app?ref=v1"))
    app = git_repository()
    assert "set spec.remote: Pinned" in app.until_reason("BuildFailed")["failures"][0]["message"]

    app.change(remote="Pinned")
    status = app.until_ready(first)
    pin = {"name": remote.url, "ref": "v1", "resolved": red}
    assert status["pins"] == [pin]
    assert app.until_closed()[-1]["spec"]["pins"] == [pin]
    live = cluster.get("v1", "ConfigMap", "prod-settings", namespace)
    assert (
        live["metadata"]["annotations"]["towline.dev/source"] == f"{remote.url}//app/settings.yaml@{red[:7]}"
    )

    asked = len(git_server.requests(name))
    app.annotate(reconcile="again")
    app.until(lambda status: status.get("lastHandledReconcile") == "again", "looked again")
    assert len(git_server.requests(name)) == asked

    blue = remote.commit(base("blue"))
    remote.tag("v1")
    second = repo.commit({"notes.yaml": manifests.text(manifests.config_map("notes"))})
    app.until(lambda status: status["commit"].get("attempted") == second, "the second commit")
    status = app.until_reason("VerificationFailed")
    message = app.condition()["message"]
    assert red in message
    assert blue in message
    token = status["movedPins"]["accept"]
    assert f"towline.dev/accept-pin={token}" in message
    assert (status["pins"], colour(cluster, namespace)) == ([pin], "red")

    app.annotate(accept_pin="another")
    app.annotate(reconcile="with another token")
    app.until(lambda status: status.get("lastHandledReconcile") == "with another token", "looked again")
    assert app.condition()["reason"] == "VerificationFailed"
    app.annotate(accept_pin=token)
    status = app.until_ready(second)
    assert (status["pins"], "movedPins" in status) == ([pin | {"resolved": blue}], False)
    assert colour(cluster, namespace) == "blue"
    assert app.until_closed()[-1]["spec"]["trigger"] == "Manual"


@pytest.mark.usefixtures("with_kustomize")
def test_a_branch_is_refused_with_its_line_and_a_pinned_tag_outlives_its_server(
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
    cluster: Cluster,
    namespace: str,
) -> None:
    remote = git_server.create(f"{namespace}-base")
    sha = remote.commit(base("red"))
    remote.tag("v1")
    remote.branch("dev")
    repo.commit(overlay(f"{remote.url}//app?ref=dev"))
    app = git_repository(remote="Pinned")
    (failure,) = app.until_reason("BuildFailed")["failures"]
    assert (failure["file"], failure["line"]) == ("kustomization.yaml", 2)
    assert "follows the branch dev, which moves" in failure["message"]

    app.until_ready(repo.commit(overlay(f"{remote.url}//app?ref={sha}")))
    assert "pins" not in app.status()
    app.until_ready(repo.commit(overlay(f"{remote.url}//app?ref=v1")))

    with git_server.failing(f"{namespace}-base", Fault.ERROR):
        more: dict[str, Content] = {"kustomization.yaml": f"resources: ['{remote.url}//app?ref=v1']\n"}
        app.until_ready(repo.commit(more))
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"colour": "red"}


@pytest.mark.usefixtures("with_kustomize")
def test_a_resource_that_is_made_again_takes_its_pins_from_the_records(
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
    cluster: Cluster,
    namespace: str,
) -> None:
    remote = git_server.create(f"{namespace}-base")
    red = remote.commit(base("red"))
    remote.tag("v1")
    sha = repo.commit(overlay(f"{remote.url}//app?ref=v1"))
    app = git_repository(remote="Pinned", deletionPolicy="Orphan")
    app.until_ready(sha)
    app.delete()
    app.until_gone()

    remote.commit(base("blue"))
    remote.tag("v1")
    again = git_repository(name=app.name, remote="Pinned")
    (moved,) = again.until_reason("VerificationFailed")["movedPins"]["pins"]
    assert (moved["name"], moved["before"]) == (remote.url, red)
    assert colour(cluster, namespace) == "red"


@pytest.mark.usefixtures("with_kustomize")
def test_a_wrong_value_of_an_overlay_is_named_with_its_line_also_over_a_remote_base(
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
    namespace: str,
) -> None:
    remote = git_server.create(f"{namespace}-base")
    sha = remote.commit(
        {
            "kustomization.yaml": "resources: [web.yaml]\n",
            "web.yaml": manifests.text(manifests.deployment("web")),
        }
    )
    repo.commit(
        {
            "kustomization.yaml": f"resources:\n- {remote.url}?ref={sha}\nnamePrefix: prod-\n"
            "replicas:\n- name: web\n  count: -7\n"
        }
    )
    app = git_repository(remote="Pinned")
    (failure,) = app.until_reason("ApplyFailed")["failures"]
    assert (failure["file"], failure["line"]) == ("kustomization.yaml", 6)
