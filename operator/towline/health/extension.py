"""Assess what adds kinds to the API: CustomResourceDefinitions and APIServices."""

from __future__ import annotations

from towline.health.body import condition, denied, failed, holds, in_progress, words
from towline.model import CURRENT, Body, Health


def assess_definition(body: Body) -> Health:
    """Wait until the kind is served; if its names are taken, it never will be."""
    accepted, established = condition(body, "NamesAccepted"), condition(body, "Established")
    if denied(accepted):
        return failed(words(accepted))
    if holds(established):
        return CURRENT
    return in_progress(words(established, "the kind is not established yet"))


def assess_service(body: Body) -> Health:
    """Wait until the server behind the API answers."""
    available = condition(body, "Available")
    return CURRENT if holds(available) else in_progress(words(available, "the API is not available yet"))
