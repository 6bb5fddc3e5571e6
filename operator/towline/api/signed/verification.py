"""Hold what became of the signatures of a revision: whose they are, and whether they are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline import text
from towline.api.signed.verifying import VerifyMode
from towline.model import Body

KEPT = 250
"""How many signatures a record lists."""

_SIGNER_BYTES = 256


class Trust(StrEnum):
    """What became of one signature."""

    TRUSTED = "Trusted"
    UNSIGNED = "Unsigned"
    UNKNOWN_KEY = "UnknownKey"
    EXPIRED_KEY = "ExpiredKey"
    REVOKED_KEY = "RevokedKey"
    EXPIRED_SIGNATURE = "ExpiredSignature"
    BAD_SIGNATURE = "BadSignature"
    UNSUPPORTED = "Unsupported"
    WRONG_TAG = "WrongTag"


class SignedKind(StrEnum):
    """What was signed."""

    COMMIT = "commit"
    TAG = "tag"


class SignatureFormat(StrEnum):
    """How it was signed; NONE where it was not, or in a way that is not known."""

    NONE = ""
    GPG = "GPG"
    SSH = "SSH"
    X509 = "X.509"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What became of the signature of one commit or tag.

    Attributes:
        sha: the id of what was signed.
        kind: what that is.
        trust: what became of it.
        format: how it was signed.
        key: the fingerprint of the key, or its id where no more is known; empty where not even that is.
        signer: the user id of the key, or the principal of its line in `allowed_signers`; only of keys in the Secret.
        why: what is wrong beyond `trust`, as a sentence goes on after the name of what was signed.
    """

    sha: str
    kind: SignedKind = SignedKind.COMMIT
    trust: Trust
    format: SignatureFormat = SignatureFormat.NONE
    key: str = ""
    signer: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What became of the signatures of a revision.

    Attributes:
        mode: what was asked for.
        secret: the name of the Secret with the keys.
        signatures: newest first, those that are not trusted before all others where not all are listed.
        total: how many there are.
        problem: why nothing could be verified, as a sentence; empty where it could.
    """

    mode: VerifyMode
    secret: str
    signatures: tuple[Signature, ...] = ()
    total: int = 0
    problem: str = ""

    @property
    def refused(self) -> tuple[Signature, ...]:
        """The signatures that are not trusted."""
        return tuple(each for each in self.signatures if each.trust is not Trust.TRUSTED)

    @property
    def is_trusted(self) -> bool:
        """Whether every signature that was asked for is there and trusted."""
        return bool(self.signatures) and not self.problem and not self.refused


def verdict(found: Verification | None) -> str:
    """Return the verdict in a word, empty where nothing was verified."""
    if found is None:
        return ""
    return "Trusted" if found.is_trusted else "Refused"


def gathered(mode: VerifyMode, secret: str, signatures: Sequence[Signature]) -> Verification:
    """Return what became of signatures, newest first; of very many those are kept that are not trusted."""
    kept = tuple(signatures)
    if len(kept) > KEPT:
        kept = tuple(sorted(kept, key=lambda each: each.trust is Trust.TRUSTED))[:KEPT]
    return Verification(mode=mode, secret=secret, signatures=kept, total=len(signatures))


def body(verification: Verification) -> Body:
    """Return a verification as a record holds it."""
    return {
        "mode": str(verification.mode),
        "secret": verification.secret,
        "verdict": verdict(verification),
        "signatures": [_signature_body(each) for each in verification.signatures],
        "total": verification.total,
    }


def _signature_body(signature: Signature) -> dict[str, Any]:
    told = {
        "format": str(signature.format),
        "key": signature.key,
        "signer": text.printable(signature.signer, _SIGNER_BYTES),
    }
    return {
        "sha": signature.sha,
        "kind": str(signature.kind),
        "trust": str(signature.trust),
        **{name: value for name, value in told.items() if value},
    }


def parse(stored: Body) -> Verification | None:
    """Return the verification of the spec of a record; None where nothing was verified.

    Raises:
        KeyError, ValueError: it is not one.
    """
    found = stored.get("verification")
    if not found:
        return None
    return Verification(
        mode=VerifyMode(found["mode"]),
        secret=found["secret"],
        signatures=tuple(
            Signature(
                sha=each["sha"],
                kind=SignedKind(each["kind"]),
                trust=Trust(each["trust"]),
                format=SignatureFormat(each.get("format", "")),
                key=each.get("key", ""),
                signer=each.get("signer", ""),
            )
            for each in found["signatures"]
        ),
        total=found["total"],
    )
