"""Reported drift that others set back ends with their write: an Event says who did it, and nothing else is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests


class Edit(NamedTuple):
    """A value of a declared object, by its JSON pointer, with what Git says and what a person makes of it."""

    declared: Object
    path: str
    git: Any
    theirs: Any

    def patch(self, kubectl: Kubectl, namespace: str, value: Any, manager: str) -> None:
        kind, name = self.declared["kind"].lower(), self.declared["metadata"]["name"]
        operation = {"op": "add", "path": self.path, "value": value}
        kubectl(
            "patch", kind, name, "-n", namespace, "--type=json", "-p", json.dumps([operation]),
            "--field-manager", manager,
        )  # fmt: skip


def deployment() -> Object:
    found = manifests.deployment()
    found["spec"]["replicas"] = 2
    return found


EDITS: Mapping[str, Edit] = {
    "an entry of a ConfigMap": Edit(
        manifests.config_map("settings", colour="blue"), "/data/colour", "blue", "red"
    ),
    "a number of a Deployment": Edit(deployment(), "/spec/replicas", 2, 5),
    "an entry of a Secret": Edit(manifests.secret(word="eA"), "/data/word", "ZUE=", "ZUI="),
}


def drift(repository: Repository) -> list[Object]:
    return list(repository.status().get("drift") or ())


def told(cluster: Cluster, repository: Repository) -> list[Object]:
    events = cluster.list("v1", "Event", repository.namespace)
    return [one for one in events if one["reason"] == "DriftEnded"]


def until_told(cluster: Cluster, repository: Repository) -> Object:
    (event,) = eventually(lambda: told(cluster, repository), deadline=10.0)
    found: Object = event
    return found


@pytest.mark.parametrize("name", EDITS)
def test_drift_that_a_person_sets_back_leaves_the_status_at_once_and_an_event_says_who_did_it(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
    name: str,
) -> None:
    edit = EDITS[name]
    sha = repo.commit({"a.yaml": manifests.text(edit.declared)})
    repository = git_repository(drift="Report", interval="1h")
    repository.until_applied(sha)
    edit.patch(kubectl, repository.namespace, edit.theirs, "kubectl-edit")
    (first,) = repository.until(lambda status: status.get("drift"), "drift")["drift"]
    assert (first["field"], first["by"]) == (edit.path, "kubectl-edit")
    records = len(repository.records())

    edit.patch(kubectl, repository.namespace, edit.git, "kubectl-patch")
    repository.until(lambda status: not status.get("drift"), "no drift", deadline=4.0)
    condition = repository.condition("Drifted")
    assert (condition["status"], condition["reason"]) == ("False", "NoDrift")
    event = until_told(cluster, repository)
    assert event["type"] == "Normal"
    for word in (edit.declared["metadata"]["name"], edit.path.rpartition("/")[2], "kubectl-patch", "T"):
        assert word in event["message"]
    assert len(repository.records()) == records


def test_drift_that_changes_again_is_told_as_it_is_now_and_ends_field_by_field(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    declared = manifests.config_map("settings", colour="blue", size="1")
    colour, size = Edit(declared, "/data/colour", "blue", "red"), Edit(declared, "/data/size", "1", "9")
    sha = repo.commit({"a.yaml": manifests.text(declared)})
    repository = git_repository(drift="Report", interval="1h")
    repository.until_ready(sha)
    for edit in (colour, size):
        edit.patch(kubectl, repository.namespace, edit.theirs, "kubectl-edit")
    repository.until(lambda status: status.get("driftTotal") == 2, "both fields")
    colour.patch(kubectl, repository.namespace, "green", "kubectl-edit")
    eventually(lambda: {one["have"] for one in drift(repository)} == {"green", "9"}, deadline=4.0)
    assert told(cluster, repository) == []
    size.patch(kubectl, repository.namespace, "1", "kubectl-edit")
    eventually(lambda: [one["field"] for one in drift(repository)] == ["/data/colour"], deadline=4.0)
    assert "data.size" in until_told(cluster, repository)["message"]


def test_drift_that_was_set_back_while_the_operator_was_down_is_told_after_its_start(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    operator = private_operator()
    operator.start()
    edit = EDITS["an entry of a ConfigMap"]
    sha = repo.commit({"a.yaml": manifests.text(edit.declared)})
    repository = git_repository(drift="Report")
    repository.until_ready(sha)
    edit.patch(kubectl, repository.namespace, edit.theirs, "kubectl-edit")
    repository.until(lambda status: status.get("drift"), "drift")
    operator.kill()
    edit.patch(kubectl, repository.namespace, edit.git, "kubectl-patch")
    operator.start()
    repository.until(lambda status: not status.get("drift"), "no drift")
    assert "kubectl-patch" in until_told(cluster, repository)["message"]


def test_drift_that_ends_by_a_commit_is_no_news(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    edit = EDITS["an entry of a ConfigMap"]
    sha = repo.commit({"a.yaml": manifests.text(edit.declared)})
    repository = git_repository(drift="Report")
    repository.until_ready(sha)
    edit.patch(kubectl, repository.namespace, "red", "kubectl-edit")
    repository.until(lambda status: status.get("drift"), "drift")
    repository.until_ready(
        repo.commit({"a.yaml": manifests.text(manifests.config_map("settings", colour="red"))})
    )
    repository.until(lambda status: not status.get("drift"), "no drift")
    assert told(cluster, repository) == []
