"""Explain what keeps an object that is being deleted, and who should let it go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from towline.api import labels
from towline.fields import managed
from towline.model import Body
from towline.read.explanation.cause import FoundCause

REASON = "Terminating"


class _Remover(NamedTuple):
    """Who removes a finalizer, and when."""

    who: str
    when: str


_REMOVERS: Mapping[str, _Remover] = MappingProxyType(
    {
        labels.FINALIZER: _Remover("the Towline operator", "when its objects are deleted or released"),
        "kubernetes": _Remover("the namespace controller", "when everything in the namespace is gone"),
        "foregroundDeletion": _Remover("the garbage collector", "when the objects that it owns are gone"),
        "orphan": _Remover("the garbage collector", "when the objects that it owns have no owner"),
        "kubernetes.io/pvc-protection": _Remover(
            "the controller of PersistentVolumeClaims", "when no Pod uses it"
        ),
        "kubernetes.io/pv-protection": _Remover(
            "the controller of PersistentVolumes", "when no PersistentVolumeClaim is bound to it"
        ),
        "batch.kubernetes.io/job-tracking": _Remover("the Job controller", "when it has counted the Pod"),
        "service.kubernetes.io/load-balancer-cleanup": _Remover(
            "the service controller of the cloud", "when its load balancer is gone"
        ),
        "customresourcecleanup.apiextensions.k8s.io": _Remover(
            "the API server", "when all objects of the kind are gone"
        ),
    }
)
"""Who removes the finalizers of Kubernetes and of Towline."""


def causes(body: Body, name: str) -> Iterator[FoundCause]:
    """Yield a cause for each finalizer of an object that is being deleted.

    Args:
        body: the object.
        name: as `Kind.group/namespace/name`.
    """
    metadata = body["metadata"]
    held = dict(managed.finalizers(body))
    for each in (body.get("spec") or {}).get("finalizers") or ():
        held.setdefault(str(each), "")
    for index, (finalizer, manager) in enumerate(held.items()):
        yield FoundCause(
            object=name,
            pointer=f"/metadata/finalizers/{index}"
            if index < len(metadata.get("finalizers") or ())
            else "/spec/finalizers",
            author=manager,
            reason=REASON,
            evidence=f"waits for the finalizer {finalizer}, which {_removal(finalizer, manager)}",
        )


def sentence(shown: str, body: Body, found: tuple[FoundCause, ...]) -> str:
    """Say what an object waits for that is being deleted."""
    since = body["metadata"]["deletionTimestamp"]
    told = "; ".join(each.evidence for each in found)
    return f"{shown} is being deleted since {since}" + (
        f", and {told}" if told else ": nothing holds it, so it ends soon"
    )


def _removal(finalizer: str, manager: str) -> str:
    if known := _REMOVERS.get(finalizer):
        return f"{known.who} removes {known.when}: check that it runs"
    domain = finalizer.partition("/")[0]
    set_by = f" (set by {manager})" if manager else ""
    return f"the controller of {domain}{set_by} should remove: check that it runs"
