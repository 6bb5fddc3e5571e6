"""What a release leaves of an object on a real API server."""

from __future__ import annotations

from dataclasses import replace

from towline.model import Action

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.desk import OTHER_UID, Desk, config_map, deployment, removal, sent


async def test_a_released_object_stays_and_nothing_of_us_stays_on_it(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    body = deployment(namespace)
    body["metadata"] |= {"labels": {"team": "blue"}, "annotations": {"note": "theirs"}}
    await desk.apply(body)
    before = cluster.get("apps/v1", "Deployment", "web", namespace)

    written = await desk.release(removal(cluster, body, Action.RELEASE))

    assert written.clean
    after = cluster.get("apps/v1", "Deployment", "web", namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"] == before["spec"]
    assert after["metadata"]["labels"] == {"team": "blue"}
    ours = [name for name in after["metadata"]["annotations"] if "towline" in name or "change-cause" in name]
    assert ours == []
    assert after["metadata"]["annotations"]["note"] == "theirs"
    left = after["metadata"].get("managedFields", ())  # none at all where no controller has written yet
    assert not [each for each in left if each["manager"].startswith("towline")]


async def test_a_release_leaves_the_entries_of_others_and_an_authors_own_change_cause(
    desk: Desk, cluster: Cluster, namespace: str
) -> None:
    body = deployment(namespace)
    body["metadata"] |= {"annotations": {"kubernetes.io/change-cause": "because"}}
    await desk.apply(body)
    cluster.patch("apps/v1", "Deployment", "web", namespace, {"metadata": {"labels": {"seen": "yes"}}})

    await desk.release(removal(cluster, body, Action.RELEASE))

    found = cluster.get("apps/v1", "Deployment", "web", namespace)["metadata"]
    assert found["annotations"]["kubernetes.io/change-cause"] == "because"
    assert any("f:seen" in str(each) for each in found["managedFields"])


async def test_a_release_does_not_touch_what_is_not_ours_or_gone(
    desk: Desk, cluster: Cluster, audit: AuditLog, namespace: str
) -> None:
    other = replace(desk, name="other", uid=OTHER_UID)
    theirs, gone = config_map(namespace, "theirs"), config_map(namespace, "gone")
    await other.apply(theirs, gone)
    changes = [removal(cluster, body, Action.RELEASE) for body in (theirs, gone)]
    cluster.delete("v1", "ConfigMap", "gone", namespace)
    mark = audit.mark()

    written = await desk.release(*changes)

    assert written.clean
    assert sent(audit, mark) == []
