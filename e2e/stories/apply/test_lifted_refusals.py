"""Objects that the API server refuses until another change of the same commit is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from towline import aio
from towline.apply.outcomes import WriteResult
from towline.model import Action, Result

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.desk import Desk, config_map, deployment, plan, reasons, sent

ADMISSION = "admissionregistration.k8s.io/v1"
CREATE, UPDATE = Action.CREATE, Action.UPDATE


def limits(namespace: str, most: str) -> Object:
    limit = {"type": "PersistentVolumeClaim", "max": {"storage": most}}
    return of("v1", "LimitRange", "limits", namespace, spec={"limits": [limit]})


def claim(namespace: str, size: str) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return of("v1", "PersistentVolumeClaim", "data", namespace, spec=spec)


def policy(namespace: str, most: int) -> Object:
    rule = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    spec = {
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": here},
        "validations": [{"expression": f"object.spec.replicas <= {most}"}],
    }
    return of(ADMISSION, "ValidatingAdmissionPolicy", namespace, spec=spec)


def binding(namespace: str) -> Object:
    spec = {"policyName": namespace, "validationActions": ["Deny"]}
    return of(ADMISSION, "ValidatingAdmissionPolicyBinding", namespace, spec=spec)


def of(version: str, kind: str, name: str, namespace: str = "", **content: Object) -> Object:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


async def commit(desk: Desk, *changes: tuple[Object, Action]) -> WriteResult:
    """Do what a pass does with one commit: nothing is refused for good before the first write."""
    planned = [plan(body, action) for body, action in changes]
    flight = await desk.writer.preflight(planned, desk.sync)
    assert flight.failures == ()
    return await desk.writer.write(flight.predictions, desk.sync)


@pytest.fixture
def policed(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A namespace whose name a policy and its binding may bear; both go when the test ends."""
    yield namespace
    for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
        cluster.delete(ADMISSION, kind, namespace)


async def denies(desk: Desk, replicas: int) -> bool:
    found = await desk.preflight(deployment(desk.namespace, "probe", replicas=replicas))
    return bool(found.failures)


async def policed_web(desk: Desk, most: int, replicas: int) -> None:
    """Have a policy that is enforced already, and a Deployment that it lets pass."""
    await desk.apply(policy(desk.namespace, most), binding(desk.namespace))
    assert await aio.until(lambda: denies(desk, most + 1), 10.0)
    await desk.apply(deployment(desk.namespace, replicas=replicas))


