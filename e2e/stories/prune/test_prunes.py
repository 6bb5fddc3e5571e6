"""Which objects are deleted on a real API server, and which are not after all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from towline.model import Action, ObjectRef, Result

from e2e.harness import desk as desks
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, KubectlError, Object
from e2e.harness.desk import OTHER_UID, UID, Desk, config_map, deployment, reasons, removal, sent
from e2e.harness.waiting import eventually


async def test_a_pruned_object_is_gone_and_other_objects_stay(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    gone, stays = config_map(namespace, "gone"), config_map(namespace, "stays")
    await desk.apply(gone, stays)

    written = await desk.prune(removal(cluster, gone))

    assert written.clean
    assert cluster.find("v1", "ConfigMap", "gone", namespace) is None
    assert cluster.find("v1", "ConfigMap", "stays", namespace)


async def test_a_rehearsed_removal_takes_nothing_away(
    desk: Desk, cluster: Cluster, audit: AuditLog, namespace: str
) -> None:
    pruned, released = config_map(namespace, "pruned"), config_map(namespace, "released")
    await desk.apply(pruned, released)
    names = ("pruned", "released")
    before = [cluster.get("v1", "ConfigMap", name, namespace) for name in names]
    mark = audit.mark()
    changes = (removal(cluster, pruned), removal(cluster, released, Action.RELEASE))

    assert await desk.writer.rehearse(changes, desk.sync) == ()

    assert [cluster.get("v1", "ConfigMap", name, namespace) for name in names] == before
    assert sent(audit, mark) == []


async def test_prunes_run_in_the_reverse_order_of_writes(
    desk: Desk, cluster: Cluster, audit: AuditLog, namespace: str
) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "web", "namespace": namespace},
    }
    bodies = [account, deployment(namespace)]
    await desk.apply(*bodies)
    mark = audit.mark()

    await desk.prune(*(removal(cluster, body) for body in bodies))

    deleted = [each.resource for each in audit.since(mark) if each.verb == "delete" and each.code == 200]
    assert [each for each in deleted if each in {"deployments", "serviceaccounts"}] == [
        "deployments",
        "serviceaccounts",
    ]


async def test_an_object_that_somebody_recreated_is_not_pruned(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    await desk.apply(config_map(namespace))
    planned = removal(cluster, config_map(namespace))
    cluster.delete("v1", "ConfigMap", "settings", namespace)
    cluster.create(config_map(namespace, a="theirs"))

    written = await desk.prune(planned)

    assert [outcome.change.action for outcome in written.outcomes] == [Action.SKIP]
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"a": "theirs"}


@pytest.mark.parametrize(
    ("touch", "action"),
    [
        ({"metadata": {"annotations": {"example.com/note": "hello"}}}, Action.PRUNE),
        ({"metadata": {"annotations": {"towline.dev/prune": "Disabled"}}}, Action.SKIP),
        ({"metadata": {"annotations": {"towline.dev/owner": "somebody:else"}}}, Action.SKIP),
        ({"metadata": {"labels": {"towline.dev/repository": None}}}, Action.SKIP),
    ],
)
async def test_an_object_that_somebody_touched_since_the_plan_is_judged_anew(
    desk: Desk, cluster: Cluster, namespace: str, touch: Object, action: Action
) -> None:
    await desk.apply(config_map(namespace))
    planned = removal(cluster, config_map(namespace))
    cluster.patch("v1", "ConfigMap", "settings", namespace, touch)

    written = await desk.prune(planned)

    assert [outcome.change.action for outcome in written.outcomes] == [action]
    left = cluster.find("v1", "ConfigMap", "settings", namespace)
    assert (left is None) == (action is Action.PRUNE)


@pytest.mark.parametrize("planned_by", [UID, OTHER_UID], ids=["ours", "inherited"])
async def test_an_object_whose_owner_changed_since_the_plan_is_not_pruned(
    desk: Desk, cluster: Cluster, namespace: str, planned_by: str
) -> None:
    await replace(desk, uid=planned_by).apply(config_map(namespace))
    planned = removal(cluster, config_map(namespace))
    ref = ObjectRef("", "ConfigMap", namespace, "settings")
    owner = desks.STAMPS.owner("00000000-0000-4000-8000-000000000003", ref)
    touch = {"metadata": {"annotations": {"towline.dev/owner": owner}}}
    cluster.patch("v1", "ConfigMap", "settings", namespace, touch)

    written = await desk.prune(planned)

    assert [(each.change.action, each.change.reason) for each in written.outcomes] == [
        (Action.SKIP, "Inherited")
    ]
    assert cluster.get("v1", "ConfigMap", "settings", namespace)


async def test_pruning_what_is_gone_already_succeeds(desk: Desk, cluster: Cluster, namespace: str) -> None:
    await desk.apply(config_map(namespace))
    planned = removal(cluster, config_map(namespace))
    cluster.delete("v1", "ConfigMap", "settings", namespace)

    assert (await desk.prune(planned)).clean


async def test_a_pruned_object_with_a_finalizer_is_done_and_shown_as_terminating(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    await desk.apply(config_map(namespace))
    held = {"metadata": {"finalizers": ["example.com/hold"]}}
    cluster.patch("v1", "ConfigMap", "settings", namespace, held)

    written = await desk.prune(removal(cluster, config_map(namespace)))

    [outcome] = written.outcomes
    assert outcome.result is Result.DONE
    assert outcome.live is not None
    assert outcome.live.terminating
    assert outcome.kept.startswith("is being deleted, and waits for finalizer example.com/hold")
    cluster.patch("v1", "ConfigMap", "settings", namespace, {"metadata": {"finalizers": None}})


async def test_a_deletion_that_admission_denies_fails_and_the_others_go_on(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    kept, gone = config_map(namespace, "kept"), config_map(namespace, "gone")
    await desk.apply(kept, gone)
    rule = "request.operation != 'DELETE' || oldObject.metadata.name != 'kept'"
    with denying(cluster, namespace, ["DELETE"], rule):
        await asyncio.to_thread(
            eventually, lambda: is_denied(cluster, namespace, "kept"), message="the admission policy"
        )
        written = await desk.prune(removal(cluster, kept), removal(cluster, gone))

    assert reasons(written) == {"kept": "AdmissionDenied", "gone": "done"}
    assert cluster.find("v1", "ConfigMap", "kept", namespace)


@contextmanager
def denying(cluster: Cluster, namespace: str, operations: list[str], rule: str) -> Iterator[None]:
    """Let an admission policy deny what breaks a CEL rule, for ConfigMaps of one namespace."""
    resources = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": operations,
        "resources": ["configmaps"],
    }
    group = "admissionregistration.k8s.io/v1"
    policy = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {
            "matchConstraints": {
                "resourceRules": [resources],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            },
            "validations": [{"expression": rule, "message": "not on my watch"}],
        },
    }
    binding = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace, "validationActions": ["Deny"]},
    }
    cluster.create(policy)
    cluster.create(binding)
    try:
        yield
    finally:
        cluster.delete(group, "ValidatingAdmissionPolicyBinding", namespace)
        cluster.delete(group, "ValidatingAdmissionPolicy", namespace)


def is_denied(cluster: Cluster, namespace: str, name: str) -> bool:
    """Say whether the deletion of a ConfigMap is denied by now, without doing it."""
    try:
        cluster.kubectl("delete", "configmap", name, "-n", namespace, "--dry-run=server")
    except KubectlError as error:
        return "not on my watch" in str(error)
    return False
