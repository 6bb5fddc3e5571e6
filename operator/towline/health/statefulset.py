"""Assess StatefulSets."""

from __future__ import annotations

from towline.health.body import count, in_progress, part, short_of, text
from towline.model import CURRENT, Body, Health


def assess(body: Body) -> Health:
    """Wait until every replica is ready, and updated as far as the update strategy asks.

    With OnDelete a person decides when a replica is updated; it only has to be ready.
    """
    spec, status = part(body, "spec"), part(body, "status")
    wanted = count(spec, "replicas", 1)
    surplus = count(status, "replicas") - wanted
    if short := short_of(count(status, "replicas"), wanted, "replicas exist"):
        return short
    if short := short_of(count(status, "readyReplicas"), wanted, "replicas are ready"):
        return short
    if surplus > 0:
        return in_progress(f"{surplus} replicas have yet to end")
    if text(part(spec, "updateStrategy"), "type") == "OnDelete":
        return CURRENT
    return _rolled_out(spec, status, wanted)


def _rolled_out(spec: Body, status: Body, wanted: int) -> Health:
    partition = count(part(spec, "updateStrategy", "rollingUpdate"), "partition")
    updated = count(status, "updatedReplicas")
    if short := short_of(updated, max(wanted - partition, 0), "replicas are updated"):
        return short
    if not partition and text(status, "currentRevision") != text(status, "updateRevision"):
        return in_progress("the rollout has not ended yet")
    return CURRENT
