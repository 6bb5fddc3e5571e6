"""Which changes of a plan may lift a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from towline.apply.causes import Causes
from towline.model import Action, Change, ObjectRef, Origin
from towline.plan import waves
from towline.plan.manifest import declare

ADMISSION = "admissionregistration.k8s.io"
RBAC = "rbac.authorization.k8s.io"


def change(ref: ObjectRef, wave: str = "", **content: Any) -> Change:
    annotations = {"towline.dev/wave": wave} if wave else {}
    body = {
        "apiVersion": f"{ref.group}/v1",
        "kind": ref.kind,
        "metadata": {"name": ref.name, "annotations": annotations},
        **content,
    }
    manifest = declare(body, ref, "d", Origin("a.yaml", 1))
    return Change(action=Action.UPDATE, ref=ref, manifest=manifest, wave=waves.wave(manifest))


HERE = ObjectRef("", "Namespace", "", "here")
POLICY = ObjectRef(ADMISSION, "ValidatingAdmissionPolicy", "", "few")
BINDING = ObjectRef(ADMISSION, "ValidatingAdmissionPolicyBinding", "", "few-here")
HOOK = ObjectRef(ADMISSION, "ValidatingWebhookConfiguration", "", "guard")
LIMITS = ObjectRef("", "LimitRange", "here", "limits")
QUOTA = ObjectRef("", "ResourceQuota", "here", "small")
ROLE = ObjectRef(RBAC, "Role", "here", "r")
CLUSTER_ROLE = ObjectRef(RBAC, "ClusterRole", "", "r")
CLASS = ObjectRef("storage.k8s.io", "StorageClass", "", "fast")
WEB = change(ObjectRef("apps", "Deployment", "here", "web"))
PLAN = [
    *(change(ref) for ref in (HERE, POLICY, BINDING, LIMITS, QUOTA, ROLE, CLUSTER_ROLE, CLASS)),
    change(HOOK, webhooks=[{"name": "guard.example.com"}]),
    *(
        change(ObjectRef(ref.group, ref.kind, "there" if ref.namespace else "", "other"))
        for ref in (HERE, POLICY, BINDING, HOOK, LIMITS, QUOTA, ROLE)
    ),
    change(ObjectRef("", "ConfigMap", "here", "settings")),
    WEB,
]


@pytest.mark.parametrize(
    ("refusal", "lifting"),
    [
        (
            (
                "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'few' with binding 'few-here' denied "
                "request: failed expression: object.spec.replicas <= 2"
            ),
            {POLICY, BINDING, HERE},
        ),
        ('admission webhook "guard.example.com" denied the request: no', {HOOK, HERE}),
        (
            'Internal error occurred: failed calling webhook "guard.example.com": failed to call webhook',
            {HOOK, HERE},
        ),
        ('pods "web" is forbidden: violates PodSecurity "restricted:latest": privileged', {HERE}),
        (
            (
                'persistentvolumeclaims "data" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, '
                "but request is 5Gi"
            ),
            {LIMITS},
        ),
        ('pods "a" is forbidden: [minimum cpu usage per Pod is 1, but request is 0]', {LIMITS}),
        (
            'pods "a" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 4',
            {LIMITS},
        ),
        (
            (
                'services "web" is forbidden: exceeded quota: small, requested: services=1, used: services=1, limited: '
                "services=1"
            ),
            {QUOTA},
        ),
        ('pods "a" is forbidden: failed quota: small: must specify limits.cpu for: a', {QUOTA, LIMITS}),
        (
            'pods "a" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [x]}]',
            {QUOTA},
        ),
        (
            (
                'leases "a" is forbidden: User "towline" cannot patch resource "leases" in API group '
                '"coordination.k8s.io" in the namespace "here"'
            ),
            {ROLE, CLUSTER_ROLE},
        ),
        (
            (
                'roles "x" is forbidden: user "towline" (groups=["a"]) is attempting to grant RBAC permissions not '
                "currently held: {}"
            ),
            {ROLE, CLUSTER_ROLE},
        ),
        (
            (
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
                "support resize"
            ),
            {CLASS},
        ),
        ('Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be at least 0', set()),
        ('namespaces "here" not found', set()),
    ],
)
def test_a_refusal_waits_for_what_it_names_and_for_nothing_else(
    refusal: str, lifting: set[ObjectRef]
) -> None:
    assert Causes(PLAN).of(refusal, WEB) == lifting


def test_what_git_puts_into_a_later_wave_lifts_nothing() -> None:
    refusal = "ValidatingAdmissionPolicy 'few' with binding 'few-here' denied request: no"
    late, early = change(POLICY, "1"), change(BINDING, "-1")
    assert Causes([late, early]).of(refusal, WEB) == {BINDING}
