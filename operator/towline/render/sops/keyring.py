"""Hold the keys of a Secret: those of age, which open data keys here, and those that the sops binary is handed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from towline import text
from towline.render.sops import provider_keys
from towline.render.sops.opened_groups import OpenedGroup
from towline.render.sops.provider_keys import Handed, Provider, ProviderKeyError
from towline.render.sops.sealed_groups import SealedGroup

ENDING = ".agekey"
"""How the keys of a Secret end that hold private keys of age, as with Flux."""

_PRIVATE = "AGE-SECRET-KEY-1"
_SHOWN = 100  # bytes


class KeyringError(ValueError):
    """A Secret holds no key, or one that cannot be read; the message names the key, never its value."""


class Binary(Protocol):
    """The sops binary."""

    @property
    def identity(self) -> str:
        """What no other binary has."""
        ...

    @property
    def asks_vault(self) -> bool:
        """Whether it may be given a token of Vault."""
        ...

    async def opened(self, group: SealedGroup, handed: Mapping[Provider, Handed], holder: str) -> OpenedGroup:
        """Return documents without encryption, or why they cannot be had."""
        ...


class Keyring:
    """Private keys of age, and what the sops binary is handed; nothing shows them.

    Args:
        identities: as pyrage reads them.
        holder: the Secret that they are from, as messages name it.
        handed: what the binary gets of the Secret, by provider.
        binary: where it is; None where it is absent.
        known: what it has opened, by the digest of the documents.
    """

    __slots__ = ("_identities", "_known", "binary", "handed", "holder")

    def __init__(
        self,
        identities: Sequence[Any],
        holder: str,
        handed: Mapping[Provider, Handed] | None = None,
        binary: Binary | None = None,
        known: Mapping[str, OpenedGroup] | None = None,
    ) -> None:
        self._identities = list(identities)
        self.holder = holder
        self.handed = dict(handed or {})
        self.binary = binary
        self._known = dict(known or {})

    def through(self, binary: Binary | None) -> Keyring:
        """Return these keys with the binary."""
        return Keyring(self._identities, self.holder, self.handed, binary, self._known)

    def knowing(self, opened: Mapping[str, OpenedGroup]) -> Keyring:
        """Return these keys with what the binary has opened, by the digest of the documents."""
        return Keyring(self._identities, self.holder, self.handed, self.binary, opened)

    def known(self, digest: str) -> OpenedGroup | None:
        """Return what the binary has made of documents, None where it was not asked."""
        return self._known.get(digest)

    def fingerprint(self, secret: bytes) -> str:
        """Return what tells these keys, and the binary, from others, and nothing else about them.

        Args:
            secret: a key of the operator's own, without which nobody can check a guess.
        """
        handed = [
            (provider, sorted(one.environment.items()), sorted(one.files.items()), one.address)
            for provider, one in sorted(self.handed.items())
        ]
        told = (sorted(map(str, self._identities)), handed, self.binary.identity if self.binary else "")
        return hmac.new(secret, repr(told).encode(), hashlib.sha256).hexdigest()

    def open(self, sealed_keys: Sequence[str]) -> bytes | None:
        """Return the data key that was sealed for one of the private keys; None where for none of them."""
        import pyrage

        for sealed in sealed_keys:
            try:
                return bytes(pyrage.decrypt(sealed.encode(), self._identities))
            except pyrage.DecryptError:
                continue
        return None


def keyring(secret: Mapping[str, bytes], holder: str = "the Secret") -> Keyring:
    """Return the keys that a Secret holds: those of age under names that end in `.agekey`, one a line, and others.

    Args:
        secret: its decoded content by key.
        holder: the Secret as messages name it.

    Raises:
        KeyringError: there is none, or one is malformed.
    """
    import pyrage

    identities = []
    for name in sorted(name for name in secret if name.endswith(ENDING)):
        for number, line in enumerate(secret[name].decode("utf-8", "replace").splitlines(), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            where = f"line {number} of the key {text.printable(name, _SHOWN)}"
            if not line.strip().startswith(_PRIVATE):
                raise KeyringError(f"{where} is not a private key of age, which begins with {_PRIVATE}")
            try:
                identities.append(pyrage.x25519.Identity.from_str(line.strip()))
            except pyrage.IdentityError as error:
                raise KeyringError(f"{where} is a private key of age with a wrong letter") from error
    try:
        handed = provider_keys.read(secret)
    except ProviderKeyError as error:
        raise KeyringError(str(error)) from None
    if not identities and not handed:
        raise KeyringError(
            f"no key of the Secret ends in {ENDING} and holds a private key of age, and there is no other key for SOPS "
            "(*.asc, sops.aws-kms, sops.gcp-kms, sops.azure-kv, sops.vault-token)"
        )
    if identities:
        handed[Provider.AGE] = provider_keys.of_age("\n".join(map(str, identities)))
    return Keyring(identities, holder, handed)
