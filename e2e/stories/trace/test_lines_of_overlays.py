"""What an overlay sets is named by the line of the overlay, not by the base's manifest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import ALICE, BOB, Content, Repo
from e2e.harness.repositories import Repository
from e2e.scenes import fake_kubelet, manifests


def shop(count: int, port: int, image: str = "1.27") -> dict[str, Content]:
    """Return a base, and an overlay that sets the replicas, a port and the tag of its image."""
    return {
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "base/web.yaml": manifests.text(manifests.deployment("web", image="nginx:1.20")),
        "prod/kustomization.yaml": f"""resources: [../base]
images:
- name: registry.example/nginx
  newTag: "{image}"
replicas:
- name: web
  count: {count}
patches:
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {{name: web}}
    spec:
      template:
        spec:
          containers:
          - name: main
            ports:
            - containerPort: {port}
""",
    }


@pytest.mark.usefixtures("with_kustomize")
def test_what_the_api_server_refuses_or_others_change_names_the_line_of_the_overlay(
    repo: Repo,
    git_repository: Callable[..., Repository],
    cluster: Cluster,
    namespace: str,
) -> None:
    repo.commit(shop(-1, 70000))
    app = git_repository(path="prod", drift="Report")
    failures = app.until_reason("ApplyFailed")["failures"]
    assert {f"{each['file']}:{each['line']}": each["message"].split(":")[0] for each in failures} == {
        "prod/kustomization.yaml:7": "spec.replicas",
        "prod/kustomization.yaml:19": "spec.template.spec.containers[0].ports[0].containerPort",
    }

    first = repo.commit(shop(1, 8080))
    app.until_applied(first)
    last = repo.commit(shop(1, 8080, image="1.28"))
    app.until_applied(last)
    (change,) = app.until_closed()[-1]["spec"]["changes"]
    assert (change["file"], change["line"], change["commit"]) == ("prod/kustomization.yaml", 4, last)
    live = cluster.get("apps/v1", "Deployment", "web", namespace)["metadata"]["annotations"]
    assert (live["towline.dev/commit"], live["towline.dev/source"]) == (last, "base/web.yaml")

    cluster.patch("apps/v1", "Deployment", "web", namespace, {"spec": {"replicas": 3}})
    drift = app.until(lambda status: status.get("drift"), "drift")["drift"]
    assert [(each["field"], each["file"], each["line"]) for each in drift] == [
        ("/spec/replicas", "prod/kustomization.yaml", 7)
    ]


@pytest.mark.usefixtures("with_kustomize")
def test_of_several_commits_the_one_that_changed_an_overlay_is_that_of_what_it_changes(
    repo: Repo,
    git_repository: Callable[..., Repository],
    cluster: Cluster,
    namespace: str,
) -> None:
    def stamped(kind: str, version: str, name: str) -> str:
        notes = cluster.get(version, kind, name, namespace)["metadata"]["annotations"]
        return str(notes["towline.dev/commit"])

    both = {"base/kustomization.yaml": "resources: [web.yaml, settings.yaml]\n"}
    settings = manifests.text(manifests.config_map("settings", colour="blue"))
    begun = repo.commit(shop(1, 8080) | both | {"base/settings.yaml": settings})
    bobs = repo.commit(shop(1, 8080, image="1.28") | both, author=BOB, message="Web 1.28")
    first = repo.commit({"README.md": "words"})
    app = git_repository(path="prod")
    app.until_applied(first)
    assert (stamped("Deployment", "apps/v1", "web"), stamped("ConfigMap", "v1", "settings")) == (bobs, begun)

    app.change(suspend=True)
    app.until_reason("Suspended", kind="Suspended")
    again = repo.commit(shop(2, 8080, image="1.28") | both, author=BOB, message="Two of them")
    red = manifests.text(manifests.config_map("settings", colour="red"))
    alices = repo.commit({"base/settings.yaml": red}, author=ALICE)
    last = repo.commit({"README.md": "more words"})
    app.change(suspend=None)
    app.until_applied(last)
    assert (stamped("Deployment", "apps/v1", "web"), stamped("ConfigMap", "v1", "settings")) == (
        again,
        alices,
    )
    changes = app.until_closed()[-1]["spec"]["changes"]
    assert {each["commit"]: (each["file"], each["line"]) for each in changes} == {
        again: ("prod/kustomization.yaml", 7),
        alices: ("base/settings.yaml", 6),
    }
    told = cluster.kubectl("rollout", "history", "deployment/web", "-n", namespace)
    assert f"{again[:7]} Two of them ({BOB.name})" in told


@pytest.mark.usefixtures("with_kustomize")
def test_an_image_that_cannot_be_pulled_names_the_line_of_the_overlay_that_sets_its_tag(
    repo: Repo,
    git_repository: Callable[..., Repository],
    cluster: Cluster,
    namespace: str,
) -> None:
    stalled = {"base/web.yaml": manifests.text(manifests.stalled("web", image="nginx:1.20"))}
    sha = repo.commit(shop(1, 8080, image="typo") | stalled)
    app = git_repository(path="prod", interval="10m")
    app.until_applied(sha)
    fake_kubelet.waits(cluster, fake_kubelet.pod_of(cluster, namespace, "app=web"), "ImagePullBackOff")

    def named(status: Object) -> bool:
        (healthy,) = (each for each in status["conditions"] if each["type"] == "Healthy")
        return "cannot pull registry.example/nginx:typo" in healthy["message"]

    app.until(named, "the Pod's words")
    message = app.condition("Healthy")["message"]
    assert message.startswith("prod/kustomization.yaml:4 Deployment")
    assert f"({sha[:7]})" in message
