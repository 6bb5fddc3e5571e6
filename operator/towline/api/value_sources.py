"""Hold the commits of other GitRepositories that values come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from towline.model import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesCommit:
    """A commit of another repository: the GitRepository that follows it, its url, its ref in full, and the commit."""

    name: str
    url: str
    ref: str
    commit: str


def parse(stored: Body) -> tuple[ValuesCommit, ...]:
    """Return the sources of a status, or of the spec of a record."""
    return tuple(
        ValuesCommit(name=each["name"], url=each["url"], ref=each.get("ref", ""), commit=each["commit"])
        for each in stored.get("sources") or ()
    )


def body(sources: Iterable[ValuesCommit]) -> list[Body]:
    """Return sources as a status and a record hold them."""
    return [
        {"name": each.name, "url": each.url}
        | ({"ref": each.ref} if each.ref else {})
        | {"commit": each.commit}
        for each in sources
    ]
