"""The rule for every kind without one of its own: what most controllers say by their conditions."""

from __future__ import annotations

from towline.health.body import condition, count, denied, failed, holds, in_progress, part, words
from towline.model import CURRENT, Body, Health


def unobserved(body: Body) -> str:
    """Say that the controller has not seen the present spec; empty where it has, or does not say what it has seen."""
    wanted = count(part(body, "metadata"), "generation", -1)
    seen = count(part(body, "status"), "observedGeneration", wanted)
    return "" if seen == wanted else f"generation {wanted} is not observed yet"


def assess(body: Body) -> Health:
    """Believe Stalled, Reconciling and Ready, in this order; an object with none of them is current."""
    stalled, reconciling, ready = (condition(body, kind) for kind in ("Stalled", "Reconciling", "Ready"))
    if holds(stalled):
        return failed(words(stalled, "Stalled"))
    if holds(reconciling):
        return in_progress(words(reconciling, "Reconciling"))
    if denied(ready) or ready.get("status") == "Unknown":
        return in_progress(words(ready, "not Ready"))
    wanted = count(part(body, "metadata"), "generation", -1)
    if count(ready, "observedGeneration", wanted) < wanted:
        return in_progress(f"Ready does not speak of generation {wanted} yet")
    return CURRENT