async def test_a_claim_waits_for_the_limit_range_that_the_same_commit_widens(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    await desk.apply(limits(namespace, "1Gi"))

    written = await commit(desk, (claim(namespace, "5Gi"), CREATE), (limits(namespace, "9Gi"), UPDATE))

    assert written.clean
    assert cluster.get("v1", "PersistentVolumeClaim", "data", namespace)


async def test_a_limit_range_is_narrowed_after_the_claim_of_the_same_commit(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    await desk.apply(limits(namespace, "9Gi"))

    written = await commit(desk, (claim(namespace, "5Gi"), CREATE), (limits(namespace, "1Gi"), UPDATE))

    assert written.clean
    assert cluster.get("v1", "PersistentVolumeClaim", "data", namespace)


async def test_a_deployment_waits_for_the_policy_that_the_same_commit_relaxes(
    desk: Desk, cluster: Cluster, policed: str
) -> None:
    await policed_web(desk, most=2, replicas=1)

    written = await commit(desk, (deployment(policed, replicas=3), UPDATE), (policy(policed, 9), UPDATE))

    assert written.clean
    assert cluster.get("apps/v1", "Deployment", "web", policed)["spec"]["replicas"] == 3


async def test_what_waits_for_a_policy_is_never_replaced_although_it_says_force(
    desk: Desk, cluster: Cluster, policed: str
) -> None:
    rising = policy(policed, 9)
    steady = "oldObject == null || object.spec.replicas == oldObject.spec.replicas"
    rising["spec"]["validations"] = [{"expression": steady}]
    await desk.apply(rising, binding(policed), deployment(policed, replicas=1))
    uid = cluster.get("apps/v1", "Deployment", "web", policed)["metadata"]["uid"]
    forced = deployment(policed, replicas=3)
    forced["metadata"] = {**forced["metadata"], "annotations": {"towline.dev/force": "Enabled"}}

    async def denied() -> bool:
        [found] = (await desk.preflight(forced, action=UPDATE)).predictions
        return found.change.action is Action.REPLACE

    assert await aio.until(denied, 10.0)
    written = await commit(desk, (forced, UPDATE), (policy(policed, 9), UPDATE))

    assert written.clean
    web = cluster.get("apps/v1", "Deployment", "web", policed)
    assert (web["metadata"]["uid"], web["spec"]["replicas"]) == (uid, 3)


async def test_a_policy_is_tightened_after_what_it_concerns(
    desk: Desk, cluster: Cluster, policed: str
) -> None:
    await policed_web(desk, most=9, replicas=3)

    written = await commit(desk, (policy(policed, 2), UPDATE), (deployment(policed, replicas=1), UPDATE))

    assert written.clean
    assert [outcome.change.ref.kind for outcome in written.outcomes] == [
        "Deployment",
        "ValidatingAdmissionPolicy",
    ]


async def test_a_refusal_whose_cause_the_commit_leaves_alone_writes_nothing(
    desk: Desk, audit: AuditLog, policed: str
) -> None:
    await policed_web(desk, most=2, replicas=1)
    await desk.apply(limits(policed, "1Gi"))
    mark = audit.mark()

    planned = [
        plan(deployment(policed, replicas=3), UPDATE),
        plan(limits(policed, "9Gi"), UPDATE),
        plan(claim(policed, "5Gi"), CREATE),
    ]
    flight = await desk.writer.preflight(planned, desk.sync)

    assert {failure.object for failure in flight.failures} == {f"Deployment.apps/{policed}/web"}
    assert sent(audit, mark) == []


async def test_what_waits_together_is_written_together_or_not_at_all(
    desk: Desk, cluster: Cluster, policed: str
) -> None:
    await policed_web(desk, most=2, replicas=1)

    written = await commit(
        replace(desk, lifted=2.0),
        (policy(policed, 4), UPDATE),
        (deployment(policed, "four", replicas=4), CREATE),
        (deployment(policed, "five", replicas=5), CREATE),
        (config_map(policed, a="1"), CREATE),
    )

    assert reasons(written) == {
        "settings": "done",
        policed: "done",
        "four": str(Result.NOT_TRIED),
        "five": "AdmissionDenied",
    }
    assert cluster.find("apps/v1", "Deployment", "four", policed) is None


async def test_a_service_waits_for_the_quota_that_the_same_commit_raises(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    def quota(most: int) -> Object:
        return of("v1", "ResourceQuota", "small", namespace, spec={"hard": {"services": str(most)}})

    async def full() -> bool:
        return bool((await desk.preflight(service)).failures)

    service = of("v1", "Service", "web", namespace, spec={"ports": [{"port": 80}]})
    await desk.apply(quota(0))
    assert await aio.until(full, 10.0)

    written = await commit(desk, (service, CREATE), (quota(1), UPDATE))

    assert written.clean
    assert cluster.get("v1", "Service", "web", namespace)


async def test_a_pod_waits_for_the_labels_of_its_namespace(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    inner = f"{namespace}-inner"

    def space(level: str) -> Object:
        body = of("v1", "Namespace", inner)
        return {**body, "metadata": {"name": inner, "labels": {"pod-security.kubernetes.io/enforce": level}}}

    container = {"name": "app", "image": "app", "securityContext": {"privileged": True}}
    pod = of("v1", "Pod", "tool", inner, spec={"containers": [container]})
    await desk.apply(space("restricted"))
    assert await aio.until(lambda: exists(cluster, inner), 10.0)

    written = await commit(desk, (pod, CREATE), (space("privileged"), UPDATE))
    cluster.delete("v1", "Namespace", inner)

    assert written.clean


async def exists(cluster: Cluster, namespace: str) -> bool:
    return cluster.find("v1", "ServiceAccount", "default", namespace) is not None
