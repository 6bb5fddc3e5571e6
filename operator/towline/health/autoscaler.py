"""Assess HorizontalPodAutoscalers."""

from __future__ import annotations

from towline.health.body import condition, denied, in_progress, words
from towline.model import CURRENT, Body, Health


def assess(body: Body) -> Health:
    """Wait while the autoscaler cannot work (no target, no metrics); one that is switched off is ready."""
    for kind in ("AbleToScale", "ScalingActive"):
        found = condition(body, kind)
        if denied(found) and found.get("reason") != "ScalingDisabled":
            return in_progress(words(found))
    return CURRENT
