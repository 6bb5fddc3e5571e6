"""What does its work once and then goes by a rule of its own: a Job with a time to live, a workflow run."""

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
"""The kinds that run once by their meaning."""

_CLEANED_UP = RUNS - {GroupKind("batch", "Job")}
"""Those of which a setting of their controller may delete finished objects that say nothing about it."""

_RULES = (
    ("ttlSecondsAfterFinished",),
    ("runPolicy", "ttlSecondsAfterFinished"),
    ("ttlStrategy",),
    ("timeToLiveSeconds",),
)
"""Where a spec says that the object goes some time after its end."""

_WELL = frozenset({"Succeeded", "Completed"})


def is_finished(body: Body, kind: GroupKind) -> bool:
    """Tell whether an object has done its work well, and goes, or may go, by a rule of its own.

    A Job without `ttlSecondsAfterFinished` stays; where one is gone, somebody has deleted it.
    """
    spec = part(body, "spec")
    if kind not in _CLEANED_UP and not any(_says(spec, *path) for path in _RULES):
        return False
    if any(holds(condition(body, word)) for word in ("Complete", *_WELL)):
        return True
    return text(part(body, "status"), "phase") in _WELL


def _says(spec: Body, *path: str) -> bool:
    return part(spec, *path[:-1]).get(path[-1]) is not None
