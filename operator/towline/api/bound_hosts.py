"""Where the credentials of a Secret may be sent: `towline.dev/hosts` on the Secret binds them to hosts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from towline.api import labels

_ENTRY = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
_SEPARATORS = re.compile(r"[\s,]+")

FLAG = "--require-bound-credentials"
"""With it, the operator uses no Secret that is bound to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a url leads: a host without brackets, a port, and the port of the scheme, which an entry may leave out."""

    host: str
    port: int
    usual_port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == self.usual_port else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundHosts:
    """What binds a Secret.

    `value` is the annotation: `host` or `host:port`, separated by blanks or commas; None where the Secret has no such
    annotation. `is_required` says whether such a Secret is refused.
    """

    value: str | None
    is_required: bool

    def refusal(self, endpoint: Endpoint) -> str:
        """Return why the Secret is not used for an endpoint, to follow its name; empty where it is.

        Hosts are compared as they are written, so that no wildcard and no lookup can widen the list. The value is not
        shown: who may write a GitRepository need not be allowed to read Secrets.
        """
        if self.value is None:
            return _unbound(endpoint) if self.is_required else ""
        entries = [entry for entry in _SEPARATORS.split(self.value.lower()) if entry]
        if any(_names(entry, endpoint) for entry in entries):
            return ""
        is_readable = all(_ENTRY.fullmatch(entry) for entry in entries)
        return _elsewhere(endpoint) + ("" if is_readable else _UNREADABLE)


UNBOUND_ALLOWED = BoundHosts(value=None, is_required=False)
"""A Secret without the annotation, where that is allowed: for any host."""

_UNREADABLE = (
    f"; {labels.HOSTS} has an entry that is neither host nor host:port (no scheme, path or wildcard)"
)


def _unbound(endpoint: Endpoint) -> str:
    return (
        f"is not bound to a host, so nothing of it was sent to {endpoint}: this operator uses bound Secrets alone"
        f" ({FLAG}); annotate the Secret with {labels.HOSTS}: {endpoint}, if its credentials are meant for that host"
    )


def _elsewhere(endpoint: Endpoint) -> str:
    return (
        f"is not bound to {endpoint}, so nothing of it was sent there: set spec.url to a host that the annotation"
        f" {labels.HOSTS} of the Secret names, or add {endpoint} to it, if its credentials are meant for that host"
    )


def _names(entry: str, endpoint: Endpoint) -> bool:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return False
    port = int(match["port"]) if match["port"] else endpoint.usual_port
    return (match["address"] or match["name"], port) == (endpoint.host, endpoint.port)
