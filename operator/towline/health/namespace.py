"""Assess Namespaces."""

from __future__ import annotations

from towline.health.body import part, text
from towline.model import CURRENT, Body, Health, State


def assess(body: Body) -> Health:
    """Treat a Namespace as ready unless it is being deleted."""
    if text(part(body, "status"), "phase") == "Terminating":
        return Health(State.TERMINATING, "the Namespace is being emptied")
    return CURRENT
