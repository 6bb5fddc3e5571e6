"""Find out how a commit or a tag is signed; whether the signature is good is for git, gpg and ssh-keygen to say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from towline.api.signed.verification import SignatureFormat, SignedKind

SIGNATURE_BYTES = 64 * 1024
"""A signature of a person has a few hundred bytes, one with a certificate a few thousand."""

_SHA1_DIGITS = 40
_BEGINS = {
    b"-----BEGIN PGP SIGNATURE-----": SignatureFormat.GPG,
    b"-----BEGIN PGP MESSAGE-----": SignatureFormat.GPG,
    b"-----BEGIN SSH SIGNATURE-----": SignatureFormat.SSH,
    b"-----BEGIN SIGNED MESSAGE-----": SignatureFormat.X509,
}
"""The lines by which git tells formats (gpg-interface.c)."""

_BEGINNING = re.compile(rb"^(?:%s)" % b"|".join(map(re.escape, _BEGINS)), re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedObject:
    """How a commit or tag is signed.

    Attributes:
        sha: its id.
        kind: what it is.
        format: how it is signed; NONE also where that is not known.
        is_signed: whether it is at all.
        signature_bytes: how long its signature is.
        signatures: how many it has.
        tag: the name in a tag object, as it may be shown nowhere unchecked.
    """

    sha: str
    kind: SignedKind
    format: SignatureFormat = SignatureFormat.NONE
    is_signed: bool = False
    signature_bytes: int = 0
    signatures: int = 0
    tag: bytes = b""


def read(shas: Sequence[str], found: Mapping[str, tuple[str, bytes]]) -> tuple[SignedObject, ...]:
    """Say how some commits and tags are signed, of which `found` has the type and the content."""
    readers = {"commit": commit, "tag": tag}
    return tuple(readers[found[sha][0]](sha, found[sha][1]) for sha in shas)


def commit(sha: str, content: bytes) -> SignedObject:
    """Read a commit object: its signature is in a header, which depends on the ids of the repository."""
    name = b"gpgsig" if len(sha) == _SHA1_DIGITS else b"gpgsig-sha256"
    headers, _, _ = content.partition(b"\n\n")
    signed: list[bytes] = []
    inside = False
    count = 0
    for line in headers.split(b"\n"):
        if line.startswith(name + b" "):
            inside, count = True, count + 1
            signed.append(line.removeprefix(name + b" "))
        elif inside and line.startswith(b" "):
            signed.append(line[1:])
        else:
            inside = False
    return _signed(sha, SignedKind.COMMIT, b"\n".join(signed), count)


def tag(sha: str, content: bytes) -> SignedObject:
    """Read a tag object: its signature is the end of its message, or a header where ids are those of SHA-256."""
    headers, _, message = content.partition(b"\n\n")
    names = [line[4:] for line in headers.split(b"\n") if line.startswith(b"tag ")]
    name = names[0] if len(names) == 1 else b""
    if len(sha) != _SHA1_DIGITS:
        found = commit(sha, content)
    else:
        begins = [match.start() for match in _BEGINNING.finditer(message)]
        found = _signed(sha, SignedKind.TAG, message[begins[-1] :] if begins else b"", len(begins))
    return SignedObject(
        sha=sha,
        kind=SignedKind.TAG,
        format=found.format,
        is_signed=found.is_signed,
        signature_bytes=found.signature_bytes,
        signatures=min(found.signatures, 1),
        tag=name,
    )


def _signed(sha: str, kind: SignedKind, signature: bytes, count: int) -> SignedObject:
    first = signature.partition(b"\n")[0].rstrip(b"\r")
    return SignedObject(
        sha=sha,
        kind=kind,
        format=next(
            (found for begin, found in _BEGINS.items() if first.startswith(begin)), SignatureFormat.NONE
        ),
        is_signed=bool(signature.strip()),
        signature_bytes=len(signature),
        signatures=count,
    )
