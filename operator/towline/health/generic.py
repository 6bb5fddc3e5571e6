"""Assess kinds without a rule of their own, by the conditions that most controllers set."""

from __future__ import annotations

from towline.health.body import condition, count, denied, failed, holds, in_progress, part, words
from towline.model import CURRENT, Body, Health


def unobserved(body: Body) -> str:
    """Return a sentence if the controller has not observed the newest spec; empty if it has, or does not say."""
    wanted = count(part(body, "metadata"), "generation", -1)
    seen = count(part(body, "status"), "observedGeneration", wanted)
    return "" if seen == wanted else f"generation {wanted} is not observed yet"


def assess(body: Body) -> Health:
    """Assess by the conditions Stalled, Reconciling and Ready, in this order; an object with none of them is ready."""
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
