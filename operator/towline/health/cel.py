"""Assess an object by the CEL expressions of `spec.healthChecks`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from towline.api import expressions
from towline.api.expressions import VARIABLES, ExpressionError
from towline.api.healthchecks import HealthCheck
from towline.health import generic
from towline.health.body import failed, in_progress, part
from towline.model import CURRENT, Body, Health

ENTRIES = 500
CHARACTERS = 4096
VALUES = 5000
DEPTH = 50
"""The most entries of one list or map, characters of one text, values altogether and levels of nesting that an
expression sees: more would take too long, and an object's health does not depend on it."""


def assess(body: Body, check: HealthCheck) -> Health:
    """Evaluate `failed`, `inProgress` and `current`, in this order; where none holds, it is in progress."""
    budget = iter(range(VALUES))
    variables = {name: _bounded(part(body, name), budget) for name in reversed(VARIABLES)}
    said = generic.assess(body).message
    if _holds(check.failed, variables):
        return failed(said or "spec.healthChecks calls it failed")
    if _holds(check.in_progress, variables):
        return in_progress(said or "spec.healthChecks calls it in progress")
    try:
        current = expressions.holds(check.current, variables)
    except ExpressionError as error:
        return in_progress(f"spec.healthChecks: {error}")
    return CURRENT if current else in_progress(said or "spec.healthChecks does not call it ready")


def _holds(text: str, variables: Mapping[str, Any]) -> bool:
    """Evaluate an expression; one that is empty, or fails for this object, counts as false."""
    try:
        return bool(text) and expressions.holds(text, variables)
    except ExpressionError:
        return False


def _bounded(value: Any, budget: Iterator[int], depth: int = DEPTH) -> Any:
    """Return as much of a value as an expression may see."""
    if not depth and isinstance(value, Mapping | list):
        return None
    if isinstance(value, str):
        return value[:CHARACTERS]
    if isinstance(value, Mapping):
        entries = zip(value.items(), range(ENTRIES), budget, strict=False)
        return {
            name: _bounded(each, budget, depth - 1)
            for (name, each), _, _ in entries
            if name != "managedFields"
        }
    if isinstance(value, list):
        return [
            _bounded(each, budget, depth - 1)
            for each, _, _ in zip(value, range(ENTRIES), budget, strict=False)
        ]
    return value
