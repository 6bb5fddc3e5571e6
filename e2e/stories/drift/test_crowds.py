"""Drift of very many objects at once, and of custom resources whose kind goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Kubectl
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects, manifests
from e2e.scenes.drift import custom_kinds

NAMES = [f"settings-{number:03}" for number in range(500)]
WIDGETS = [f"widget-{number}" for number in range(3)]


def test_five_hundred_objects_that_drift_at_once_are_restored_each_by_one_write(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    repository = git_repository()
    bodies = [manifests.config_map(name, colour="blue") for name in NAMES]
    repository.until_ready(repo.commit({"all.yaml": manifests.text(*bodies)}), deadline=60)
    mark = audit.mark()

    for name in NAMES:
        cluster.patch("v1", "ConfigMap", name, repository.namespace, {"data": {"colour": "theirs"}})

    eventually(
        lambda: _colours(cluster, repository) == dict.fromkeys(NAMES, "blue"),
        deadline=30,
        poll=0.5,
        message="500 ConfigMaps as they are declared",
    )
    assert sorted(event.name for event in managed_objects.writes(audit, mark, repository)) == NAMES


def _colours(cluster: Cluster, repository: Repository) -> dict[str, str]:
    found = managed_objects.config_maps(cluster, repository)
    return {name: body["data"]["colour"] for name, body in found.items()}


@pytest.fixture
def group(cluster: Cluster, namespace: str) -> Iterator[str]:
    """An API group of one's own; in the end its definition is gone."""
    group = f"{namespace}.example.com"
    yield group
    cluster.delete(*custom_kinds.CRDS, f"widgets.{group}")


def test_custom_resources_whose_definition_others_delete_come_back_with_it(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    group: str,
) -> None:
    repository = git_repository()
    widgets = [manifests.widget(group, name=name) for name in WIDGETS]
    sha = repo.commit({"kind.yaml": manifests.text(manifests.widgets(group), *widgets)})
    repository.until_ready(sha)
    before = cluster.get(*custom_kinds.CRDS, f"widgets.{group}")["metadata"]["uid"]

    cluster.delete(*custom_kinds.CRDS, f"widgets.{group}")

    def is_another() -> bool:
        now = cluster.find(*custom_kinds.CRDS, f"widgets.{group}")
        return now is not None and now["metadata"]["uid"] != before

    eventually(is_another, deadline=60, poll=0.5, message="another definition")
    _until_there(cluster, repository, group)
    repository.until_reason("Succeeded")


def test_custom_resources_come_back_when_somebody_brings_their_definition_back(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    group: str,
) -> None:
    cluster.create(manifests.widgets(group))
    repository = git_repository()
    widgets = [manifests.widget(group, name=name) for name in WIDGETS]
    repository.until_ready(repo.commit({"widgets.yaml": manifests.text(*widgets)}))

    cluster.delete(*custom_kinds.CRDS, f"widgets.{group}")
    cluster.until_gone(*custom_kinds.CRDS, f"widgets.{group}")
    status = repository.until(lambda status: status.get("failures"), "failures")
    assert {failure["reason"] for failure in status["failures"]} == {"UnknownKind"}
    cluster.create(manifests.widgets(group))

    _until_there(cluster, repository, group)
    repository.until_reason("Succeeded")


def _until_there(cluster: Cluster, repository: Repository, group: str) -> None:
    def there() -> bool:
        found = cluster.kubectl("get", f"widgets.{group}", "--namespace", repository.namespace, "-o", "name")
        return found.split() == [f"widget.{group}/{name}" for name in WIDGETS]

    eventually(there, deadline=60, poll=0.5, message="the widgets")


def test_one_accident_that_deletes_many_objects_leaves_few_records_and_its_first_repair_goes_at_once(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    kubectl: Kubectl,
) -> None:
    names = NAMES[:26]
    sha = repo.commit(manifests.config_maps(names, colour="blue"))
    repository = git_repository(interval="1h")
    repository.until_ready(sha)
    kubectl("delete", "configmap", *names, "-n", repository.namespace, "--wait=false")
    eventually(lambda: _colours(cluster, repository) == dict.fromkeys(names, "blue"), deadline=10)
    drift = [each for each in repository.until_closed() if each["spec"]["trigger"] == "Drift"]
    assert 1 <= len(drift) <= 3
    assert sum(each["status"]["counts"]["changed"] for each in drift) == len(names)
    first = next(each for each in drift)
    assert first["status"]["counts"]["changed"] < len(names)
