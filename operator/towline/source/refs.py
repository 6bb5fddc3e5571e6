"""Which refs a remote has, and which one a spec follows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from towline.api import versions
from towline.api.gitrepository import Ref, RefKind
from towline.errors import Reason, SourceError, SpecError

_NAME = re.compile(r"HEAD|refs/(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]+(?<![./])")
"""What git check-ref-format allows; a remote's listing is not trusted to keep to it."""

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LENGTH = re.compile(rb"[0-9a-fA-F]{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """What a remote offers: the object of each ref, annotated tags peeled to what they point at.

    `head` is the ref that the remote's HEAD names, empty where HEAD is detached or unborn.
    """

    names: Mapping[str, str]
    head: str = ""


def listed(listing: bytes) -> Refs:
    """Read the output of `git ls-remote --symref`; lines that no ref could have are left out."""
    lines = [line.partition("\t") for line in listing.decode("utf-8", "replace").split("\n")]
    heads = (
        left.removeprefix("ref: ") for left, _, name in lines if name == "HEAD" and left.startswith("ref: ")
    )
    return _offered(lines, next(heads, ""))


def advertised(answer: bytes) -> Refs:
    """Read what a smart server advertises (gitprotocol-http, protocol version 0), in the same way.

    Raises:
        ValueError: the answer is malformed or cut off.
    """
    service, *rest = _packets(answer)
    if service.rstrip(b"\n") != b"# service=git-upload-pack" or len(rest) < 2 or rest[0] or rest[-1]:
        raise ValueError("not what a smart server advertises")
    if len(rest) == 2:
        return Refs(names=MappingProxyType({}))
    first, _, capabilities = rest[1].partition(b"\0")
    lines = [line.decode("utf-8", "replace").rstrip("\n").partition(" ") for line in (first, *rest[2:-1])]
    if not all(left for left, _, _ in lines) or any(left in {"ERR", "version"} for left, _, _ in lines):
        raise ValueError("the server says something else than refs")
    words = capabilities.decode("utf-8", "replace").split()
    heads = (word.removeprefix("symref=HEAD:") for word in words if word.startswith("symref=HEAD:"))
    return _offered(lines, next(heads, ""))


def resolve(ref: Ref, refs: Refs) -> tuple[str, str]:
    """Return the full name of the ref that the spec follows, and its commit.

    For a commit both are the commit.

    A range of versions over many thousand tags takes so long that it belongs in a thread.

    Raises:
        SourceError: RefNotFound.
    """
    if ref.kind is RefKind.COMMIT:
        return ref.value, ref.value
    name = _newest(ref, refs) if ref.kind is RefKind.SEMVER else _full_name(ref, refs)
    if name not in refs.names:
        raise _missing(ref, refs)
    return name, refs.names[name]


def _full_name(ref: Ref, refs: Refs) -> str:
    if ref.kind is RefKind.HEAD:
        return refs.head or "HEAD"
    prefix = {RefKind.BRANCH: "refs/heads/", RefKind.TAG: "refs/tags/"}.get(ref.kind, "")
    return f"{prefix}{ref.value}"


def _offered(lines: Iterable[tuple[str, str, str]], head: str) -> Refs:
    """Take lines of object id, separator and name; a name with `^{}` is what an annotated tag points at."""
    names = {
        name.removesuffix("^{}"): left
        for left, _, name in lines
        if _SHA.fullmatch(left) and _NAME.fullmatch(name.removesuffix("^{}"))
    }
    return Refs(names=MappingProxyType(names), head=head if head in names else "")


def _packets(content: bytes) -> Iterator[bytes]:
    """Give the packets of pkt-line framing (gitprotocol-common), an empty one for a flush."""
    at = 0
    while at < len(content):
        length = content[at : at + 4]
        size = int(length, 16) if _LENGTH.fullmatch(length) else 1
        end = at + max(size, 4)
        if size in {1, 2, 3} or end > len(content):
            raise ValueError("no pkt-line")
        yield content[at + 4 : end]
        at = end


def _newest(ref: Ref, refs: Refs) -> str:
    """Return the tag of the newest version in a range, empty where there is none."""
    try:
        wanted = versions.parse_range(ref.value)
    except ValueError as error:
        raise SpecError(
            Reason.INVALID_REF,
            f"spec.ref.semver: {ref.value!r} must be a range of versions, such as >=1.2 <2",
        ) from error
    found = (
        (version, name) for name in refs.names if (version := versions.tagged(name)) and version in wanted
    )
    return max(found, key=lambda one: (one[0].precedence_key, one[1]), default=(None, ""))[1]


def _missing(ref: Ref, refs: Refs) -> SourceError:
    if not refs.names:
        said = "the remote has no refs at all: push a first commit"
    elif ref.kind is RefKind.HEAD:
        said = "the remote's HEAD names no branch: set spec.ref.branch"
    elif ref.kind is RefKind.SEMVER:
        said = f"the remote has no tag in the range {ref.value}: push one, or change spec.ref.semver"
    else:
        what = _WORDS.get(ref.kind, "ref")
        said = f"the remote has no {what} {ref.value}: push it, or change spec.ref.{ref.kind}"
    return SourceError(Reason.REF_NOT_FOUND, said)


_WORDS = {RefKind.BRANCH: "branch", RefKind.TAG: "tag"}
