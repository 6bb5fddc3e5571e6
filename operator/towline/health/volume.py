"""Assess PersistentVolumeClaims and PersistentVolumes."""

from __future__ import annotations

from towline.health.body import failed, in_progress, part, text, words
from towline.model import CURRENT, Body, Health


def assess_claim(body: Body) -> Health:
    """Wait until the claim is bound; one whose volume is gone has failed."""
    phase = text(part(body, "status"), "phase")
    if phase == "Bound":
        return CURRENT
    if phase == "Lost":
        return failed("the volume that the claim was bound to is gone")
    wanted = text(part(body, "spec"), "storageClassName")
    return in_progress("the claim is not bound yet" + (f" (storage class {wanted})" if wanted else ""))


def assess_volume(body: Body) -> Health:
    """Treat a volume as ready unless it is pending, or could not be reclaimed."""
    status = part(body, "status")
    match text(status, "phase"):
        case "Failed":
            return failed(words(status, "the volume could not be reclaimed"))
        case "Pending":
            return in_progress(words(status, "the volume is not available yet"))
    return CURRENT
