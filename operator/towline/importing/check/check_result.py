"""How the renders of both sides compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDifference:
    """One field of one object that differs; `field` is empty where the object is on one side only."""

    object: str
    field: str
    there: Any
    here: Any

    def __str__(self) -> str:
        if not self.field:
            return f"{self.object} is declared {'there' if self.there else 'here'} alone"
        return f"{self.object}: {self.field}: {self.there!r} there, {self.here!r} here"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """How the two sides of one GitRepository compare.

    Attributes:
        name: the GitRepository, with its namespace.
        same: how many objects there are that do not differ.
        differences: what differs.
        errors: why a side renders nothing.
        unread: what objects say to the other tool alone.
        skipped: why nothing was compared; empty where it was.
    """

    name: str
    same: int = 0
    differences: tuple[ObjectDifference, ...] = ()
    errors: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    skipped: str = ""
