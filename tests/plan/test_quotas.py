from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from towline.errors import Failure
from towline.model import Action, Change, ObjectRef
from towline.plan import quotas

from tests.plan.strategies import SHA, manifest

PLURALS = {
    ObjectRef("", kind, "", "").group_kind: plural
    for kind, plural in (
        ("ConfigMap", "configmaps"),
        ("Pod", "pods"),
        ("PersistentVolumeClaim", "persistentvolumeclaims"),
        ("Service", "services"),
    )
} | {ObjectRef("apps", "Deployment", "", "").group_kind: "deployments"}


def creation(name: str, kind: str = "ConfigMap", group: str = "", **spec: Any) -> Change:
    ref = ObjectRef(group, kind, "shop", name)
    found = manifest(ref)
    content = orjson.dumps({**found.body, "spec": spec})
    return Change(action=Action.CREATE, ref=ref, manifest=replace(found, content=content))


def pod(name: str, *containers: dict[str, Any], first: tuple[dict[str, Any], ...] = ()) -> Change:
    def resources(each: dict[str, Any]) -> dict[str, Any]:
        return {"name": "a", "resources": each}

    return creation(
        name,
        "Pod",
        containers=list(map(resources, containers)),
        initContainers=list(map(resources, first)),
    )


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "few", "namespace": "shop"},
        "spec": {"hard": hard, **more},
        "status": {"hard": hard, "used": used or dict.fromkeys(hard, "0")},
    }


def refused(created: list[Change], *found: dict[str, Any]) -> tuple[Failure, ...]:
    return quotas.exceeded(created, PLURALS, found, SHA)


def test_what_a_quota_admits_one_by_one_and_not_together_is_refused_at_the_first_that_does_not_fit() -> None:
    created = [creation(name) for name in "abc"]
    (failure,) = refused(created, quota({"count/configmaps": "3"}, {"count/configmaps": "1"}))
    assert (failure.object, failure.reason) == ("ConfigMap/shop/c", "QuotaExceeded")
    assert (failure.file, failure.line, failure.commit) == ("app/all.yaml", 1, SHA)
    assert failure.message == (
        "quota few allows 3 of count/configmaps, 1 are used, and what this commit creates needs 3"
    )
    assert refused(created[:2], quota({"count/configmaps": "3"}, {"count/configmaps": "1"})) == ()


GIBI = {"requests": {"memory": "1Gi"}}


@pytest.mark.parametrize(
    ("created", "hard", "needs"),
    [
        ([creation(name) for name in "ab"], {"configmaps": "1"}, "2"),
        ([creation(name, "Deployment", "apps") for name in "ab"], {"count/deployments.apps": "1"}, "2"),
        (
            [creation(name, "Service", type="LoadBalancer") for name in "ab"],
            {"services.loadbalancers": "1"},
            "2",
        ),
        (
            [
                creation(name, "PersistentVolumeClaim", resources={"requests": {"storage": "3Gi"}})
                for name in "ab"
            ],
            {"requests.storage": "5Gi"},
            "6144Mi",
        ),
        ([pod("a", GIBI), pod("b", GIBI, GIBI)], {"requests.memory": "2Gi"}, "3072Mi"),
        ([pod("a", {"limits": {"cpu": "700m"}}), pod("b", {"limits": {"cpu": "800m"}})], {"cpu": "1"}, "1.5"),
        (
            [pod("a", GIBI), pod("b", GIBI, first=({"requests": {"memory": "4Gi"}},))],
            {"memory": "4Gi"},
            "5120Mi",
        ),
    ],
)
def test_objects_and_what_they_ask_for_are_added_up(
    created: list[Change], hard: dict[str, str], needs: str
) -> None:
    (failure,) = refused(created, quota(hard))
    assert failure.object == str(created[-1].ref)
    assert failure.message.endswith(f"what this commit creates needs {needs}")


def test_what_is_counted_elsewhere_or_cannot_be_counted_is_no_refusal() -> None:
    created = [creation(name) for name in "abc"]
    elsewhere = quota({"configmaps": "1"})
    elsewhere["metadata"]["namespace"] = "other"
    assert refused(created, elsewhere) == ()
    assert refused(created, quota({"pods": "1", "secrets": "0"})) == ()
    assert refused(created, quota({"configmaps": "1"}, scopes=["BestEffort"])) == ()
    assert refused(created, {**quota({"configmaps": "1"}), "status": {}}) == ()
