"""Tell when objects that run once are done and may be deleted by a rule of their own, such as a Job with a TTL."""

from __future__ import annotations

from towline.health.body import condition, holds, part, text
from towline.model import Body, GroupKind

RUNS = frozenset(
    {
        GroupKind("batch", "Job"),
        GroupKind("argoproj.io", "Workflow"),
        GroupKind("tekton.dev", "TaskRun"),
        GroupKind("tekton.dev", "PipelineRun"),
        GroupKind("tekton.dev", "CustomRun"),
    }
)
"""The kinds that run once."""

_CLEANED_UP = RUNS - {GroupKind("batch", "Job")}
"""Kinds whose controller may be set to delete finished objects, also where the object does not ask for that."""

_RULES = (
    ("ttlSecondsAfterFinished",),
    ("runPolicy", "ttlSecondsAfterFinished"),
    ("ttlStrategy",),
    ("timeToLiveSeconds",),
)
"""Fields of a spec that ask for deletion some time after the end."""

_WELL = frozenset({"Succeeded", "Completed"})


def is_finished(body: Body, kind: GroupKind) -> bool:
    """Tell whether an object has succeeded, and a rule of its own deletes it, or may do so.

    A Job without `ttlSecondsAfterFinished` stays; if it is gone, another client has deleted it.
    """
    spec = part(body, "spec")
    if kind not in _CLEANED_UP and not any(_says(spec, *path) for path in _RULES):
        return False
    if any(holds(condition(body, word)) for word in ("Complete", *_WELL)):
        return True
    return text(part(body, "status"), "phase") in _WELL


def _says(spec: Body, *path: str) -> bool:
    return part(spec, *path[:-1]).get(path[-1]) is not None
