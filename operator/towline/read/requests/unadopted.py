"""The objects that a repository declares and may not adopt, and what would let it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from towline.api.gitrepository import Adopt, GitRepository
from towline.errors import ClusterError, Refusal
from towline.model import Body
from towline.plan import adoption
from towline.read.cluster import Cluster

_LADDER = (Adopt.NEVER, Adopt.IF_NO_CONFLICT, Adopt.UNMANAGED, Adopt.ANY)
"""From the most careful to the boldest."""

_NEEDED = {
    Refusal.NOT_OURS: Adopt.UNMANAGED,
    Refusal.CONFLICT: Adopt.UNMANAGED,
    Refusal.MANAGED_BY_ANOTHER_TOOL: Adopt.ANY,
}
"""The most careful value of `spec.adopt` that surely takes over what was refused for the reason.

Under Never nobody has asked the API server yet whether another field manager insists: IfNoConflict may be refused.
"""

_CONFLICT = 'conflict with "'
"""How the API server begins to name the other field manager."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unadopted:
    """One object that is left alone: why, and the most careful `spec.adopt` that surely takes it over."""

    object: str
    reason: str
    message: str
    needs: Adopt

    @property
    def least(self) -> Adopt:
        """The most careful value that may take it over."""
        is_open = self.reason == Refusal.NOT_OURS and self.needs is Adopt.UNMANAGED
        return Adopt.IF_NO_CONFLICT if is_open else self.needs

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


async def with_marks(cluster: Cluster, found: Sequence[Unadopted]) -> tuple[Unadopted, ...]:
    """Return them with what the marks of other tools say, which the operator does not look at under Never.

    An object that the user may not read, or that is gone, is left as it was found.
    """
    return tuple([await _marked(cluster, each) for each in found])


async def _marked(cluster: Cluster, left: Unadopted) -> Unadopted:
    if left.reason != Refusal.NOT_OURS:
        return left
    try:
        live = await cluster.live(left.object)
    except (ClusterError, ValueError):
        return left
    refused = adoption.refusal(live.body["metadata"], Adopt.UNMANAGED)
    return replace(left, message=refused.message, needs=Adopt.ANY) if refused else left


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
