"""Assess DaemonSets."""

from __future__ import annotations

from towline.health.body import count, in_progress, part, short_of, text
from towline.model import CURRENT, Body, Health


def assess(body: Body) -> Health:
    """Wait until each chosen node has an available Pod; with OnDelete, Pods may still be of the former revision."""
    status = part(body, "status")
    if "observedGeneration" not in status:
        return in_progress("the controller has not seen it yet")
    wanted = count(status, "desiredNumberScheduled")
    by_hand = text(part(body, "spec", "updateStrategy"), "type") == "OnDelete"
    return (
        short_of(count(status, "currentNumberScheduled"), wanted, "nodes have a Pod")
        or (
            None if by_hand else short_of(count(status, "updatedNumberScheduled"), wanted, "Pods are updated")
        )
        or short_of(count(status, "numberAvailable"), wanted, "Pods are available")
        or short_of(count(status, "numberReady"), wanted, "Pods are ready")
        or CURRENT
    )
