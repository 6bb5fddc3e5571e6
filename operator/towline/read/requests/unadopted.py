"""The objects that a repository declares and may not adopt, and what would let it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from towline.api.gitrepository import Adopt, GitRepository
from towline.errors import Refusal
from towline.model import Body

_LADDER = (Adopt.NEVER, Adopt.IF_NO_CONFLICT, Adopt.UNMANAGED, Adopt.ANY)
"""From the most careful to the boldest."""

_NEEDED = {
    Refusal.NOT_OURS: Adopt.IF_NO_CONFLICT,
    Refusal.CONFLICT: Adopt.UNMANAGED,
    Refusal.MANAGED_BY_ANOTHER_TOOL: Adopt.ANY,
}
"""The most careful value of `spec.adopt` that does not refuse for the reason; a conflict may show only then."""

_CONFLICT = 'conflict with "'
"""How the API server begins to name the other field manager."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unadopted:
    """One object that is left alone: why, and the most careful `spec.adopt` that would take it over."""

    object: str
    reason: str
    message: str
    needs: Adopt

    def as_json(self) -> dict[str, Any]:
        """Return it in the documented form."""
        return {
            "object": self.object,
            "reason": self.reason,
            "message": self.message,
            "needs": str(self.needs),
        }


def of(repository: GitRepository) -> tuple[Unadopted, ...]:
    """Return what the status lists; what another GitRepository owns is not among it: that one has to release it."""
    return tuple(_unadopted(repository.status.get("failures") or ()))


def present(repository: GitRepository) -> Adopt:
    """Return what `spec.adopt` is, the default where it says nothing that can be read."""
    given = repository.raw_spec.get("adopt", Adopt.UNMANAGED)
    return Adopt(given) if given in tuple(Adopt) else Adopt.UNMANAGED


def is_held_by_another(failure: Body, present: Adopt) -> bool:
    """Tell whether a conflict is one with another field manager, which only another `spec.adopt` ends, or that manager.

    Other conflicts are writes at the same time, which the next attempt ends.
    """
    return present is Adopt.IF_NO_CONFLICT and _CONFLICT in str(failure.get("message", ""))


def needed(found: Sequence[Unadopted]) -> Adopt:
    """Return the most careful value that takes all of them over."""
    return max((each.needs for each in found), key=_LADDER.index, default=Adopt.NEVER)


def is_bolder(one: Adopt, other: Adopt) -> bool:
    """Tell whether one value takes over more than another."""
    return _LADDER.index(one) > _LADDER.index(other)


def _unadopted(failures: Iterable[Any]) -> Iterable[Unadopted]:
    for each in failures:
        reason = str(each.get("reason", ""))
        if needs := _NEEDED.get(Refusal(reason)) if reason in tuple(Refusal) else None:
            yield Unadopted(
                object=str(each.get("object", "")),
                reason=reason,
                message=str(each.get("message", "")),
                needs=needs,
            )
