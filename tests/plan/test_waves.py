from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from towline.model import Action, Change, GroupKind, Manifest, ObjectRef, Origin
from towline.plan import waves
from towline.plan.manifest import declare

RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"


def declared(ref: ObjectRef, wave: Any = None, **content: Any) -> Manifest:
    metadata: dict[str, Any] = {"name": ref.name}
    if wave is not None:
        metadata["annotations"] = {"towline.dev/wave": wave}
    body = {"apiVersion": f"{ref.group}/v1", "kind": ref.kind, "metadata": metadata, **content}
    return declare(body, ref, "d", Origin("a.yaml", 1))


def of(kind: GroupKind, wave: Any = None) -> int:
    return waves.wave(declared(ObjectRef(kind.group, kind.kind, "", "x"), wave))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (("", "Namespace"), ("", "ServiceAccount")),
        (("apiextensions.k8s.io", "CustomResourceDefinition"), ("scheduling.k8s.io", "PriorityClass")),
        (("scheduling.k8s.io", "PriorityClass"), ("", "ConfigMap")),
        (("storage.k8s.io", "StorageClass"), ("", "PersistentVolumeClaim")),
        (("storage.k8s.io", "VolumeAttributesClass"), ("", "PersistentVolumeClaim")),
        (("node.k8s.io", "RuntimeClass"), ("", "ConfigMap")),
        (("networking.k8s.io", "IngressClass"), ("", "ConfigMap")),
        (("", "PersistentVolumeClaim"), ("", "Pod")),
        (("", "ConfigMap"), (RBAC, "ClusterRole")),
        (("", "Service"), (ADMISSION, "ValidatingAdmissionPolicy")),
        (("", "Service"), (ADMISSION, "MutatingAdmissionPolicy")),
        (("", "Service"), (ADMISSION, "MutatingAdmissionPolicyBinding")),
        (("", "ServiceAccount"), (RBAC, "Role")),
        (("", "ConfigMap"), ("apps", "Deployment")),
        (("", "Secret"), ("apps", "StatefulSet")),
        (("", "Pod"), ("", "ResourceQuota")),
        (("", "ServiceAccount"), ("", "Secret")),
        (("", "PersistentVolumeClaim"), ("", "LimitRange")),
        (("networking.k8s.io", "IngressClass"), ("networking.k8s.io", "Ingress")),
        (("apps", "Deployment"), ("autoscaling", "HorizontalPodAutoscaler")),
        (("apps", "Deployment"), ("policy", "PodDisruptionBudget")),
        (("", "Service"), ("discovery.k8s.io", "EndpointSlice")),
        (
            ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
            ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ),
        (("", "ConfigMap"), ("", "ResourceQuota")),
        (("", "LimitRange"), ("", "Pod")),
        (("", "PersistentVolume"), ("", "Pod")),
        ((RBAC, "Role"), (RBAC, "RoleBinding")),
        ((RBAC, "ClusterRole"), (RBAC, "ClusterRoleBinding")),
        ((RBAC, "RoleBinding"), ("batch", "Job")),
        (("apps", "Deployment"), ("apiregistration.k8s.io", "APIService")),
        (("example.com", "Widget"), (ADMISSION, "ValidatingWebhookConfiguration")),
        (("", "Service"), (ADMISSION, "MutatingWebhookConfiguration")),
        (("", "Service"), (ADMISSION, "ValidatingAdmissionPolicyBinding")),
    ],
)
def test_what_others_need_comes_before_them(earlier: tuple[str, str], later: tuple[str, str]) -> None:
    assert of(GroupKind(*earlier)) < of(GroupKind(*later))


def test_a_kind_of_another_group_that_borrows_a_name_comes_with_everything_else() -> None:
    assert of(GroupKind("serving.example.com", "Namespace")) == of(GroupKind("apps", "Deployment"))


def test_the_wave_annotation_counts_before_the_kind() -> None:
    deployment, config_map, webhook = (
        GroupKind("apps", "Deployment"),
        GroupKind("", "ConfigMap"),
        GroupKind(ADMISSION, "ValidatingWebhookConfiguration"),
    )
    assert of(webhook, "-1") < of(config_map) < of(deployment) < of(config_map, "1") < of(deployment, "1")
    assert of(webhook, "-1000") < of(config_map, "-999")
    assert of(config_map, "0") == of(config_map)
    assert of(config_map, 7) == of(config_map, "7")


