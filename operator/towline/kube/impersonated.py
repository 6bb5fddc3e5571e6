"""Say as whom requests are sent: the user, groups and more of a kubeconfig, and the user of `--as`, as kubectl does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_LEGAL = frozenset(
    b"!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
)
"""What the name of a header may have as it is; client-go writes all else with a percent sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonated:
    """The user as whom requests are sent, and what else the API server shall take them for; empty for nobody else."""

    user: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_incomplete(self) -> bool:
        """Whether more is named than a user, and no user: the API server refuses that."""
        return not self.user and bool(self.uid or self.groups or self.extra)

    def named(self, user: str) -> Impersonated:
        """Return the same with another user, as for `--as`; the rest stays, as for kubectl."""
        return replace(self, user=user or self.user)

    def headers(self) -> Iterator[tuple[str, str]]:
        """Yield the headers that say so."""
        if self.user:
            yield "Impersonate-User", self.user
        if self.uid:
            yield "Impersonate-Uid", self.uid
        yield from (("Impersonate-Group", group) for group in self.groups)
        for name, values in self.extra.items():
            yield from ((f"Impersonate-Extra-{_escaped(name)}", value) for value in values)


NOBODY_ELSE = Impersonated()
"""Requests are sent as the user of the credentials."""


def of_user(user: Mapping[str, Any]) -> Impersonated:
    """Return what an entry of `users` of a kubeconfig says.

    Raises:
        TypeError: a list, or the map `as-user-extra`, is something else.
    """
    extra = user.get("as-user-extra") or {}
    return Impersonated(
        user=str(user.get("as") or ""),
        uid=str(user.get("as-uid") or ""),
        groups=_texts(user.get("as-groups") or ()),
        extra={str(name): _texts(extra[name] or ()) for name in extra},
    )


def _texts(given: Sequence[Any]) -> tuple[str, ...]:
    if isinstance(given, str | Mapping):
        raise TypeError
    return tuple(map(str, given))


def _escaped(name: str) -> str:
    return "".join(chr(each) if each in _LEGAL else f"%{each:02X}" for each in name.encode())
