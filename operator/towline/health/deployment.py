"""Assess Deployments, ReplicaSets and ReplicationControllers."""

from __future__ import annotations

from towline.health.body import condition, count, denied, failed, holds, in_progress, part, short_of, words
from towline.model import CURRENT, Body, Health

_NO_DEADLINE = 2**31 - 1
"""With this `progressDeadlineSeconds` the controller sets no Progressing condition."""


def assess(body: Body) -> Health:
    """Wait until every replica is of the new revision, and available."""
    progressing = condition(body, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return failed(words(progressing))
    return _refused(body) or _counted(body) or _concluded(body)


def assess_replicas(body: Body) -> Health:
    """Wait until every replica of a ReplicaSet or ReplicationController is available."""
    spec, status = part(body, "spec"), part(body, "status")
    wanted = count(spec, "replicas", 1)
    return (
        _refused(body)
        or short_of(count(status, "availableReplicas"), wanted, "replicas are available")
        or short_of(count(status, "readyReplicas"), wanted, "replicas are ready")
        or _surplus(count(status, "replicas"), wanted)
        or CURRENT
    )


def _refused(body: Body) -> Health | None:
    """Return why Pods cannot be created (a quota, an admission policy); None if they can."""
    failure = condition(body, "ReplicaFailure")
    return in_progress(words(failure)) if holds(failure) else None


def _counted(body: Body) -> Health | None:
    status = part(body, "status")
    wanted = count(part(body, "spec"), "replicas", 1)
    updated = count(status, "updatedReplicas")
    return (
        short_of(count(status, "replicas"), wanted, "replicas exist")
        or short_of(updated, wanted, "replicas are updated")
        or _surplus(count(status, "replicas"), wanted)
        or short_of(count(status, "availableReplicas"), updated, "replicas are available")
        or short_of(count(status, "readyReplicas"), wanted, "replicas are ready")
    )


def _surplus(have: int, wanted: int) -> Health | None:
    return in_progress(f"{have - wanted} old replicas have yet to end") if have > wanted else None


def _concluded(body: Body) -> Health:
    """Judge by the conditions of the controller, which come later than the numbers."""
    progressing, available = condition(body, "Progressing"), condition(body, "Available")
    timed = count(part(body, "spec"), "progressDeadlineSeconds", _NO_DEADLINE) < _NO_DEADLINE
    paused = part(body, "spec").get("paused") is True
    done = holds(progressing) and progressing.get("reason") == "NewReplicaSetAvailable"
    if timed and not done and not paused:
        return in_progress(words(progressing, "the rollout has not ended yet"))
    if denied(available) or not available:
        return in_progress(words(available, "not available yet"))
    return CURRENT
