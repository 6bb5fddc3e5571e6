"""What writes make of objects on a real API server, whatever others do at the same moment."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

import pytest
from towline.api.gitrepository import Adopt
from towline.model import Action, ObjectRef, Result

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.desk import FIRST, OTHER_UID, SECOND, STAMPS, Desk, config_map, deployment, reasons, sent
from e2e.harness.waiting import eventually


async def test_a_created_object_names_its_repository_commit_and_file_from_its_first_write(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    written = await desk.apply(config_map(namespace, a="1"))

    assert written.clean
    found = cluster.get("v1", "ConfigMap", "settings", namespace)["metadata"]
    assert found["labels"] == {"towline.dev/repository": f"{namespace}.app"}
    assert found["annotations"] | {"towline.dev/digest": ""} == {
        "towline.dev/commit": FIRST,
        "towline.dev/source": "deploy/app.yaml",
        "towline.dev/owner": STAMPS.owner(desk.uid, ObjectRef("", "ConfigMap", namespace, "settings")),
        "towline.dev/digest": "",
    }
    assert [entry["manager"] for entry in found["managedFields"]] == [f"towline:{namespace}/app"]


async def test_every_write_names_repository_commit_and_record_in_the_audit_log(
    desk: Desk, audit: AuditLog, namespace: str
) -> None:
    mark = audit.mark()

    await desk.apply(config_map(namespace, a="1"))

    [write] = sent(audit, mark)
    assert f"(repository={namespace}/app; commit={FIRST}; record=app-00000000-00000001)" in write


async def test_what_an_earlier_resource_of_the_same_name_left_is_taken_over(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    earlier = replace(desk, uid=OTHER_UID)
    await earlier.apply(config_map(namespace, a="1"))

    written = await desk.apply(config_map(namespace, a="1"), action=Action.UPDATE)

    assert written.clean
    notes = cluster.get("v1", "ConfigMap", "settings", namespace)["metadata"]["annotations"]
    assert notes["towline.dev/owner"].startswith(desk.uid)


@pytest.mark.parametrize("label", [None, "somebody.else"])
async def test_an_object_that_lost_its_label_gets_it_back(
    desk: Desk, cluster: Cluster, namespace: str, label: str | None
) -> None:
    await desk.apply(config_map(namespace, a="1"))
    stripped = {"metadata": {"labels": {"towline.dev/repository": label}}}
    uid = cluster.patch("v1", "ConfigMap", "settings", namespace, stripped)["metadata"]["uid"]

    written = await desk.apply(config_map(namespace, a="1"))

    assert [outcome.change.action for outcome in written.outcomes] == [Action.REPAIR]
    found = cluster.get("v1", "ConfigMap", "settings", namespace)["metadata"]
    assert (found["uid"], found["labels"]["towline.dev/repository"]) == (uid, f"{namespace}.app")


async def test_a_repair_keeps_the_commit_that_last_changed_the_object(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    await desk.apply(deployment(namespace, replicas=2))
    cluster.patch("apps/v1", "Deployment", "web", namespace, {"spec": {"replicas": 5}})

    await replace(desk, commit=SECOND).apply(deployment(namespace, replicas=2), action=Action.REPAIR)

    found = cluster.get("apps/v1", "Deployment", "web", namespace)
    assert found["spec"]["replicas"] == 2
    notes = found["metadata"]["annotations"]
    assert notes["towline.dev/commit"] == FIRST
    assert notes["kubernetes.io/change-cause"] == "1111111 Change things (Ada)"


async def test_an_object_that_somebody_creates_after_the_preflight_is_adopted_where_that_is_allowed(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    flight = await desk.preflight(config_map(namespace, a="1", b="2"))
    theirs = cluster.create(config_map(namespace, a="other", c="3"))
    await asyncio.to_thread(wait_for_another_second, cluster, namespace)

    written = await desk.writer.write(flight.predictions, desk.sync)

    (outcome,) = written.outcomes
    assert (outcome.result, outcome.change.action) == (Result.DONE, Action.ADOPT)
    found = cluster.get("v1", "ConfigMap", "settings", namespace)
    assert found["metadata"]["uid"] == theirs["metadata"]["uid"]
    assert found["data"] == {"a": "1", "b": "2", "c": "3"}


async def test_an_object_that_somebody_creates_after_the_preflight_and_must_not_be_adopted_stays_as_it_was(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    desk = replace(desk, adopt=Adopt.NEVER)
    flight = await desk.preflight(config_map(namespace, a="1", b="2"))
    cluster.create(config_map(namespace, a="1"))
    await asyncio.to_thread(wait_for_another_second, cluster, namespace)

    written = await desk.writer.write(flight.predictions, desk.sync)

    assert reasons(written) == {"settings": "NotOurs"}
    found = cluster.get("v1", "ConfigMap", "settings", namespace)
    assert found["data"] == {"a": "1"}
    assert "labels" not in found["metadata"]
    assert "annotations" not in found["metadata"]
    assert not [entry for entry in found["metadata"]["managedFields"] if "towline" in entry["manager"]]


def wait_for_another_second(cluster: Cluster, namespace: str) -> None:
    """Wait until the API server's clock shows a later second than the creation of the object."""
    created = cluster.get("v1", "ConfigMap", "settings", namespace)["metadata"]["creationTimestamp"]

    def later() -> bool:
        name = f"clock-{secrets.token_hex(4)}"
        return bool(cluster.create(config_map(namespace, name))["metadata"]["creationTimestamp"] > created)

    eventually(later, message="another second")


