"""What the dry run of a plan finds, on a real API server, before anything is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from towline.api.gitrepository import Adopt
from towline.errors import Refusal
from towline.model import Action

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.desk import FIRST, OTHER_UID, SECOND, Desk, config_map, deployment, sent


async def test_all_refusals_of_a_plan_are_found_at_once_and_nothing_is_written(
    desk: Desk, audit: AuditLog, cluster: Cluster, namespace: str
) -> None:
    bad = [
        deployment(namespace, "unknown", replcas=2, color="red"),
        deployment(namespace, "type", replicas="two"),
        deployment(namespace, "value", replicas=-1),
        config_map("no-such-namespace"),
        config_map(namespace, "Upper_Case"),
        config_map(namespace, "a/b"),
        {"apiVersion": "no.example/v1", "kind": "Nothing", "metadata": {"name": "x", "namespace": namespace}},
    ]
    mark = audit.mark()

    flight = await desk.preflight(config_map(namespace, a="1"), *bad)

    assert {(each.object, each.reason, each.field) for each in flight.failures} == {
        (f"Deployment.apps/{namespace}/unknown", "UnknownField", "/spec/replcas"),
        (f"Deployment.apps/{namespace}/unknown", "UnknownField", "/spec/color"),
        (f"Deployment.apps/{namespace}/type", "WrongType", "/spec/replicas"),
        (f"Deployment.apps/{namespace}/value", "Invalid", "/spec/replicas"),
        ("ConfigMap/no-such-namespace/settings", "NamespaceNotFound", ""),
        (f"ConfigMap/{namespace}/Upper_Case", "Invalid", "/metadata/name"),
        (f"ConfigMap/{namespace}/a/b", "Invalid", "/metadata/name"),
        (f"Nothing.no.example/{namespace}/x", "UnknownKind", ""),
    }
    assert {(each.file, each.line, each.commit) for each in flight.failures} == {
        ("deploy/app.yaml", 3, FIRST)
    }
    assert sent(audit, mark) == []
    assert cluster.find("v1", "ConfigMap", "settings", namespace) is None


async def test_a_refusal_shows_no_value_of_a_secret(desk: Desk, namespace: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": namespace, "labels": {"note": "hunter2 is it"}},
        "data": {"password": "%hunter2%"},
    }

    flight = await desk.preflight(body, {**body, "data": {"password": 270_343}})

    assert {failure.reason for failure in flight.failures} == {"Invalid", "WrongType"}
    assert "hunter2" not in str(flight.failures)
    assert "270343" not in str(flight.failures)


async def test_a_prediction_is_what_the_write_makes_of_the_object(desk: Desk, namespace: str) -> None:
    await desk.apply(deployment(namespace))
    later = replace(desk, commit=SECOND)

    flight = await later.preflight(deployment(namespace, replicas=3), action=Action.UPDATE)
    [found] = flight.predictions
    written = await later.writer.write(flight.predictions, later.sync)

    assert found.before is not None
    assert found.after is not None
    assert (found.before["spec"]["replicas"], found.after["spec"]["replicas"]) == (1, 3)
    [outcome] = written.outcomes
    assert outcome.live is not None
    assert outcome.live.commit == SECOND
    assert outcome.live.generation == found.after["metadata"]["generation"]


@pytest.mark.parametrize("careful", [True, False])
async def test_an_object_that_exists_and_must_not_be_adopted_is_refused_and_left_alone(
    desk: Desk, cluster: Cluster, namespace: str, *, careful: bool
) -> None:
    before = cluster.create(config_map(namespace, a="theirs"))
    desk = replace(desk, careful=careful, adopt=Adopt.NEVER)

    flight = await desk.preflight(config_map(namespace, a="ours"))

    [failure] = flight.failures
    assert failure.reason == Refusal.NOT_OURS
    assert cluster.get("v1", "ConfigMap", "settings", namespace) == before


async def test_an_object_that_agrees_with_git_but_must_not_be_adopted_is_refused_too(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    cluster.create(config_map(namespace, a="same"))
    desk = replace(desk, adopt=Adopt.NEVER)

    flight = await desk.preflight(config_map(namespace, a="same"))

    assert [failure.reason for failure in flight.failures] == [Refusal.NOT_OURS]


async def test_an_object_of_another_repository_is_refused_by_that_repositorys_name(
    desk: Desk, namespace: str
) -> None:
    other = replace(desk, name="other", uid=OTHER_UID)
    await other.apply(config_map(namespace, a="1"))

    flight = await desk.preflight(config_map(namespace, a="2"))

    [failure] = flight.failures
    assert failure.reason == Refusal.OWNED_BY_ANOTHER
    assert f"{namespace}/other" in failure.message


async def test_a_repair_that_finds_nothing_to_mend_writes_nothing(
    desk: Desk, audit: AuditLog, namespace: str
) -> None:
    await desk.apply(config_map(namespace, a="1"))
    mark = audit.mark()

    written = await desk.apply(config_map(namespace, a="1"), action=Action.REPAIR)

    assert written.outcomes == ()
    assert sent(audit, mark) == []
