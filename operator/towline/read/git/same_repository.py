"""Tell whether two addresses are those of one repository, whatever scheme, user or ending they are written with."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_SCP_LIKE = re.compile(
    r"(?!\w+://)(?:[^@/:\s]+@)?(?P<host>[\w.-]+|\[[0-9a-fA-F:.]+\]):(?P<path>[^\s]+)", re.ASCII
)
_PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}


class _Address(NamedTuple):
    """What names a repository: its server, and the path there; the port is that of the scheme where none is given."""

    scheme: str
    host: str
    port: int
    path: str


def is_same_repository(one: str, other: str) -> bool:
    """Tell whether two urls name one repository.

    Credentials, a `.git` at the end, doubled slashes and the case of the host do not count. A server may be asked by
    https and by ssh at different ports; by the same scheme, different ports are different servers.

    Args:
        one: an address as git takes it: a url, or `user@host:path`.
        other: another one; an address without a host, such as a folder, is never the same as a url.
    """
    first, second = _place(one), _place(other)
    if first is None or second is None or (first.host, first.path) != (second.host, second.path):
        return False
    return first.scheme != second.scheme or first.port == second.port


def _place(url: str) -> _Address | None:
    if scp := _SCP_LIKE.fullmatch(url.strip()):
        return _Address("ssh", _host(scp["host"]), _PORTS["ssh"], _path(scp["path"]))
    try:
        parts = urlsplit(url.strip())
        scheme = parts.scheme.lower().removeprefix("git+")
        port = parts.port or _PORTS.get(scheme, 0)
    except ValueError:
        return None
    if scheme not in _PORTS or not parts.hostname:
        return None
    return _Address(scheme, _host(parts.hostname), port, _path(parts.path))


def _host(name: str) -> str:
    return name.strip("[]").rstrip(".").lower()


def _path(path: str) -> str:
    steps = [unquote(step) for step in path.split("/") if step]
    return "/".join(steps).removesuffix(".git").rstrip("/")
