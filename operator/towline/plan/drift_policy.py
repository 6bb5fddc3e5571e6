"""What is done about drift of one object: repaired, reported, or ignored."""

from __future__ import annotations

from enum import StrEnum

from towline.api import labels
from towline.api.gitrepository import Drift
from towline.errors import Refusal
from towline.model import Action, Change, Manifest

DRIFTED = "Drifted"
"""The reason of a change that is skipped because drift is only reported."""


REFUSED = "RepairRefused"
"""The reason of a change that is skipped because the API server has refused it a moment ago."""


class DriftResponse(StrEnum):
    """What is done about the drift of one object."""

    REPAIR = "Repair"
    REPORT = "Report"
    IGNORE = "Ignore"


def answer(manifest: Manifest, chosen: Drift) -> DriftResponse:
    """Say what is done about drift: what the object's own annotation in Git asks for, else what the spec says."""
    asked = manifest.directives.get(labels.DRIFT)
    return DriftResponse(chosen if asked is None else asked)


def is_reported(change: Change) -> bool:
    """Say whether a change stands for drift that is not undone."""
    return change.action is Action.SKIP and change.reason in {DRIFTED, REFUSED, Refusal.CONTESTED}
