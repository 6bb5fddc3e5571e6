"""Admission that changes what we wrote is reported, and nobody writes for ever."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import managed_objects, manifests
from e2e.scenes.drift import mutating_policies

SAME = "'red'"
GROWING = "object.data.colour.size() < 1000 ? object.data.colour + 'x' : object.data.colour"
FILES = manifests.config_maps(["settings", "last"], colour="blue")


@pytest.mark.parametrize("value", [SAME, GROWING], ids=["always the same", "another each time"])
def test_a_policy_that_changes_our_own_write_is_reported_and_not_fought(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
    value: str,
) -> None:
    mark = audit.mark()
    with mutating_policies.mutating(cluster, namespace, "/data/colour", value):
        repository = git_repository()
        sha = repo.commit(manifests.config_maps(["settings"], colour="blue", size="1"))
        status = _until_overridden(repository, sha)
        (found,) = status["drift"]
        assert found["object"] == f"ConfigMap/{namespace}/settings"
        assert (found["field"], found["want"], found["file"]) == ("/data/colour", "blue", "settings.yaml")
        assert repository.condition()["status"] == "True"
        _write_beside(cluster, repository, "settings")
        second = repo.commit(manifests.config_maps(["other"], shape="round"))
        repository.until_applied(second)
        assert _writes(audit, mark, repository) <= 2
    third = repo.commit(manifests.config_maps(["settings"], colour="blue", size="2"))
    repository.until_applied(third)
    repository.until(lambda status: not status.get("drift"), "no drift")
    assert repository.condition("Drifted")["status"] == "False"


def test_a_policy_that_changes_our_field_on_the_write_of_another_is_found_and_not_fought(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
) -> None:
    sha = repo.commit(FILES)
    repository = git_repository()
    repository.until_ready(sha)
    mark = audit.mark()
    with mutating_policies.mutating(cluster, namespace, "/data/colour", SAME):
        _write_beside(cluster, repository, "settings")
        status = _until_overridden(repository, sha)
        assert [(found["object"], found["have"]) for found in status["drift"]] == [
            (f"ConfigMap/{namespace}/settings", "red")
        ]
        assert repository.condition()["status"] == "True"
        assert _writes(audit, mark, repository) <= 2


def _until_overridden(repository: Repository, sha: str) -> Object:
    repository.until_applied(sha)
    return repository.until(
        lambda status: (
            any(one.get("reason") == "OverriddenByAdmission" for one in status.get("drift", ()))
            and _drifted(status) == ("True", "OverriddenByAdmission")
        ),
        "a field that admission has changed",
        deadline=45,
    )


def _drifted(status: Object) -> tuple[str, str]:
    (found,) = [one for one in status["conditions"] if one["type"] == "Drifted"]
    return found["status"], found["reason"]


def _write_beside(cluster: Cluster, repository: Repository, name: str) -> None:
    """Add something of one's own."""
    note = {"metadata": {"annotations": {"example.com/note": "foreign"}}}
    cluster.patch("v1", "ConfigMap", name, repository.namespace, note)


def _writes(audit: AuditLog, mark: Mark, repository: Repository) -> int:
    return sum(event.name == "settings" for event in managed_objects.writes(audit, mark, repository))
