"""The prunes of a repository that wait for a confirmation, as its status lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from towline.api import labels
from towline.api.asked import asking
from towline.api.gitrepository import GitRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedPrune:
    """One object that would be deleted: why that waits, as a reason and in a sentence."""

    object: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedPrunes:
    """All that wait: `total` counts those, too, that the status does not list; `token` confirms the whole."""

    listed: tuple[BlockedPrune, ...]
    total: int
    token: str

    @property
    def unlisted(self) -> int:
        """How many are counted alone."""
        return max(self.total - len(self.listed), 0)

    def as_json(self) -> dict[str, Any]:
        """Return it in the documented form."""
        prunes = [
            {"object": each.object, "reason": each.reason, "message": each.message} for each in self.listed
        ]
        return {"prunes": prunes, "total": self.total, "token": self.token}


def of(repository: GitRepository) -> BlockedPrunes:
    """Return what waits; the token is empty where nothing does."""
    blocked = repository.status.get("blocked") or {}
    listed = tuple(_prunes(blocked.get("prunes") or ()))
    total = blocked.get("prunesTotal", len(listed))
    return BlockedPrunes(listed=listed, total=total, token=str(blocked.get("confirm", "")))


def is_confirmed(repository: GitRepository, token: str) -> bool:
    """Tell whether a repository has the annotation that confirms the list of this token."""
    return asking.token(repository.annotations, labels.CONFIRM_PRUNE) == token


def _prunes(listed: Any) -> Iterator[BlockedPrune]:
    for each in listed:
        yield BlockedPrune(
            object=str(each.get("object", "")),
            reason=str(each.get("reason", "")),
            message=str(each.get("message", "")),
        )
