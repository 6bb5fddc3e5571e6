"""Read `spec.remote` and `spec.remotes`: whether parts come from other servers, and with which credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline.api.schema import SchemaFault

_PREFIX = re.compile(
    r"(https|ssh|oci)://(?:([A-Za-z0-9_][A-Za-z0-9._-]*)@)?([^/@\s?#]+)(/[^\s?#]*)?", re.IGNORECASE
)
_DISGUISED = re.compile(r"%2[ef]", re.IGNORECASE)
"""A dot or a slash that a server may read as part of another path."""


class RemotePolicy(StrEnum):
    """What happens to bases and charts that are not in the commit."""

    REFUSE = "Refuse"
    PINNED = "Pinned"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSecret:
    """The Secret for urls that begin with `prefix`."""

    prefix: str
    name: str


def parse(given: Sequence[Mapping[str, Any]]) -> tuple[RemoteSecret, ...]:
    """Return `spec.remotes` as the schema has accepted it."""
    return tuple(
        RemoteSecret(prefix=_plain(each["prefix"]), name=each["secretRef"]["name"]) for each in given
    )


def faults(given: Sequence[Mapping[str, Any]]) -> Iterator[SchemaFault]:
    """Yield prefixes that no url can have, and those that stand there twice."""
    seen: set[str] = set()
    for index, each in enumerate(given):
        match = _PREFIX.fullmatch(each["prefix"])
        where = f"spec.remotes[{index}].prefix"
        if match is None or (match[2] and match[1].lower() != "ssh"):
            yield SchemaFault(
                where, "must be https://, ssh:// or oci://, a host and maybe a path, without credentials"
            )
        elif _plain(each["prefix"]) in seen:
            yield SchemaFault(where, "is written twice: remove one of them")
        else:
            seen.add(_plain(each["prefix"]))


def secret_for(url: str, known: Sequence[RemoteSecret]) -> str:
    """Return the Secret of the longest prefix of a url, by whole segments of its path; empty where there is none."""
    if _DISGUISED.search(url):
        return ""
    wanted = f"{_plain(url)}/"
    found = [each for each in known if wanted.startswith(f"{each.prefix}/")]
    return max(found, key=lambda each: len(each.prefix), default=RemoteSecret(prefix="", name="")).name


def _plain(url: str) -> str:
    """Return a url with scheme and host in lower case, with a user where it is ssh, and without a slash at its end."""
    match = _PREFIX.fullmatch(url)
    if match is None:
        return url
    scheme, user = match[1].lower(), match[2] or "git"
    path = (match[4] or "").rstrip("/")
    return f"{scheme}://{f'{user}@' if scheme == 'ssh' else ''}{match[3].lower()}{path}"
