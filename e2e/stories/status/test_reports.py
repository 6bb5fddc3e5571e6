"""What we write about a repository itself, on a real API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from towline.api.gitrepository import GitRepository
from towline.kube import credentials
from towline.kube.client import Client
from towline.kube.repositories import Repositories
from towline.model import Key
from towline.notify.announcement import Announcement, Weight
from towline.notify.kube_events import KubeEvents

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.controlplane import ControlPlane
from e2e.harness.operator import Operators

API = "towline.dev/v1alpha1"
STATUS: Object = {"observedGeneration": 1, "commit": {"observed": "1" * 40}}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def client(
    plane: ControlPlane, operators: Operators, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    """A client of our own: an operator that runs would write about the same resources."""
    await asyncio.to_thread(operators.stop)
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
    async with Client(credentials.load) as opened:
        yield opened


@pytest.fixture
def report(client: Client) -> Repositories:
    return Repositories(client)


@pytest.fixture
def events(client: Client) -> KubeEvents:
    return KubeEvents(client, "towline", lambda: NOON)


def news(weight: Weight, reason: str, message: str) -> Announcement:
    return Announcement(event="told", weight=weight, reason=reason, message=message)


FAILED = news(Weight.WARNING, "BuildFailed", "deploy/app.yaml:3: duplicate key")


@pytest.fixture
async def repository(report: Repositories, cluster: Cluster, namespace: str) -> GitRepository:
    """A resource as its author left it."""
    spec = {"url": "https://git.example/app.git", "suspend": True}
    metadata = {"name": "app", "namespace": namespace}
    cluster.create({"apiVersion": API, "kind": "GitRepository", "metadata": metadata, "spec": spec})
    found = await report.read(Key(namespace, "app"))
    assert found is not None
    return found


def stored(cluster: Cluster, repository: GitRepository) -> dict[str, Any]:
    return cluster.get(API, "GitRepository", repository.key.name, repository.key.namespace)


async def test_a_resource_that_does_not_exist_reads_as_none(report: Repositories, namespace: str) -> None:
    assert await report.read(Key(namespace, "nothing")) is None


async def test_a_status_replaces_the_one_before(
    report: Repositories, cluster: Cluster, repository: GitRepository
) -> None:
    first = await report.write_status(repository, {**STATUS, "lastRecord": "app-1"})
    assert first is not None
    second = await report.write_status(first, STATUS)

    assert second is not None
    assert second.status == STATUS
    assert stored(cluster, repository)["status"] == STATUS


async def test_a_status_that_does_not_differ_is_not_written(
    report: Repositories, audit: AuditLog, repository: GitRepository
) -> None:
    written = await report.write_status(repository, STATUS)
    assert written is not None
    mark = audit.mark()

    assert await report.write_status(written, dict(STATUS)) == written
    assert not [each for each in audit.since(mark) if each.user_agent.startswith("towline/") and each.writes]


async def test_a_status_is_not_written_over_a_resource_that_changed_since_it_was_read(
    report: Repositories, cluster: Cluster, repository: GitRepository
) -> None:
    spec = {"spec": {"interval": "5m"}}
    cluster.patch(API, "GitRepository", "app", repository.key.namespace, spec)

    assert await report.write_status(repository, STATUS) is None
    found = stored(cluster, repository)
    assert found["spec"]["interval"] == "5m"
    assert "status" not in found


async def test_a_status_of_a_deleted_or_recreated_resource_is_not_written(
    report: Repositories, cluster: Cluster, repository: GitRepository
) -> None:
    namespace = repository.key.namespace
    before = stored(cluster, repository)
    cluster.delete(API, "GitRepository", "app", namespace)
    assert await report.write_status(repository, STATUS) is None

    metadata = {"name": "app", "namespace": namespace}
    cluster.create({**before, "metadata": metadata})
    assert await report.write_status(repository, STATUS) is None
    assert "status" not in stored(cluster, repository)


async def test_the_finalizer_is_added_and_taken_off_and_others_stay(
    report: Repositories, cluster: Cluster, repository: GitRepository
) -> None:
    theirs = {"metadata": {"finalizers": ["example.com/hold"]}}
    cluster.patch(API, "GitRepository", "app", repository.key.namespace, theirs)
    fresh = await report.read(repository.key)
    assert fresh is not None

    held = await report.add_finalizer(fresh)
    assert held is not None
    assert held.finalizers == ("example.com/hold", "towline.dev/finalizer")
    assert await report.add_finalizer(held) == held

    assert await report.remove_finalizer(held)
    assert stored(cluster, repository)["metadata"]["finalizers"] == ["example.com/hold"]
    cluster.patch(API, "GitRepository", "app", repository.key.namespace, {"metadata": {"finalizers": None}})


async def test_a_finalizer_is_not_touched_on_a_resource_that_changed_since_it_was_read(
    report: Repositories, cluster: Cluster, repository: GitRepository
) -> None:
    held = await report.add_finalizer(repository)
    assert held is not None
    namespace = repository.key.namespace
    cluster.patch(API, "GitRepository", "app", namespace, {"metadata": {"labels": {"seen": "yes"}}})

    assert await report.add_finalizer(repository) is None
    assert not await report.remove_finalizer(held)
    assert stored(cluster, repository)["metadata"]["finalizers"] == ["towline.dev/finalizer"]
    cluster.patch(API, "GitRepository", "app", namespace, {"metadata": {"finalizers": None}})


async def test_taking_the_finalizer_off_lets_a_deleted_resource_go(
    report: Repositories, cluster: Cluster, repository: GitRepository
) -> None:
    assert await report.add_finalizer(repository) is not None
    cluster.delete(API, "GitRepository", "app", repository.key.namespace)
    dying = await report.read(repository.key)
    assert dying is not None
    assert dying.deleting

    assert await report.remove_finalizer(dying)
    assert await report.read(repository.key) is None
    assert await report.remove_finalizer(dying)


async def test_an_event_is_shown_with_its_repository_and_the_same_again_is_counted(
    events: KubeEvents, cluster: Cluster, repository: GitRepository
) -> None:
    namespace = repository.key.namespace
    for _ in range(3):
        await events.post(repository, FAILED)
    await events.post(repository, news(Weight.NORMAL, "Succeeded", "1111111 is applied"))

    found = {each["reason"]: each for each in cluster.list("v1", "Event", namespace)}
    failed = found["BuildFailed"]
    assert (failed["type"], failed["count"]) == ("Warning", 3)
    assert failed["message"] == "deploy/app.yaml:3: duplicate key"
    assert failed["lastTimestamp"] == "2026-01-01T12:00:00Z"
    assert found["Succeeded"]["count"] == 1
    assert "duplicate key" in cluster.kubectl(
        "describe", "gitrepositories.towline.dev", "app", "-n", namespace
    )


async def test_a_long_message_is_cut_for_an_event(
    events: KubeEvents, cluster: Cluster, repository: GitRepository
) -> None:
    await events.post(repository, news(Weight.NORMAL, "Succeeded", "x" * 5000))

    [event] = cluster.list("v1", "Event", repository.key.namespace)
    assert len(event["message"].encode()) <= 1024


async def test_an_event_that_is_refused_fails_nothing(
    events: KubeEvents, audit: AuditLog, repository: GitRepository
) -> None:
    lost = replace(repository, key=Key("no-such-namespace", "app"))
    mark = audit.mark()

    await events.post(lost, FAILED)

    [posted] = [each for each in audit.since(mark) if each.user_agent.startswith("towline/")]
    assert (posted.resource, posted.code) == ("events", 404)
