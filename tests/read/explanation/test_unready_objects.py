"""What is not ready is explained by the change of the very field that its words point to, or by what it needs."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from towline.api.syncrecord import ChangeEntry, Ending, FieldChange, SyncRecord
from towline.model import Body, GroupKind, Health, ObjectRef, State
from towline.read.explanation import cause, health_causes, read_objects
from towline.read.explanation.cause import Explanation, FoundCause
from towline.read.explanation.health_causes import UnreadyObject
from towline.read.explanation.known_syncs import KnownSyncs
from towline.read.explanation.read_objects import LackingObject

from tests.read.explanation.test_repository_explanation import entry, record

HEALTHY, FIRST, SECOND = "a" * 40, "b" * 40, "c" * 40
POD = "/spec/template/spec"
WEB = f"{POD}/containers/0"
SIDE = f"{POD}/containers/1"
WORKLOAD: dict[str, Any] = {
    "replicas": 3,
    "template": {
        "spec": {
            "nodeSelector": {"disk": "ssd"},
            "containers": [
                {
                    "name": "web",
                    "image": "web:2",
                    "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "a"}}}],
                    "resources": {"limits": {"memory": "1Mi"}, "requests": {"cpu": "64"}},
                    "readinessProbe": {"httpGet": {"port": 81}},
                },
                {"name": "side", "image": "side:1", "envFrom": [{"configMapRef": {"name": "settings"}}]},
            ],
        }
    },
}


class Told(NamedTuple):
    """What is told of an object, and the field that is to blame."""

    words: str
    field: str
    kind: GroupKind = GroupKind("apps", "Deployment")
    spec: Body = WORKLOAD


HPA = GroupKind("autoscaling", "HorizontalPodAutoscaler")
SCALED: Body = {"scaleTargetRef": {"name": "web"}, "metrics": [{"type": "Resource"}], "maxReplicas": 3}
SITUATIONS = {
    "image pull": Told("cannot pull web:2 (ErrImagePull)", f"{WEB}/image"),
    "image pull of a sidecar": Told("cannot pull side:1 (ImagePullBackOff)", f"{SIDE}/image"),
    "image name": Told("container web: InvalidImageName (image web:2)", f"{WEB}/image"),
    "crash loop": Told("container web: CrashLoopBackOff: exit code 1 (image web:2)", f"{WEB}/image"),
    "crash of a sidecar": Told(
        "container side: CrashLoopBackOff: exit code 1 (image side:1)", f"{SIDE}/image"
    ),
    "out of memory": Told(
        "container web: CrashLoopBackOff: OOMKilled, exit code 137 (image web:2)",
        f"{WEB}/resources/limits/memory",
    ),
    "config": Told(
        "container web: CreateContainerConfigError (image web:2)", f"{WEB}/env/0/valueFrom/secretKeyRef/name"
    ),
    "no room": Told("0/3 nodes are available: 3 Insufficient cpu.", f"{WEB}/resources/requests/cpu"),
    "no such node": Told(
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector",
        f"{POD}/nodeSelector/disk",
    ),
    "readiness probe": Told("0 of 3 replicas are available", f"{WEB}/readinessProbe/httpGet/port"),
    "progress deadline": Told(
        'ReplicaSet "web-1" has timed out progressing', f"{WEB}/readinessProbe/httpGet/port"
    ),
    "quota of Pods": Told(
        'pods "web-1" is forbidden: exceeded quota: small', f"{WEB}/resources/requests/cpu"
    ),
    "backoff limit": Told(
        "Job has reached the specified backoff limit", f"{WEB}/image", GroupKind("batch", "Job")
    ),
    "job deadline": Told(
        "Job was active longer than specified deadline",
        "/spec/activeDeadlineSeconds",
        GroupKind("batch", "Job"),
        {**WORKLOAD, "activeDeadlineSeconds": 1},
    ),
    "autoscaler without target": Told(
        "the HPA controller was unable to get the target's current scale",
        "/spec/scaleTargetRef/name",
        HPA,
        SCALED,
    ),
    "autoscaler without metrics": Told(
        "the HPA was unable to compute the replica count: failed to get cpu: unable to get metrics",
        "/spec/metrics/0/type",
        HPA,
        SCALED,
    ),
    "load balancer": Told(
        "the load balancer has no address yet",
        "/spec/type",
        GroupKind("", "Service"),
        {"type": "LoadBalancer"},
    ),
    "claim": Told(
        "the claim is not bound yet (storage class fast)",
        "/spec/storageClassName",
        GroupKind("", "PersistentVolumeClaim"),
        {"storageClassName": "fast"},
    ),
    "disruption budget": Told(
        "1 of 2 Pods are healthy",
        "/spec/minAvailable",
        GroupKind("policy", "PodDisruptionBudget"),
        {"minAvailable": 2},
    ),
    "API service": Told(
        "failing or missing response from https://10.0.0.1",
        "/spec/service/name",
        GroupKind("apiregistration.k8s.io", "APIService"),
        {"service": {"name": "metrics", "namespace": "shop"}},
    ),
}


def unready(told: Told, *lacking: LackingObject) -> UnreadyObject:
    return UnreadyObject(
        ref=ObjectRef(*told.kind, "shop", "web"),
        health=Health(State.FAILED),
        said=told.words,
        body={"kind": told.kind.kind, "metadata": {"name": "web"}, "spec": told.spec},
        lacking=lacking,
    )


def history(*records: tuple[str, ChangeEntry]) -> KnownSyncs:
    """Return records of commits, given oldest first, after one with which all was ready."""
    made: list[SyncRecord] = [record(1, HEALTHY, outcome=Ending.SUCCEEDED)]
    made += [record(number, sha, each) for number, (sha, each) in enumerate(records, 2)]
    return KnownSyncs(records=tuple(reversed(made)))


def only(found: UnreadyObject, syncs: KnownSyncs, healthy: str = HEALTHY) -> FoundCause:
    (each,) = health_causes.causes(found, syncs, healthy, SECOND)
    return each


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_new_object_is_blamed_on_the_field_that_its_words_point_to(name: str) -> None:
    told = SITUATIONS[name]
    found = unready(told)
    each = only(found, history((FIRST, entry(found.ref, "create", FIRST))))
    assert (each.pointer, each.commit, each.author) == (told.field, FIRST, "Bob")


@pytest.mark.parametrize("name", SITUATIONS)
def test_of_two_new_changes_the_one_of_the_field_is_blamed(name: str) -> None:
    told = SITUATIONS[name]
    found = unready(told)
    culprit = entry(found.ref, "update", FIRST, "/metadata/labels/a", told.field)
    later = entry(found.ref, "update", SECOND, "/metadata/labels/a")
    each = only(found, history((FIRST, culprit), (SECOND, later)))
    assert (each.object, each.pointer, each.commit) == (str(found.ref), told.field, FIRST)
    assert told.words in each.evidence
    assert "(was web:1)" in each.evidence


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_json_form_has_the_fields_of_the_contract_and_no_cause_where_nothing_changed(name: str) -> None:
    found = unready(SITUATIONS[name])
    syncs = history((FIRST, entry(found.ref, "create", FIRST)))
    causes = tuple(health_causes.causes(found, syncs, HEALTHY, SECOND))
    body = cause.body(Explanation(sentence="so", since="then", causes=causes))
    assert list(body) == ["sentence", "since", "causes"]
    (each,) = body["causes"]
    assert list(each) == ["object", "pointer", "file", "line", "commit", "author", "reason", "evidence"]
    assert isinstance(each["line"], int)
    assert all(isinstance(value, str) for name, value in each.items() if name != "line")
    assert tuple(health_causes.causes(found, syncs, SECOND, SECOND)) == ()


def test_a_crash_is_blamed_on_what_its_pods_read_rather_than_on_the_number_of_them() -> None:
    found = unready(Told("container web: CrashLoopBackOff: exit code 1 (image web:2)", ""))
    scaled = entry(found.ref, "update", SECOND, "/spec/replicas")
    settings = entry(ObjectRef("", "ConfigMap", "shop", "settings"), "update", FIRST, "/data/level")
    each = only(found, history((FIRST, settings), (SECOND, scaled)))
    assert (each.object, each.pointer, each.commit) == ("ConfigMap/shop/settings", "/data/level", FIRST)


def needed(kind: str, key: str = "") -> LackingObject:
    (read,) = (
        each
        for each in read_objects.read_by({"kind": "Deployment", "spec": WORKLOAD}, "shop")
        if each.ref.kind == kind
    )
    return LackingObject(read, key)


def test_what_a_commit_took_away_from_pods_that_need_it_is_that_commit() -> None:
    found = unready(Told("0 of 3 replicas are available", ""), needed("ConfigMap"))
    pruned = entry(ObjectRef("", "ConfigMap", "shop", "settings"), "prune", FIRST)
    each = only(
        found, history((FIRST, pruned), (SECOND, entry(found.ref, "update", SECOND, "/spec/replicas")))
    )
    assert (each.object, each.reason, each.commit) == ("ConfigMap/shop/settings", "Removed", FIRST)
    assert "ConfigMap shop/settings does not exist" in each.evidence


def test_what_never_existed_is_the_field_that_names_it() -> None:
    found = unready(Told("container web: CreateContainerConfigError (image web:2)", ""), needed("Secret"))
    field = f"{WEB}/env/0/valueFrom/secretKeyRef/name"
    named = entry(found.ref, "update", FIRST, f"{WEB}/env/0")
    later = entry(found.ref, "update", SECOND, f"{WEB}/image")
    each = only(found, history((FIRST, named), (SECOND, later)))
    assert (each.object, each.pointer, each.commit) == (str(found.ref), field, FIRST)
    assert "Secret shop/keys does not exist" in each.evidence


def test_a_missing_key_is_the_change_that_took_it_away() -> None:
    found = unready(
        Told("container web: CreateContainerConfigError (image web:2)", ""), needed("Secret", "a")
    )
    gone = ChangeEntry(
        object="Secret/shop/keys",
        action="update",
        file="keys.yaml",
        line=5,
        commit=FIRST,
        fields=(
            FieldChange(path="/data/b", old="x", new="y"),
            FieldChange(path="/data/a", old="x", new=None),
        ),
    )
    each = only(found, history((FIRST, gone)))
    assert (each.object, each.pointer, each.commit) == ("Secret/shop/keys", "/data/a", FIRST)
    assert "Secret shop/keys has no key a" in each.evidence


def test_what_somebody_deleted_by_hand_is_explained_by_no_change() -> None:
    found = unready(Told("0 of 3 replicas are available", ""), needed("Secret"))
    scaled = entry(found.ref, "update", FIRST, "/spec/replicas")
    assert tuple(health_causes.causes(found, history((FIRST, scaled)), HEALTHY, SECOND)) == ()


def test_optional_objects_are_not_needed() -> None:
    optional = {
        "volumes": [{"configMap": {"name": "extra", "optional": True}}, {"secret": {"secretName": "tls"}}]
    }
    found = tuple(read_objects.read_by({"kind": "Pod", "spec": optional}, "shop"))
    assert [(str(each.ref), each.pointer) for each in found] == [
        ("Secret/shop/tls", "/spec/volumes/1/secret/secretName")
    ]
    assert read_objects.lacks(found[0], {"data": {}}) is None


def test_of_several_missing_objects_the_one_that_the_words_name_comes_first() -> None:
    told = Told('container web: error: secret "keys" not found (image web:2)', "")
    found = unready(told, needed("ConfigMap"), needed("Secret"))
    causes = health_causes.causes(found, history((FIRST, entry(found.ref, "create", FIRST))), HEALTHY, SECOND)
    assert [each.pointer.rpartition("/")[0].rpartition("/")[2] for each in causes] == [
        "secretKeyRef",
        "configMapRef",
    ]
