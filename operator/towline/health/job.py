"""Assess Jobs, and the CronJobs that create them."""

from __future__ import annotations

from towline.health.body import condition, count, failed, holds, in_progress, part, words
from towline.model import CURRENT, Body, Health


def assess(body: Body) -> Health:
    """Wait until the Job is complete; for kstatus, one that has started is enough."""
    spec, status = part(body, "spec"), part(body, "status")
    if holds(condition(body, "Complete")):
        return CURRENT
    for kind in ("Failed", "FailureTarget"):
        if holds(found := condition(body, kind)):
            return failed(words(found, "the Job failed"))
    if spec.get("suspend") is True:
        return in_progress("the Job is suspended")
    done, wanted = count(status, "succeeded"), count(spec, "completions", 1)
    lost = count(status, "failed")
    return in_progress(f"{done} of {wanted} Pods have completed" + (f", {lost} have failed" if lost else ""))


def assess_schedule(_body: Body) -> Health:
    """Treat a CronJob as ready once it exists: how its Jobs end does not count."""
    return CURRENT
