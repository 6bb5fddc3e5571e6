"""What an overlay sets is named by the line of the overlay, not by the base's manifest."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Content, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests


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


def test_what_the_api_server_refuses_or_others_change_names_the_line_of_the_overlay(
    repo: Repo,
    git_repository: Callable[..., Repository],
    cluster: Cluster,
    namespace: str,
    plane: ControlPlane,
    private_operator: Callable[..., Operator],
) -> None:
    private_operator("--kustomize", str(plane.kubectl)).start()
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
