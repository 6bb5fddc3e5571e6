"""Read parts of an object for the health rules, and make their results.

The status of a custom resource may hold anything, so each reader treats a value of the wrong type as absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from towline.model import Body, Health, State


def failed(message: str) -> Health:
    """Return the state of an object that will not become ready by itself."""
    return Health(State.FAILED, message)


def in_progress(message: str) -> Health:
    """Return the state of an object that is not ready yet."""
    return Health(State.IN_PROGRESS, message)


def part(body: Any, *path: str) -> Mapping[str, Any]:
    """Return the map at a path of keys; empty if there is none."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, dict) else {}


def entries(holder: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the maps in the list of this name."""
    found = holder.get(name)
    return (each for each in found if isinstance(each, Mapping)) if isinstance(found, list) else iter(())


def count(holder: Mapping[str, Any], name: str, default: int = 0) -> int:
    """Return the whole number of this name, `default` if there is none."""
    found = holder.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def text(holder: Mapping[str, Any], name: str) -> str:
    """Return the text of this name; empty if there is none."""
    found = holder.get(name)
    return found if isinstance(found, str) else ""


def condition(body: Body, kind: str) -> Mapping[str, Any]:
    """Return the condition of this type; empty if the object has none."""
    found = entries(part(body, "status"), "conditions")
    return next((each for each in found if each.get("type") == kind), {})


def holds(found: Mapping[str, Any]) -> bool:
    """Tell whether a condition is True."""
    return found.get("status") == "True"


def denied(found: Mapping[str, Any]) -> bool:
    """Tell whether a condition is False; one that is absent or Unknown is not."""
    return found.get("status") == "False"


def words(found: Mapping[str, Any], otherwise: str = "") -> str:
    """Return the `reason` and `message` of a condition as one sentence; `otherwise` if it has neither."""
    given = (text(found, "reason"), text(found, "message"))
    return ": ".join(each for each in given if each) or otherwise


def short_of(have: int, want: int, what: str) -> Health | None:
    """Return that `have` is less than `want`, as in progress; None if there are enough."""
    return in_progress(f"{have} of {want} {what}") if have < want else None
