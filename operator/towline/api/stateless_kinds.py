"""Which kinds are ready as soon as they exist: of them, only metadata is ever read."""

from __future__ import annotations

from towline.model import GroupKind

_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_STORAGE = "storage.k8s.io"

STATELESS = frozenset(
    {
        GroupKind("", "ConfigMap"),
        GroupKind("", "Secret"),
        GroupKind("", "ServiceAccount"),
        GroupKind("", "LimitRange"),
        GroupKind("", "ResourceQuota"),
        GroupKind("", "Endpoints"),
        GroupKind("", "PodTemplate"),
        GroupKind("apps", "ControllerRevision"),
        GroupKind("coordination.k8s.io", "Lease"),
        GroupKind("discovery.k8s.io", "EndpointSlice"),
        GroupKind("networking.k8s.io", "IngressClass"),
        GroupKind("networking.k8s.io", "NetworkPolicy"),
        GroupKind("node.k8s.io", "RuntimeClass"),
        GroupKind("scheduling.k8s.io", "PriorityClass"),
        *(GroupKind(_RBAC, kind) for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")),
        *(GroupKind(_STORAGE, kind) for kind in ("StorageClass", "CSIDriver", "VolumeAttributesClass")),
        *(
            GroupKind(_ADMISSION, kind)
            for kind in (
                "ValidatingWebhookConfiguration",
                "MutatingWebhookConfiguration",
                "ValidatingAdmissionPolicy",
                "ValidatingAdmissionPolicyBinding",
                "MutatingAdmissionPolicy",
                "MutatingAdmissionPolicyBinding",
            )
        ),
    }
)
"""The kinds without a status; the API server acts on them itself, or nobody does."""


def is_stateless(kind: GroupKind) -> bool:
    """Tell whether the metadata of an object of this kind is all that its health depends on."""
    return kind in STATELESS
