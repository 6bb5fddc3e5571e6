"""What health rules read of an object, and what they say about it.

Custom resources may hold anything below their status, so each reader takes what does not fit for absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from towline.model import Body, Health, State


def failed(message: str) -> Health:
    """Say that the object will not get there by itself."""
    return Health(State.FAILED, message)


def in_progress(message: str) -> Health:
    """Say that the object is on its way."""
    return Health(State.IN_PROGRESS, message)


def part(body: Any, *path: str) -> Mapping[str, Any]:
    """Return the map at a path of keys, empty where there is none."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, dict) else {}


def entries(holder: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the maps in the list of this name."""
    found = holder.get(name)
    return (each for each in found if isinstance(each, Mapping)) if isinstance(found, list) else iter(())


def count(holder: Mapping[str, Any], name: str, default: int = 0) -> int:
    """Return the whole number of this name."""
    found = holder.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def text(holder: Mapping[str, Any], name: str) -> str:
    """Return the text of this name, empty where there is none."""
    found = holder.get(name)
    return found if isinstance(found, str) else ""


def condition(body: Body, kind: str) -> Mapping[str, Any]:
    """Return the condition of this type, empty where the object has none."""
    found = entries(part(body, "status"), "conditions")
    return next((each for each in found if each.get("type") == kind), {})


def holds(found: Mapping[str, Any]) -> bool:
    """Tell whether a condition is True."""
    return found.get("status") == "True"


def denied(found: Mapping[str, Any]) -> bool:
    """Tell whether a condition is there and False; Unknown is neither."""
    return found.get("status") == "False"


def words(found: Mapping[str, Any], otherwise: str = "") -> str:
    """Return the reason and the message of a condition, or of anything else that has both, as one sentence."""
    given = (text(found, "reason"), text(found, "message"))
    return ": ".join(each for each in given if each) or otherwise


def short_of(have: int, want: int, what: str) -> Health | None:
    """Say that there are fewer than wanted; None where there are enough."""
    return in_progress(f"{have} of {want} {what}") if have < want else None
