"""Decide whether drift of an object is repaired, reported or ignored."""

from __future__ import annotations

from enum import StrEnum

from towline.api import labels
from towline.api.gitrepository import Drift
from towline.errors import Refusal
from towline.model import Action, Change, Manifest

DRIFTED = "Drifted"
"""The reason of a change that is skipped because drift is only reported."""


REFUSED = "RepairRefused"
"""The reason of a repair that is skipped because the API server refused it recently."""


class DriftResponse(StrEnum):
    """What is done about the drift of one object."""

    REPAIR = "Repair"
    REPORT = "Report"
    IGNORE = "Ignore"


def answer(manifest: Manifest, chosen: Drift) -> DriftResponse:
    """Return what is done about drift: the object's own annotation in Git decides, else the spec."""
    asked = manifest.directives.get(labels.DRIFT)
    return DriftResponse(chosen if asked is None else asked)


def is_reported(change: Change) -> bool:
    """Tell whether a change is drift that is only reported."""
    return change.action is Action.SKIP and change.reason in {DRIFTED, REFUSED, Refusal.CONTESTED}
