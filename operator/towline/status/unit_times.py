"""Say how long the units of a commit took to build, and what helps where that is long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from towline import text
from towline.model import Body

SLOW = 10.0
"""Seconds from which on it is said why a unit takes so long."""

_SHOWN = 10
_PATH_BYTES = 1024
_MANY = 200
"""Of so many objects in one build, their number is what takes the time of kustomize."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTime:
    """One unit: the file that makes it one, what it made of what, and in how many seconds.

    `layers` are the kustomizations that it was built of; a chart has none.
    """

    unit: str
    objects: int
    files: int
    seconds: float
    layers: int = 0


def fields(units: Sequence[UnitTime]) -> Body:
    """Return the fields of the status: the ten slowest units, and how many there are."""
    slowest = sorted(units, key=lambda one: (-round(one.seconds, 1), one.unit))[:_SHOWN]
    return {"units": [_body(one) for one in slowest], "unitsTotal": len(units)}


def advice(one: UnitTime) -> str:
    """Say why a unit takes long and what helps; empty where it does not take long."""
    if one.seconds < SLOW:
        return ""
    if not one.layers:
        return (
            f"Helm takes so long for the templates of {one.files} files: remove what the values switch off, or make "
            "charts of its parts, next to each other"
        )
    built = f"{one.objects} objects through {one.layers} kustomizations"
    if one.objects >= _MANY:
        return (
            f"kustomize builds {built}, and its time grows with more than the square of the objects: split them into "
            "folders next to each other, each with its own kustomization, that no other one names"
        )
    return (
        f"kustomize builds {built}, from {one.files} files: have fewer kustomizations build on each other, or give "
        "the operator more processor time"
    )


def _body(one: UnitTime) -> Body:
    told = advice(one)
    more = {"advice": told} if told else {}
    taken = f"{one.seconds:.1f}s"
    unit = text.printable(one.unit, _PATH_BYTES)
    return {"unit": unit, "objects": one.objects, "files": one.files, "time": taken, **more}
