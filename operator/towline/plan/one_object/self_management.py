"""Refuse the objects that the operator itself consists of: it never manages them."""

from __future__ import annotations

from towline.api import gitrepository, labels, syncrecord
from towline.model import Manifest, ObjectRef
from towline.plan import waves
from towline.plan.ownership import Policy

_OUR_CRDS = frozenset({"gitrepositories.towline.dev", "syncrecords.towline.dev"})


def refusal(manifest: Manifest, policy: Policy) -> str | None:
    """Return why an object may not be managed, for it belongs to the operator itself; None where it may."""
    ref = manifest.ref
    if ref.group_kind == waves.CRD and ref.name in _OUR_CRDS:
        return "Towline's own CRDs are installed with the operator, not by it"
    if ref.group_kind == syncrecord.RESOURCE.group_kind:
        return "only the operator writes sync records"
    if ref == ObjectRef(*gitrepository.RESOURCE.group_kind, *policy.key):
        return "a GitRepository cannot manage itself"
    if ref in policy.installation:
        return "it belongs to the operator's installation, and is managed with that, not by Towline"
    if _names_keys(manifest, policy):
        return f"it names {labels.KEYS}, the Secret of the operator's own keys, which no other object may use"
    return None


def _names_keys(manifest: Manifest, policy: Policy) -> bool:
    """Tell whether an object beside the operator's Secret names it anywhere: a pod could mount it."""
    own = ObjectRef("", "Secret", manifest.ref.namespace, labels.KEYS)
    return own in policy.installation and f'"{labels.KEYS}"'.encode() in manifest.content
