"""Hold back waves behind an object with `towline.dev/wave-gate: Healthy` until that object is ready.

No state is kept: each plan finds the closed gates from the live objects.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from towline.api import labels
from towline.model import APPLIES, REMOVES, Action, Change, Manifest, ObjectRef, State
from towline.plan import one_shot, waves


class Gate(NamedTuple):
    """An object that later waves wait for."""

    wave: float
    ref: ObjectRef


def is_gate(manifest: Manifest) -> bool:
    """Tell whether later waves wait for this object."""
    return manifest.directives.get(labels.WAVE_GATE) == "Healthy"


def closed(changes: Iterable[Change], refused: Iterable[Manifest]) -> Gate | None:
    """Return the first gate that is not open: one that is refused, still to be written, or not ready."""
    gates = (change for change in changes if change.manifest and is_gate(change.manifest))
    shut = [Gate(change.wave, change.ref) for change in gates if not is_open(change)]
    shut += [Gate(_wave(manifest), manifest.ref) for manifest in refused if is_gate(manifest)]
    return min(shut, default=None)


def is_open(change: Change) -> bool:
    """Tell whether an object is as declared and ready, or has run to its end."""
    if change.reason == one_shot.DONE:
        return True
    live = change.live
    return change.action not in APPLIES and live is not None and live.health.state is State.CURRENT


def holds(gate: Gate | None, change: Change) -> bool:
    """Tell whether a change waits for a gate: later waves do, and all removals; a repair of what was there does not."""
    if gate is None or change.action is Action.REPAIR:
        return False
    return change.wave > gate.wave if change.action in APPLIES else change.action in REMOVES


def gated(change: Change, waits_for: ObjectRef) -> Change:
    """Say in a change what it waits for."""
    return replace(change, message=f"waits until {waits_for.display} is healthy")


def _wave(manifest: Manifest) -> float:
    try:
        return waves.wave(manifest)
    except ValueError:
        return -math.inf