async def test_an_object_that_is_recreated_by_somebody_after_the_preflight_is_not_overwritten(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    desk = replace(desk, adopt=Adopt.NEVER)
    await desk.apply(config_map(namespace, a="1"))
    flight = await desk.preflight(config_map(namespace, a="2"), action=Action.UPDATE)
    cluster.delete("v1", "ConfigMap", "settings", namespace)
    cluster.create(config_map(namespace, a="theirs"))

    written = await desk.writer.write(flight.predictions, desk.sync)

    assert reasons(written) == {"settings": "NotOurs"}
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"a": "theirs"}


async def test_an_object_that_is_deleted_after_the_preflight_is_created_again(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    await desk.apply(config_map(namespace, a="1"))
    flight = await desk.preflight(config_map(namespace, a="2"), action=Action.UPDATE)
    cluster.delete("v1", "ConfigMap", "settings", namespace)

    written = await desk.writer.write(flight.predictions, desk.sync)

    assert [outcome.change.action for outcome in written.outcomes] == [Action.CREATE]
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"a": "2"}


async def test_an_object_that_is_being_deleted_is_created_when_it_is_gone(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    held = config_map(namespace, a="old")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    uid = cluster.create(held)["metadata"]["uid"]
    cluster.delete("v1", "ConfigMap", "settings", namespace)
    flight = await desk.preflight(config_map(namespace, a="new"))

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(desk.writer.write(flight.predictions, desk.sync))
        await asyncio.to_thread(
            cluster.patch, "v1", "ConfigMap", "settings", namespace, {"metadata": {"finalizers": None}}
        )

    assert writing.result().clean
    found = cluster.get("v1", "ConfigMap", "settings", namespace)
    assert found["metadata"]["uid"] != uid
    assert found["data"] == {"a": "new"}


async def test_an_object_that_never_goes_away_is_reported_as_terminating(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    held = config_map(namespace)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.create(held)
    cluster.delete("v1", "ConfigMap", "settings", namespace)
    desk = replace(desk, gone=0.2)

    written = await desk.apply(config_map(namespace, a="new"))

    assert reasons(written) == {"settings": "Terminating"}
    cluster.patch("v1", "ConfigMap", "settings", namespace, {"metadata": {"finalizers": None}})
