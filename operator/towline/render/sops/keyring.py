"""Hold the private keys of age that a Secret has, and open data keys with them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from towline import text

ENDING = ".agekey"
"""How the keys of a Secret end that hold private keys of age, as with Flux."""

_PRIVATE = "AGE-SECRET-KEY-1"
_SHOWN = 100  # bytes


class KeyringError(ValueError):
    """A Secret holds no key, or one that cannot be read; the message names the key, never its value."""


class Keyring:
    """Private keys of age; nothing shows them.

    Args:
        identities: as pyrage reads them.
        holder: the Secret that they are from, as messages name it.
    """

    __slots__ = ("_identities", "holder")

    def __init__(self, identities: Sequence[Any], holder: str) -> None:
        self._identities = list(identities)
        self.holder = holder

    def fingerprint(self, secret: bytes) -> str:
        """Return what tells these keys from others, and nothing else about them.

        Args:
            secret: a key of the operator's own, without which nobody can check a guess.
        """
        told = "\n".join(sorted(map(str, self._identities)))
        return hmac.new(secret, told.encode(), hashlib.sha256).hexdigest()

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
    """Return the private keys that a Secret holds under names that end in `.agekey`, one a line.

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
    if not identities:
        raise KeyringError(f"no key of the Secret ends in {ENDING} and holds a private key of age")
    return Keyring(identities, holder)
