"""Check that a host's addresses are public, and pin the checked address so that DNS cannot change it afterwards."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from towline.errors import Reason, SourceError, SpecError
from towline.source.access import Remote
from towline.source.dns import Names, Resolve

_UNICAST = ipaddress.ip_network("2000::/3")
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""All that is public of version 6: what was given out, and what a gateway translates to version 4."""


class Addresses:
    """Refuses hosts inside the operator's own network; for `--deny-private-addresses`."""

    def __init__(self, resolve: Resolve | None = None) -> None:
        self._names = Names(resolve)

    async def pinned(self, remote: Remote) -> Remote:
        """Return the remote with the address that it is to be asked at.

        Raises:
            SpecError: InvalidURL, if any of the host's addresses is not public.
            SourceError: GitUnavailable, if the host has no address.
        """
        try:
            found = await self._names.look_up(remote.hostname, remote.port)
        except (OSError, UnicodeError) as error:
            raise SourceError(Reason.GIT_UNAVAILABLE, f"{remote.url}: no such host") from error
        if not found or not all(map(_is_public, found)):
            raise SpecError(
                Reason.INVALID_URL,
                f"spec.url {remote.url}: the host has an address that is not public,"
                " which this operator refuses (--deny-private-addresses)",
            )
        return replace(remote, address=found[0])


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and not (address in _UNICAST or address in _TRANSLATED):
        return False
    return all(one.is_global and not one.is_multicast for one in (address, *_embedded(address)))


def _embedded(address: IPv4Address | IPv6Address) -> Iterable[IPv4Address]:
    """Return the version 4 addresses that a version 6 address leads to."""
    if isinstance(address, IPv4Address):
        return ()
    translated = IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else None
    teredo = address.teredo[1] if address.teredo else None
    return tuple(one for one in (address.ipv4_mapped, address.sixtofour, teredo, translated) if one)
