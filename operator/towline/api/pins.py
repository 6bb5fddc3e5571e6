"""Hold what names of remote parts were resolved to: the same name must stay the same thing until a person accepts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.api import labels
from towline.errors import Reason, SourceError
from towline.model import Body, Key

_TOKEN_DIGITS = 12
_NAMED = 2
"""How many moved pins a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What a name was resolved to.

    Attributes:
        name: the url of a Git repository, or a chart as `<url of its repository>/<name>`.
        ref: a tag, or a version.
        resolved: the commit, or the url of the archive.
        digest: of the archive, `sha256:…`; empty where `resolved` is a commit, which is one itself.
    """

    name: str
    ref: str
    resolved: str
    digest: str = ""

    @property
    def content(self) -> str:
        """What no other content has."""
        return self.digest or self.resolved

    @property
    def what(self) -> str:
        """The name and the ref, for people."""
        return f"version {self.ref} of {self.name}" if self.digest else f"tag {self.ref} of {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedPin:
    """A name that is resolved to something else now."""

    before: Pin
    now: Pin


class MovedPinsError(SourceError):
    """Names were resolved to something else than before, and nobody has accepted that; `token` accepts it."""

    def __init__(self, moved: Sequence[MovedPin], token: str, message: str) -> None:
        super().__init__(Reason.VERIFICATION_FAILED, message)
        self.moved = tuple(moved)
        self.token = token


def parse(stored: Body) -> tuple[Pin, ...]:
    """Return the pins of a status, or of the spec of a record."""
    return tuple(
        Pin(
            name=each["name"],
            ref=each["ref"],
            resolved=each.get("resolved", ""),
            digest=each.get("digest", ""),
        )
        for each in stored.get("pins") or ()
    )


def body(pins: Iterable[Pin]) -> list[Body]:
    """Return pins as a status and a record hold them."""
    ordered = sorted(pins, key=lambda each: (each.name, each.ref))
    return [
        {"name": each.name, "ref": each.ref, "resolved": each.resolved}
        | ({"digest": each.digest} if each.digest else {})
        for each in ordered
    ]


def moved_body(moved: Sequence[MovedPin], token: str) -> Body:
    """Return `status.movedPins`."""
    if not moved:
        return {}
    entries: list[Mapping[str, Any]] = [
        {
            "name": each.before.name,
            "ref": each.before.ref,
            "before": each.before.content,
            "now": each.now.content,
        }
        for each in moved
    ]
    return {"pins": entries, "accept": token}


def token(uid: str, moved: Iterable[MovedPin]) -> str:
    """Return what accepts exactly these changes, for the GitRepository with this uid: a part for each of them."""
    return ".".join(sorted(_part(uid, each) for each in moved))


def is_accepted(uid: str, moved: Iterable[MovedPin], accepted: str) -> bool:
    """Tell whether a token accepts these changes.

    It may accept more: what moved further inside is only seen once what leads there was accepted.
    """
    return {_part(uid, each) for each in moved} <= set(accepted.split("."))


def _part(uid: str, moved: MovedPin) -> str:
    told = (uid, moved.now.name, moved.now.ref, moved.before.content, moved.now.content)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:_TOKEN_DIGITS]


def sentence(moved: Sequence[MovedPin], accept: str, key: Key) -> str:
    """Say what moved, how to accept it, and how to keep what was."""
    changes = "; ".join(
        f"{each.before.what} was {each.before.content} and is {each.now.content} now"
        for each in moved[:_NAMED]
    )
    more = f"; so do {len(moved) - _NAMED} more" if len(moved) > _NAMED else ""
    command = f"kubectl annotate tgr/{key.name} {labels.ACCEPT_PIN}={accept} --overwrite -n {key.namespace}"
    return (
        f"Waiting for you: {changes}{more}, so nothing is applied. Accept: {command}; keep: have it moved back, or "
        "name the one that was (a commit by its full id)"
    )
