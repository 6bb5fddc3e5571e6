"""Assess PodDisruptionBudgets."""

from __future__ import annotations

from towline.health.body import condition, count, denied, in_progress, part, short_of, words
from towline.model import CURRENT, Body, Health


def assess(body: Body) -> Health:
    """Wait until as many Pods are healthy as the budget demands."""
    status, allowed = part(body, "status"), condition(body, "DisruptionAllowed")
    if "observedGeneration" not in status:
        return in_progress("the controller has not seen it yet")
    if denied(allowed) and allowed.get("reason") == "SyncFailed":
        return in_progress(words(allowed))
    healthy, wanted = count(status, "currentHealthy"), count(status, "desiredHealthy")
    return short_of(healthy, wanted, "Pods that the budget demands are healthy") or CURRENT
