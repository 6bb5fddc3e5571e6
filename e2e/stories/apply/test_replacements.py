"""Changes that a plain apply cannot make: immutable fields and unions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from towline.errors import Refusal
from towline.model import Action

from e2e.harness.cluster import Cluster, Object
from e2e.harness.desk import Desk, deployment, reasons
from e2e.scenes.drift import custom_kinds


def relabelled(namespace: str) -> Object:
    """A Deployment whose selector, which never changes in place, differs from `deployment`'s."""
    body = deployment(namespace)
    body["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    body["spec"]["template"]["metadata"] = {"labels": {"app": "other"}}
    return body


@pytest.mark.parametrize("careful", [True, False])
async def test_an_immutable_field_is_a_refusal_unless_force_allows_a_replacement(
    desk: Desk, cluster: Cluster, namespace: str, *, careful: bool
) -> None:
    await desk.apply(deployment(namespace))
    uid = cluster.get("apps/v1", "Deployment", "web", namespace)["metadata"]["uid"]

    refused = await desk.preflight(relabelled(namespace), action=Action.UPDATE)
    assert [failure.reason for failure in refused.failures] == [Refusal.IMMUTABLE_FIELD]
    assert [failure.field for failure in refused.failures] == ["/spec/selector"]
    assert cluster.get("apps/v1", "Deployment", "web", namespace)["metadata"]["uid"] == uid

    forced = replace(desk, force=True, careful=careful)
    written = await forced.apply(relabelled(namespace), action=Action.UPDATE)
    assert reasons(written) == {"web": "done"}
    assert [outcome.change.action for outcome in written.outcomes] == [Action.REPLACE]
    found = cluster.get("apps/v1", "Deployment", "web", namespace)
    assert found["metadata"]["uid"] != uid
    assert found["spec"]["selector"] == {"matchLabels": {"app": "other"}}


async def test_one_object_may_say_itself_that_it_can_be_replaced(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    await desk.apply(deployment(namespace))
    body = relabelled(namespace)
    body["metadata"] |= {"annotations": {"towline.dev/force": "Enabled"}}

    written = await desk.apply(body, action=Action.UPDATE)

    assert [outcome.change.action for outcome in written.outcomes] == [Action.REPLACE]


async def test_what_could_not_be_created_again_is_not_deleted(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    await desk.apply(deployment(namespace))
    uid = cluster.get("apps/v1", "Deployment", "web", namespace)["metadata"]["uid"]
    body = relabelled(namespace)
    body["spec"]["replicas"] = -1

    flight = await replace(desk, force=True).preflight(body, action=Action.UPDATE)

    assert {failure.reason for failure in flight.failures} == {Refusal.IMMUTABLE_FIELD, Refusal.INVALID}
    assert cluster.get("apps/v1", "Deployment", "web", namespace)["metadata"]["uid"] == uid


async def test_a_volume_claim_is_never_replaced(desk: Desk, cluster: Cluster, namespace: str) -> None:
    claim: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    await desk.apply(claim)
    changed = {**claim, "spec": {**claim["spec"], "accessModes": ["ReadWriteMany"]}}

    flight = await replace(desk, force=True).preflight(changed, action=Action.UPDATE)

    assert [failure.reason for failure in flight.failures] == [Refusal.IMMUTABLE_FIELD]


async def test_a_strategy_that_leaves_parameters_of_the_server_behind_is_written(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    await desk.apply(deployment(namespace))

    written = await desk.apply(deployment(namespace, strategy={"type": "Recreate"}), action=Action.UPDATE)

    assert written.clean, written.outcomes
    found = cluster.get("apps/v1", "Deployment", "web", namespace)
    assert found["spec"]["strategy"] == {"type": "Recreate"}
    entries = [
        each["operation"] for each in found["metadata"]["managedFields"] if "towline" in each["manager"]
    ]
    assert entries == ["Apply"]


@pytest.mark.parametrize("careful", [True, False])
async def test_a_union_that_somebody_swapped_is_repaired(
    desk: Desk, cluster: Cluster, namespace: str, *, careful: bool
) -> None:
    body = deployment(namespace)
    main = {"name": "main", "image": "registry.example/web:1", "env": [{"name": "A", "value": "ours"}]}
    body["spec"]["template"]["spec"] = {"containers": [main], "volumes": [{"name": "disk", "emptyDir": {}}]}
    await desk.apply(body)
    theirs = {"name": "A", "value": None, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    pod = {
        "containers": [{**main, "env": [theirs]}],
        "volumes": [{"name": "disk", "hostPath": {"path": "/"}}],
    }
    cluster.patch("apps/v1", "Deployment", "web", namespace, {"spec": {"template": {"spec": pod}}})

    written = await replace(desk, careful=careful).apply(body, action=Action.REPAIR)

    assert written.clean, written.outcomes
    spec = cluster.get("apps/v1", "Deployment", "web", namespace)["spec"]["template"]["spec"]
    assert spec["containers"][0]["env"] == [{"name": "A", "value": "ours"}]
    assert spec["volumes"] == [{"name": "disk", "emptyDir": {}}]


def priority_class(name: str, value: int) -> Object:
    """A PriorityClass, whose value never changes in place."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
    }


def pod(namespace: str, account: str) -> Object:
    """A bare Pod; its service account never changes in place."""
    main = {"name": "main", "image": "registry.example/web:1"}
    spec = {"containers": [main], "serviceAccountName": account, "automountServiceAccountToken": False}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bare", "namespace": namespace},
        "spec": spec,
    }


def binding(namespace: str, role: str) -> Object:
    """A RoleBinding, whose role never changes in place."""
    api = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{api}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "bound", "namespace": namespace},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": role},
        "subjects": [],
    }


async def replaced(desk: Desk, before: Object, after: Object) -> None:
    """Apply one object, then another content of it: refused as immutable, and made anew where the object says so."""
    assert (await desk.apply(before)).clean
    refused = await desk.preflight(after, action=Action.UPDATE)
    assert {failure.reason for failure in refused.failures} == {Refusal.IMMUTABLE_FIELD}, refused.failures
    forced = {**after, "metadata": {**after["metadata"], "annotations": {"towline.dev/force": "Enabled"}}}
    written = await desk.apply(forced, action=Action.UPDATE)
    assert written.clean, written.outcomes
    assert [outcome.change.action for outcome in written.outcomes] == [Action.REPLACE]


async def test_a_field_is_immutable_whatever_the_kind_says_of_it(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    try:
        await replaced(desk, priority_class(namespace, 1000), priority_class(namespace, 2000))
        assert cluster.get("scheduling.k8s.io/v1", "PriorityClass", namespace)["value"] == 2000
    finally:
        cluster.delete("scheduling.k8s.io/v1", "PriorityClass", namespace)
    await replaced(desk, binding(namespace, "view"), binding(namespace, "edit"))
    for account in ("one", "two"):
        cluster.create(
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": account, "namespace": namespace},
            }
        )
    await replaced(desk, pod(namespace, "one"), pod(namespace, "two"))


async def test_a_rule_of_a_custom_resource_makes_a_field_immutable_in_any_language(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    group = f"{namespace}.example.com"
    body = custom_kinds.definition(custom_kinds.widget(group))
    rule = {"rule": "self == oldSelf", "message": "la couleur ne peut plus être modifiée"}
    for version in body["spec"]["versions"]:
        colour = {"type": "string", "maxLength": 20, "x-kubernetes-validations": [rule]}
        spec = {"type": "object", "properties": {"colour": colour}}
        version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
        version["subresources"] = {}
    with custom_kinds.defined(cluster, body):
        thing: Object = {
            "apiVersion": f"{group}/v1",
            "kind": "Widget",
            "metadata": {"name": "first", "namespace": namespace},
        }
        await replaced(desk, {**thing, "spec": {"colour": "blue"}}, {**thing, "spec": {"colour": "red"}})