@pytest.mark.parametrize(
    "wave", ["one", "1.5", "+1", "--1", " 1", "1 ", "1001", "-1001", "٣", "1" * 5000, True, [1]]
)
def test_a_wave_that_is_no_small_whole_number_is_refused_in_a_sentence(wave: object) -> None:
    with pytest.raises(ValueError, match="must be a whole number from -1000 to 1000"):
        of(GroupKind("", "ConfigMap"), wave)


def test_annotations_that_are_no_map_are_left_to_the_api_server() -> None:
    manifest = declared(ObjectRef("", "ConfigMap", "shop", "x"))
    body = {**manifest.body, "metadata": {"name": "x", "annotations": ["a"]}}
    broken = declare(body, manifest.ref, manifest.digest, manifest.origin)
    assert waves.wave(broken) == waves.ref_wave(manifest.ref.group_kind)


def role_binding(kind: str, namespace: str = "shop") -> Manifest:
    ref = ObjectRef(RBAC, "RoleBinding" if namespace else "ClusterRoleBinding", namespace, "b")
    return declared(ref, roleRef={"apiGroup": RBAC, "kind": kind, "name": "viewer"})


def pod(**spec: Any) -> Manifest:
    return declared(ObjectRef("", "Pod", "shop", "p"), spec=spec)


NAMESPACE = ObjectRef("", "Namespace", "", "shop")


@pytest.mark.parametrize(
    ("manifest", "needed"),
    [
        (declared(ObjectRef("", "ConfigMap", "shop", "x")), NAMESPACE),
        (declared(ObjectRef("example.com", "Widget", "", "w")), GroupKind("example.com", "Widget")),
        (role_binding("Role"), ObjectRef(RBAC, "Role", "shop", "viewer")),
        (role_binding("ClusterRole"), ObjectRef(RBAC, "ClusterRole", "", "viewer")),
        (role_binding("ClusterRole", ""), ObjectRef(RBAC, "ClusterRole", "", "viewer")),
        (pod(), ObjectRef("", "ServiceAccount", "shop", "default")),
        (pod(serviceAccount="web"), ObjectRef("", "ServiceAccount", "shop", "web")),
        (pod(serviceAccountName="web"), ObjectRef("", "ServiceAccount", "shop", "web")),
        (pod(priorityClassName="high"), ObjectRef("scheduling.k8s.io", "PriorityClass", "", "high")),
        (pod(runtimeClassName="kata"), ObjectRef("node.k8s.io", "RuntimeClass", "", "kata")),
    ],
)
def test_a_dry_run_needs_what_the_api_server_looks_up(manifest: Manifest, needed: object) -> None:
    assert needed in waves.needs(manifest)


def test_what_only_controllers_look_up_is_not_needed() -> None:
    spec = {"template": {"spec": {"serviceAccountName": "web", "priorityClassName": "high"}}}
    manifest = declared(ObjectRef("apps", "Deployment", "shop", "web"), spec=spec)
    assert waves.needs(manifest) == {NAMESPACE, GroupKind("apps", "Deployment")}


@pytest.mark.parametrize("kind", ["Group", "RoleBinding"])
def test_a_role_reference_counts_in_a_binding_alone(kind: str) -> None:
    group = RBAC if kind == "Group" else "example.com"
    reference = {"kind": "Role", "name": "viewer"}
    manifest = declared(ObjectRef(group, kind, "shop", "b"), roleRef=reference)
    assert waves.needs(manifest) == {NAMESPACE, GroupKind(group, kind)}


@pytest.mark.parametrize(
    "broken",
    [
        declared(ObjectRef("", "Pod", "shop", "p"), spec=None),
        declared(ObjectRef("", "Pod", "shop", "p"), spec=[]),
        declared(ObjectRef(RBAC, "RoleBinding", "shop", "b"), roleRef="viewer"),
        declared(ObjectRef(RBAC, "RoleBinding", "shop", "b")),
    ],
)
def test_a_manifest_of_the_wrong_shape_needs_no_more_than_its_place(broken: Manifest) -> None:
    assert waves.needs(broken) == {NAMESPACE, broken.ref.group_kind}


def changes(action: Action, manifests: Iterable[Manifest]) -> list[Change]:
    return [Change(action=action, ref=manifest.ref, manifest=manifest) for manifest in manifests]


CRD = declared(
    ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.example.com"),
    spec={"group": "example.com", "names": {"kind": "Widget"}},
)
WIDGET = declared(ObjectRef("example.com", "Widget", "shop", "w"))
SETTINGS = declared(ObjectRef("", "ConfigMap", "shop", "x"))
ELSEWHERE = declared(ObjectRef("", "ConfigMap", "other", "x"))


