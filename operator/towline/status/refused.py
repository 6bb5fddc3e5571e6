"""Write a refusal as one sentence: where, which object, why, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from towline import text
from towline.api import labels
from towline.errors import Failure, Refusal
from towline.model import ObjectRef, display
from towline.plan.vetoes import DATA_KINDS

_CAUSE_BYTES = 600
"""Bytes of one cause, which leave room for the rest of a message."""


def sentence(verdict: str, failures: Sequence[Failure], total: int, state: str = "") -> str:
    """Return `<verdict>: <file:line> <object>: <cause> (and n more). <state>. <next step>`.

    Args:
        verdict: what became of which commit, such as `1a2b3c4 "Add web" by Ada not applied`.
        failures: at least one; the first is told.
        total: how many there are.
        state: how the cluster is now; empty where that is not known.
    """
    parts = (f"{verdict}: {cause(failures[0], total)}", state, next_step(failures[0]))
    return ". ".join(part.rstrip(".") for part in parts if part)


def cause(first: Failure, total: int = 1) -> str:
    """Return what is wrong, with its place, its object, and how much more there is."""
    place = f"{first.file}:{first.line}" if first.file and first.line else first.file
    where = " ".join(part for part in (place, display(first.object)) if part)
    why = text.printable(first.message, _CAUSE_BYTES) or str(first.reason)
    more = f" (and {total - 1} more)" if total > 1 else ""
    return f"{where}: {why}{more}" if where else f"{why}{more}"


def next_step(failure: Failure) -> str:
    """Say what helps against one failure; empty where the cause says enough."""
    try:
        ref = ObjectRef.parse(failure.object)
    except ValueError:
        return ""
    step = _STEPS.get(failure.reason)
    return step(ref) if step else ""


def _recreate(ref: ObjectRef) -> str:
    if ref.group_kind in DATA_KINDS:
        return f"Rename it: a {ref.kind} holds data, so Towline never recreates it"
    return f"Rename it, or have it recreated by the line {labels.FORCE}: Enabled in metadata.annotations"


_STEPS: Mapping[str, Callable[[ObjectRef], str]] = MappingProxyType(
    {
        Refusal.NAMESPACE_NOT_FOUND: lambda ref: (
            f"Declare Namespace {ref.namespace or ref.name} in Git, or create it"
        ),
        Refusal.IMMUTABLE_FIELD: _recreate,
        Refusal.QUOTA_EXCEEDED: lambda _: "Raise the quota, or ask for less",
        Refusal.OWNED_BY_ANOTHER: lambda _: "Declare the object in one of them only",
    }
)
