"""Compare the objects of one build with those of another: which are the same, and which of their fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from towline.plan import generated_names
from towline.render.units.references import Steps

_KEYS = ("name", "containerPort", "port", "mountPath", "devicePath", "ip", "topologyKey", "key", "type")
"""What tells the items of a list apart, the best one first."""


def index_of(objects: Sequence[Any], wanted: Mapping[str, Any]) -> int | None:
    """Return which of some objects an object is, whatever hash its name ends in; None where it is none of them."""
    best = max(
        ((_likeness(one, wanted), -index) for index, one in enumerate(objects)), default=((0, False), 0)
    )
    return -best[1] if best[0][0] else None


def _likeness(one: Any, wanted: Mapping[str, Any]) -> tuple[int, bool]:
    if not isinstance(one, dict) or _group_kind(one) != _group_kind(wanted):
        return 0, False
    first, second = str(_metadata(one, "name")), str(_metadata(wanted, "name"))
    same = 2 if first == second else int(generated_names.unhashed(first) == generated_names.unhashed(second))
    return same, _metadata(one, "namespace") == _metadata(wanted, "namespace")


def name(one: Mapping[str, Any]) -> str:
    """Return what tells an object apart from all others of its unit."""
    return f"{_group_kind(one)} {_metadata(one, 'namespace')}/{_metadata(one, 'name')}"


def _group_kind(one: Mapping[str, Any]) -> tuple[str, Any]:
    return str(one.get("apiVersion")).rpartition("/")[0], one.get("kind")


def _metadata(one: Mapping[str, Any], field: str) -> Any:
    metadata = one.get("metadata")
    return metadata.get(field) if isinstance(metadata, dict) else None


def at(value: Any, steps: Steps) -> Any:
    """Return what steps lead to; None where they lead nowhere. What is `data` of a Secret may be its stringData."""
    for step in steps:
        if isinstance(value, dict):
            other = "stringData" if step == "data" and step not in value else step
            value = value.get(other)
        elif isinstance(value, list) and str(step).isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def keyed(value: Any, steps: Steps) -> tuple[Any, ...]:
    """Return steps that mean the same in another version of an object: items of lists by what tells them apart."""
    found: list[Any] = []
    for step in steps:
        inside = at(value, (step,))
        if isinstance(value, list) and isinstance(inside, dict):
            key = next((each for each in _KEYS if isinstance(inside.get(each), (str, int))), None)
            found.append((key, inside[key]) if key else step)
        else:
            found.append(step)
        value = inside
    return tuple(found)