def test_what_goes_into_a_new_namespace_waits_for_it() -> None:
    new = changes(Action.CREATE, [declared(NAMESPACE), SETTINGS, ELSEWHERE])
    assert waves.deferred(new) == {SETTINGS.ref}


def test_a_namespace_that_exists_holds_nobody_up() -> None:
    known = changes(Action.UPDATE, [declared(NAMESPACE)]) + changes(Action.CREATE, [SETTINGS])
    assert waves.deferred(known) == frozenset()


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.REPAIR])
def test_a_custom_resource_waits_for_a_crd_that_is_new_or_changes(action: Action) -> None:
    assert waves.deferred(changes(action, [CRD]) + changes(Action.UPDATE, [WIDGET, SETTINGS])) == {WIDGET.ref}


def test_a_crd_that_stays_as_it_is_holds_nobody_up() -> None:
    assert waves.deferred(changes(Action.KEEP, [CRD]) + changes(Action.CREATE, [WIDGET])) == frozenset()


def test_a_crd_of_the_wrong_shape_holds_nobody_up() -> None:
    shapes: tuple[Any, ...] = (None, [], {"group": "example.com"}, {"names": ["Widget"]})
    for spec in shapes:
        broken = replace(CRD, content=json.dumps({**CRD.body, "spec": spec}).encode())
        assert waves.deferred(changes(Action.CREATE, [broken, WIDGET])) == frozenset()


def test_only_a_crd_brings_a_kind() -> None:
    other = replace(CRD, ref=ObjectRef("example.com", "Definition", "", "widgets"))
    assert waves.deferred(changes(Action.CREATE, [other, WIDGET])) == frozenset()


def test_what_is_kept_or_removed_never_waits() -> None:
    removed = Change(action=Action.PRUNE, ref=WIDGET.ref)
    kept = changes(Action.KEEP, [SETTINGS])
    assert (
        waves.deferred([*changes(Action.CREATE, [CRD, declared(NAMESPACE)]), *kept, removed]) == frozenset()
    )


def test_a_binding_waits_for_a_role_of_the_same_commit() -> None:
    role = declared(ObjectRef(RBAC, "Role", "shop", "viewer"))
    binding = role_binding("Role")
    assert waves.deferred(changes(Action.CREATE, [binding, role])) == {binding.ref}


def change(
    kind: GroupKind, name: str = "x", wave: Any = None, namespace: str = "", action: Action = Action.UPDATE
) -> Change:
    manifest = declared(ObjectRef(kind.group, kind.kind, namespace, name), wave)
    return Change(action=action, ref=manifest.ref, manifest=manifest, wave=waves.wave(manifest))


POLICY = change(GroupKind(ADMISSION, "ValidatingAdmissionPolicy"))
WEB = change(GroupKind("apps", "Deployment"), namespace="here")


def test_what_an_object_waits_for_comes_before_it_and_everything_else_stays_in_its_place() -> None:
    settings, other = (
        change(GroupKind("", "ConfigMap")),
        change(GroupKind(ADMISSION, "ValidatingAdmissionPolicy"), "y"),
    )
    changes = (settings, WEB, POLICY, other)

    places = waves.places(changes, {WEB.ref: frozenset({POLICY.ref})})

    assert sorted(changes, key=lambda each: places[each.ref]) == [settings, POLICY, WEB, other]


def test_a_grant_that_moves_ahead_takes_the_role_that_it_needs_with_it() -> None:
    role = change(GroupKind(RBAC, "ClusterRole"), "r", action=Action.CREATE)
    ref = ObjectRef(RBAC, "ClusterRoleBinding", "", "b")
    grant = declared(ref, roleRef={"kind": "ClusterRole", "name": "r"})
    binding = Change(action=Action.CREATE, ref=ref, manifest=grant, wave=waves.wave(grant))
    settings = change(GroupKind("", "ConfigMap"), namespace="here")

    places = waves.places((settings, role, binding), {settings.ref: frozenset({ref})})

    assert places[role.ref] < places[ref] < places[settings.ref]


def test_what_an_object_waits_for_does_not_cross_the_wave_that_git_asks_for() -> None:
    late = change(GroupKind("apps", "Deployment"), "late", "1", "here")
    policy = change(GroupKind(ADMISSION, "ValidatingAdmissionPolicy"), "z", "1")

    places = waves.places((WEB, late, policy), {late.ref: frozenset({policy.ref})})

    assert places[WEB.ref] < places[policy.ref] < places[late.ref]
