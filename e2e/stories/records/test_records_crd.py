"""SyncRecords on a real API server: what nobody can change, what kubectl shows, and where refused records go."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from towline.api import recordbody
from towline.api.syncrecord import Ending, FieldChange, Flag, RecordedRepository, SyncRecord, Trigger
from towline.kube import credentials
from towline.kube.client import Client
from towline.model import Action, Key
from towline.records import chain, closing, opening
from towline.records.ledger import Ledger
from towline.records.retention import Retention
from towline.records.spool import SpoolFolder
from towline.records.store import AnotherOperatorError

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, KubectlError, Object
from e2e.harness.controlplane import ControlPlane
from e2e.scenes import cluster_limits
from tests.records import syncs

NAME = "app-0b6a0c3e-00000001"


@pytest.fixture
async def client(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
    async with Client(credentials.load) as opened:
        yield opened


@pytest.fixture
def ledger(client: Client, tmp_path: Path) -> Ledger:
    return Ledger(client, "", tmp_path)


def about(namespace: str, **more: Any) -> opening.RecordDraft:
    subject = RecordedRepository(
        namespace=namespace, name="app", uid=syncs.UID, url="https://git.example/app", path="."
    )
    return syncs.sync(namespace=namespace, subject=subject, **more)


async def recorded(ledger: Ledger, namespace: str, *names: str, **more: Any) -> tuple[SyncRecord, ...]:
    """Record a sync that creates ConfigMaps, from its opening to its end."""
    opened = await running(ledger, namespace, *names, **more)
    changes = [syncs.change(name) for name in names]
    closed = closing.close(opened, syncs.ended(outcomes=syncs.done(*changes)))
    await ledger.close(closed)
    return closed


async def running(ledger: Ledger, namespace: str, *names: str, **more: Any) -> tuple[SyncRecord, ...]:
    """Record the beginning of a sync that creates ConfigMaps."""
    newest = await ledger.newest(Key(namespace, "app"), syncs.UID)
    entries = syncs.entries(syncs.change(name) for name in names)
    return await ledger.open(opening.opening(about(namespace, **more), entries, newest))


def told(cluster: Cluster, namespace: str) -> list[Object]:
    """Return the records of a namespace as an auditor gets them."""
    listed: list[Object] = json.loads(cluster.kubectl("get", "syncrecords", "-n", namespace, "-o", "json"))[
        "items"
    ]
    return listed


def patch(cluster: Cluster, namespace: str, change: Any, *how: str) -> str:
    return cluster.kubectl("patch", "syncrec", NAME, "-n", namespace, *how, "-p", json.dumps(change))


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace", "path": "/spec/trigger", "value": "Manual"},
        {"op": "replace", "path": "/spec/commits/0/author/name", "value": "Eve"},
        {"op": "replace", "path": "/spec/changes/0/fields/0/new", "value": "other"},
        {"op": "replace", "path": "/spec/changes/0/fields/1/old/c", "value": 3},
        {"op": "add", "path": "/spec/changes/0/fields/1/old/d", "value": 3},
        {"op": "remove", "path": "/spec/changes/0"},
        {"op": "add", "path": "/spec/previous", "value": "sha256:0"},
        {"op": "add", "path": "/spec/flags", "value": ["Late"]},
        {"op": "remove", "path": "/spec"},
    ],
    ids=str,
)
async def test_not_even_an_administrator_can_change_what_a_sync_meant_to_do(
    ledger: Ledger, cluster: Cluster, namespace: str, change: Any
) -> None:
    fields = (
        FieldChange(path="/data/a", old="1", new="2"),
        FieldChange(path="/spec", old={"c": 2}, new=None),
    )
    updated = syncs.change("a", Action.UPDATE)
    await ledger.open(
        opening.opening(about(namespace), syncs.entries([updated], {updated.ref: fields}), None)
    )
    before = told(cluster, namespace)

    with pytest.raises(KubectlError, match=r"the intent of a sync never changes|spec: Required"):
        patch(cluster, namespace, [change], "--type=json")

    assert told(cluster, namespace) == before


@pytest.mark.parametrize(
    "change",
    [
        None,
        {"outcome": None},
        {"outcome": "Failed"},
        {"failures": [{"reason": "Invalid", "message": "x"}]},
        {"counts": {"pruned": 9}},
        {"digest": "sha256:0"},
    ],
    ids=str,
)
async def test_a_record_is_closed_exactly_once(
    ledger: Ledger, cluster: Cluster, namespace: str, change: Any
) -> None:
    await recorded(ledger, namespace, "a")
    [before] = told(cluster, namespace)

    with pytest.raises(KubectlError, match=r"closed once|Required value"):
        patch(cluster, namespace, {"status": change}, "--type=merge", "--subresource=status")
    patch(cluster, namespace, {"status": change}, "--type=merge")  # the main resource takes no status

    [after] = told(cluster, namespace)
    assert (after["spec"], after["status"]) == (before["spec"], before["status"])


async def test_a_record_cannot_be_closed_without_an_outcome(
    ledger: Ledger, cluster: Cluster, namespace: str
) -> None:
    await running(ledger, namespace, "a")
    with pytest.raises(KubectlError, match=r"status\.outcome: Required"):
        patch(cluster, namespace, {"status": {"failures": []}}, "--type=merge", "--subresource=status")


async def test_kubectl_shows_who_changed_what_and_why(
    ledger: Ledger, cluster: Cluster, namespace: str
) -> None:
    commit = syncs.revision("c0ffee" + "0" * 34, "Sell tea as well")
    await recorded(ledger, namespace, "a", "b", commits=(commit,), target=commit.sha)
    await running(ledger, namespace, "c", trigger=Trigger.DRIFT)

    header, first, second = cluster.kubectl("get", "syncrec", "-n", namespace).splitlines()

    columns = [
        "SEQ",
        "COMMIT",
        "AUTHOR",
        "TRIGGER",
        "OUTCOME",
        "CHANGED",
        "PRUNED",
        "FAILED",
        "AGE",
        "SUBJECT",
    ]
    assert header.split() == ["NAME", *columns]
    assert first.split()[:9] == [NAME, "1", "c0ffee0", "Ada", "Commit", "Succeeded", "2", "0", "0"]
    assert first.endswith("Sell tea as well")
    assert second.split()[:5] == ["app-0b6a0c3e-00000002", "2", "1111111", "Ada", "Drift"]


async def test_records_are_found_by_repository_trigger_commit_and_outcome(
    ledger: Ledger, cluster: Cluster, namespace: str
) -> None:
    await recorded(ledger, namespace, "a")
    await running(ledger, namespace, "b", trigger=Trigger.DRIFT)

    def found(selector: str) -> list[str]:
        names = cluster.kubectl("get", "syncrec", "-n", namespace, "--field-selector", selector, "-o", "name")
        return [name[-1] for name in names.split()]

    assert found("spec.repository.name=app,spec.trigger=Commit") == ["1"]
    assert found(f"spec.to={syncs.SHA}") == ["1", "2"]
    assert found("status.outcome=Succeeded") == ["1"]
    assert found("status.outcome=") == ["2"]
    assert found("spec.repository.name=other") == []


async def test_kubectl_explains_every_field(plane: ControlPlane, cluster: Cluster) -> None:
    explained = cluster.kubectl("explain", "syncrecords", "--recursive", "--api-version=towline.dev/v1alpha1")
    assert {"commitsTotal", "pullRequest", "fields", "outcome", "digest"} <= set(explained.split())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec", {}),
        ("trigger", "Whim"),
        ("sequence", 0),
        ("to", "main"),
        ("flags", ["Odd"]),
        ("startedAt", "today"),
        ("changes", [{"object": "ConfigMap/a/b", "action": "guess"}]),
        ("changes", [{"object": "ConfigMap/a/b", "action": "create"}] * 1001),
        ("digestVersion", 0),
    ],
    ids=lambda value: repr(value)[:60],
)
async def test_what_is_no_record_is_refused(
    plane: ControlPlane, cluster: Cluster, namespace: str, path: str, value: Any
) -> None:
    [made] = opening.opening(about(namespace), (), None)
    body = recordbody.to_body(made)
    body["spec"] = value if path == "spec" else body["spec"] | {path: value}
    with pytest.raises(KubectlError, match="is invalid"):
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(body))


async def test_a_history_is_verified_from_what_kubectl_prints(
    ledger: Ledger, cluster: Cluster, namespace: str
) -> None:
    values = [1.5, -1e-7, True, "é\u2028\x00", {"a": [1, None, {}], "b": 2**53 - 1}, [], "x" * 2048]
    fields = tuple(
        FieldChange(path=f"/spec/{index}", old=old, new=new)
        for index, (old, new) in enumerate(zip(values, reversed(values), strict=True))
    )
    updated = syncs.change("a", Action.UPDATE)
    opened = await ledger.open(
        opening.opening(about(namespace), syncs.entries([updated], {updated.ref: fields}), None)
    )
    await ledger.close(closing.close(opened, syncs.ended(outcomes=syncs.done(updated))))
    await recorded(ledger, namespace, *(f"o{number}" for number in range(2100)))
    await recorded(ledger, namespace, "b", trigger=Trigger.DRIFT)
    await running(ledger, namespace, "c")

    history = told(cluster, namespace)
    history.reverse()

    assert len(history) == 6
    assert chain.verify(history) == ()
    history[-1]["spec"]["operator"] = "somebody else"
    assert chain.verify(history) != ()


async def test_a_deleted_record_that_is_created_again_with_another_content_is_found(
    ledger: Ledger, cluster: Cluster, namespace: str
) -> None:
    for name in ("a", "b", "c"):
        await recorded(ledger, namespace, name)
    [first, _, _] = told(cluster, namespace)
    cluster.kubectl("delete", "syncrec", NAME, "-n", namespace)
    forged = {**first, "metadata": {"name": NAME, "namespace": namespace}}
    forged["spec"] = {**first["spec"], "operator": "nobody"}
    status = {name: value for name, value in first["status"].items() if name != "digest"}
    status["digest"] = chain.digest({"spec": forged["spec"], "status": status})
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(forged))
    patch(cluster, namespace, {"status": status}, "--type=merge", "--subresource=status")

    problems = chain.verify(told(cluster, namespace))

    assert [problem.message for problem in problems] == [f"does not follow {NAME}: one of them was replaced"]


async def test_the_largest_records_that_towline_makes_are_accepted(
    ledger: Ledger, cluster: Cluster, namespace: str
) -> None:
    commits = tuple(syncs.revision(f"{number:040x}", "s" * 600) for number in range(250))
    fields = tuple(
        FieldChange(path=f"/data/{number}", old="x" * 2000, new="y" * 2000) for number in range(600)
    )
    changes = [
        syncs.change("a", Action.UPDATE),
        *(syncs.change("n" * 240 + f"{n}") for n in range(1000)),
    ]
    parts = opening.opening(
        about(namespace, commits=commits, commits_total=9000),
        syncs.entries(changes, {changes[0].ref: fields}),
        None,
    )
    opened = await ledger.open(parts)
    refused = tuple(syncs.failed(change, message="m" * 2000) for change in changes)
    await ledger.close(closing.close(opened, syncs.ended(Ending.FAILED, outcomes=refused)))

    assert len(parts) > 5
    assert chain.verify(told(cluster, namespace)) == ()
    assert max(len(json.dumps(made)) for made in told(cluster, namespace)) < 512 * 1024


async def test_a_sync_that_a_dead_process_left_open_is_found_and_closed_by_the_next(
    client: Client, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    names = [f"o{number}" for number in range(1200)]
    await running(Ledger(client, "", tmp_path / "dead"), namespace, *names)
    key = Key(namespace, "app")
    ledger = Ledger(client, "", tmp_path / "next")

    found = await ledger.newest(key, syncs.UID)
    assert found
    assert found.ending is None
    live = [syncs.live(name, f"new {name}") for name in names[:10]]
    left = await ledger.last(key, syncs.UID)
    await ledger.close(
        closing.interrupted(left, {each.ref: each for each in live}, syncs.MASK, syncs.FINISHED)
    )
    await recorded(ledger, namespace, "next")

    history = told(cluster, namespace)
    assert [made["status"]["outcome"] for made in history] == ["Interrupted", "Interrupted", "Succeeded"]
    assert history[0]["status"]["counts"]["created"] == 10
    assert chain.verify(history) == ()


async def test_of_two_operators_that_both_believe_they_lead_one_is_stopped(
    client: Client, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    first, second = Ledger(client, "", tmp_path / "1"), Ledger(client, "", tmp_path / "2")
    key = Key(namespace, "app")
    assert await first.newest(key, syncs.UID) == await second.newest(key, syncs.UID)
    await recorded(first, namespace, "a", operator="first")

    with pytest.raises(AnotherOperatorError):
        await recorded(second, namespace, "a", operator="second")
    await recorded(second, namespace, "b", operator="second")

    assert [made["spec"]["operator"] for made in told(cluster, namespace)] == ["first", "second"]
    assert chain.verify(told(cluster, namespace)) == ()


def probe(namespace: str) -> Object:
    """Return a record that the cluster accepts."""
    [tried] = opening.opening(about(namespace), (), None)
    return dict(recordbody.to_body(tried)) | {"metadata": {"name": "tried", "namespace": namespace}}


async def test_records_that_admission_refuses_are_posted_later_and_the_chain_holds(
    client: Client, ledger: Ledger, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    await recorded(ledger, namespace, "a")
    with cluster_limits.unrecorded(cluster, namespace, probe(namespace)):
        with structlog.testing.capture_logs() as lines:
            late = await recorded(ledger, namespace, "b")
        assert late[0].intent.flags == (Flag.LATE,)
        assert "no records here" in lines[0]["why"]
        await recorded(ledger, namespace, "c")
        assert len(told(cluster, namespace)) == 1
    again = Ledger(client, "", tmp_path)
    await recorded(again, namespace, "d")
    assert [problem.missing for problem in chain.verify(told(cluster, namespace))] == [True]

    await again.post_kept()

    history = told(cluster, namespace)
    assert [made["spec"].get("flags") for made in history] == [None, ["Late"], ["Late"], None]
    assert chain.verify(history) == ()
    assert SpoolFolder(tmp_path).all() == ()


async def test_in_a_terminating_namespace_the_record_is_one_line_of_the_log(
    ledger: Ledger, cluster: Cluster, namespace: str
) -> None:
    keeper = {"name": "keeper", "namespace": namespace, "finalizers": ["example.dev/hold"]}
    cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": keeper})
    cluster.delete("v1", "Namespace", namespace)
    try:
        with structlog.testing.capture_logs() as lines:
            closed = await recorded(ledger, namespace, "a")
        assert lines[-1]["record"] == recordbody.to_body(closed[0])
        assert told(cluster, namespace) == []
    finally:
        cluster.patch("v1", "ConfigMap", "keeper", namespace, {"metadata": {"finalizers": None}})


async def test_old_records_go_and_repairs_push_no_commit_out(
    client: Client, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    ledger = Ledger(client, "", tmp_path, keep=Retention(commits=3, drifts=2))
    for number in range(20):
        await recorded(ledger, namespace, trigger=Trigger.COMMIT if number < 5 else Trigger.DRIFT)

    await ledger.retain(Key(namespace, "app"), syncs.UID, {}, datetime.now(UTC))
    assert [made["spec"]["sequence"] for made in told(cluster, namespace)] == [3, 4, 5, 19, 20]

    await recorded(ledger, namespace)
    await ledger.retain(Key(namespace, "app"), syncs.UID, {}, datetime.now(UTC) + timedelta(days=900))
    assert len(told(cluster, namespace)) == 6


async def test_every_write_of_a_record_names_repository_commit_and_record_in_the_audit_log(
    ledger: Ledger, audit: AuditLog, namespace: str
) -> None:
    mark = audit.mark()
    await recorded(ledger, namespace, "a")
    writes = [event for event in audit.since(mark) if event.writes and event.namespace == namespace]
    assert [(event.verb, event.subresource, event.code) for event in writes] == [
        ("create", "", 201),
        ("patch", "status", 200),
    ]
    expected = f"(repository={namespace}/app; commit={syncs.SHA}; record={NAME})"
    assert all(event.user_agent.endswith(expected) for event in writes)
