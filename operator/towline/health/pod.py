"""Assess Pods, and find out why they are not ready."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from towline.health.body import (
    condition,
    count,
    denied,
    entries,
    failed,
    holds,
    in_progress,
    part,
    text,
    words,
)
from towline.model import CURRENT, Body, Health, State

_STUCK = frozenset({"CrashLoopBackOff", "InvalidImageName", "CreateContainerConfigError"})
"""Reasons of waiting containers that time rarely fixes. An image that cannot be pulled may still appear."""

_UNPULLED = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"})
"""Reasons of waiting containers whose image is not on the node."""

_STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Reasons for which every container waits at first."""


def assess(body: Body) -> Health:
    """Wait until the Pod is ready or has succeeded; a container that crashes again and again is a failure."""
    phase = text(part(body, "status"), "phase")
    if phase == "Failed":
        return failed(trouble(body) or words(part(body, "status"), "the Pod failed"))
    if phase == "Succeeded" or (phase == "Running" and holds(condition(body, "Ready"))):
        return CURRENT
    why = trouble(body) or _waiting(body) or "the Pod is not ready yet"
    stuck = any(text(waits, "reason") in _STUCK for _, waits in _states(body, "waiting"))
    return failed(why) if stuck else in_progress(why)


def trouble(body: Body) -> str:
    """Return what keeps a Pod from being ready: no node, a container that waits or has failed; empty if nothing does.

    The sentence stays the same from one try of the kubelet to the next.
    """
    scheduled = condition(body, "PodScheduled")
    if denied(scheduled):
        return words(scheduled)
    for container, waits in _states(body, "waiting"):
        if text(waits, "reason") not in _STARTING:
            return _waits(container, waits)
    for container, ended in _states(body, "terminated"):
        if count(ended, "exitCode"):
            return f"container {text(container, 'name')}: {_ended(container, ended)}"
    return ""


def worst(pods: list[Body]) -> str:
    """Return why one of these Pods is not ready, preferably one that has failed; empty if no Pod says so."""
    assessed = [(assess(pod), pod) for pod in pods if not text(part(pod, "metadata"), "deletionTimestamp")]
    assessed.sort(key=lambda found: found[0].state is not State.FAILED)
    return next((said for _, pod in assessed if (said := trouble(pod))), "")


def image_field(workload: Body, said: str) -> str:
    """Return the JSON pointer of the image that a sentence about the Pods of a workload names; empty where none is.

    Args:
        workload: what makes the Pods, or a Pod itself.
        said: what `worst` or `trouble` returned of them.
    """
    template = ("spec",) if workload.get("kind") == "Pod" else ("spec", "template", "spec")
    words_said = said.replace("(", " ").replace(")", " ").split()
    for name in ("initContainers", "containers"):
        for index, container in enumerate(entries(part(workload, *template), name)):
            if text(container, "image") in words_said:
                return f"/{'/'.join(template)}/{name}/{index}/image"
    return ""


def _waiting(body: Body) -> str:
    """Say which container has not started, or is not ready."""
    for container, _ in _states(body, "waiting"):
        return f"container {text(container, 'name')} has not started yet"
    ready = condition(body, "Ready")
    return words(ready) if denied(ready) else ""


def _waits(container: Mapping[str, Any], waits: Mapping[str, Any]) -> str:
    """Say why a container waits: `cannot pull <image> (ImagePullBackOff)`, or what ended it before it waited."""
    image, reason = text(container, "image"), text(waits, "reason")
    if reason in _UNPULLED:
        return f"cannot pull {image} ({reason})"
    last = part(container, "lastState", "terminated")
    why = f"{reason}: {_exit(last)}" if last else reason
    return f"container {text(container, 'name')}: {why} (image {image})"


def _ended(container: Mapping[str, Any], ended: Mapping[str, Any]) -> str:
    return f"{_exit(ended)} (image {text(container, 'image')})"


def _exit(ended: Mapping[str, Any]) -> str:
    """Say how a container ended: `OOMKilled, exit code 137`."""
    reason, code = text(ended, "reason"), f"exit code {count(ended, 'exitCode')}"
    return code if reason in {"", "Error"} else f"{reason}, {code}"


def _states(body: Body, state: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield the containers in one state, with it; init containers come first."""
    status = part(body, "status")
    for name in ("initContainerStatuses", "containerStatuses"):
        for container in entries(status, name):
            if found := part(container, "state", state):
                yield container, found
