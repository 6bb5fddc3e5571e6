"""`towline blame` names, for each field of a live object, who set it: in Git, or around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner
from towline.__main__ import main

from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import ALICE, BOB, Repo, Who
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually

GitRepositories = Callable[..., Repository]

CAROL = Who("Carol Merger", "carol@example.com")
CONTAINERS = "/spec/template/spec/containers"
SHOP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  colour: red
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: registry.example/web:1
        resources: &small
          limits:
            cpu: 100m
      - name: side
        image: registry.example/side:1
        resources:
          <<: *small
"""


class AskedPlace(NamedTuple):
    """Runs `towline blame` with an empty cache folder."""

    plane: ControlPlane
    home: Path
    namespace: str

    def blame(self, *flags: str) -> Mapping[str, Mapping[str, Any]]:
        done = CliRunner().invoke(
            main,
            ["blame", "deployment/web", "-n", self.namespace, "-o", "json", *flags],
            env={"KUBECONFIG": str(self.plane.kubeconfig()), "XDG_CACHE_HOME": str(self.home)},
        )
        assert (done.exit_code, done.stderr) == (0, "")
        return {each["pointer"]: each for each in json.loads(done.stdout)}


def told(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(entry[key] for key in ("value", "commit", "author", "pullRequest", "file", "line"))


def test_a_field_changed_merged_reverted_and_edited_by_hand_is_blamed_at_each_step(
    operator: Operator,
    plane: ControlPlane,
    cluster: Cluster,
    repo: Repo,
    git_repository: GitRepositories,
    tmp_path: Path,
) -> None:
    file, cpu = "shop/all.yaml", f"{CONTAINERS}/1/resources/limits/cpu"
    first = repo.commit({file: SHOP}, author=ALICE)
    repo.branch("raise")
    raised = repo.commit({file: SHOP.replace("cpu: 100m", "cpu: 200m")}, branch="raise", author=BOB)
    repository = git_repository(drift="Repair")
    repository.until_applied(first)
    desk = AskedPlace(plane, tmp_path, repository.namespace)

    found = desk.blame()
    assert told(found[f"{CONTAINERS}/0/image"]) == (
        "registry.example/web:1",
        first,
        "Alice Author",
        None,
        file,
        20,
    )
    owners = {path: entry["owner"] for path, entry in found.items()}
    assert owners["/spec/replicas"] == f"{repository.namespace}/{repository.name}"
    assert owners["/spec/template/spec/dnsPolicy"] == "default"
    assert owners["/metadata/uid"] == "default"
    assert owners["/metadata/annotations/towline.dev~1commit"].startswith("towline:")
    assert owners["/metadata/namespace"].startswith("towline:")

    merged = repo.merge_pull_request(7, "raise", merged_by=CAROL)
    repository.until_applied(merged)
    assert told(desk.blame("--field", cpu)[cpu]) == ("200m", raised, "Bob Builder", "#7", file, 23)

    repo.rename(file, "shop/web.yaml")
    reverted = repo.commit({"shop/web.yaml": SHOP}, message='Revert "Raise"', author=ALICE)
    repository.until_applied(reverted)
    back = ("100m", reverted, "Alice Author", None, "shop/web.yaml", 23)
    found = desk.blame()
    assert told(found[cpu]) == back
    assert found["/spec/replicas"]["commit"] == first

    repository.change(suspend=True)
    repository.until_reason("Suspended", kind="Suspended")
    change = {"spec": {"replicas": 3}}
    cluster.patch("apps/v1", "Deployment", "web", repository.namespace, change, manager="kubectl-edit")
    drifted = desk.blame("--field", "spec.replicas")["/spec/replicas"]
    assert (drifted["value"], drifted["owner"]) == (3, "kubectl-edit")
    assert told(drifted["git"]) == (0, first, "Alice Author", None, "shop/web.yaml", 13)

    repository.change(suspend=False)
    eventually(
        lambda: cluster.get("apps/v1", "Deployment", "web", repository.namespace)["spec"]["replicas"] == 0,
        deadline=60,
        message="the repair",
    )
    assert told(desk.blame("--field", "/spec/replicas")["/spec/replicas"])[:2] == (0, first)
