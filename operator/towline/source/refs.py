"""Which refs a remote has, and which one a spec follows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Any

from semantic_version import Version

from towline.api import versions
from towline.api.gitrepository import Ref, RefKind
from towline.errors import Reason, SourceError, SpecError

_NAME = re.compile(r"HEAD|refs/(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]+(?<![./])")
"""What git check-ref-format allows; a remote's listing is not trusted to keep to it."""

_SHA = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LENGTH = re.compile(rb"[0-9a-fA-F]{4}")


_FEW = 200
"""A remote with no more refs is kept whole, so that specs that follow other refs share one look at it."""

_SERVICE = b"# service=git-upload-pack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """What a remote offers: the object of each ref, annotated tags peeled to what they point at.

    `head` is the ref that the remote's HEAD names, empty where HEAD is detached or unborn. Of a remote with many refs
    only those are kept that some spec follows: `answers` are the specs' refs, None where nothing was left out. `total`
    counts what was offered, None where only a part was asked for. `digest` is that of the answer. `tags` are the ids of
    the annotated tags themselves, by the names of their refs.
    """

    names: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    head: str = ""
    answers: frozenset[Ref] | None = field(default=None, compare=False)
    total: int | None = field(default=None, compare=False)
    digest: bytes = field(default=b"", compare=False)

    def covers(self, wanted: frozenset[Ref] | None) -> bool:
        """Tell whether refs are here if the remote has them; None stands for all."""
        return self.answers is None or (wanted is not None and wanted <= self.answers)


def listed(listing: bytes, wanted: frozenset[Ref] | None = None) -> Refs:
    """Read the output of `git ls-remote --symref`; lines that no ref could have are left out.

    Args:
        listing: the output.
        wanted: what specs follow; of a remote with many refs nothing else is kept. None keeps everything.
    """
    head = _SYMREF.search(listing)
    lines = ((match[1], match[2]) for match in _LISTED.finditer(listing))
    return _offered(lines, _text(head[1]) if head else "", wanted)


_LISTED = re.compile(rb"^([0-9a-f]+)\t(.*)$", re.MULTILINE)
_SYMREF = re.compile(rb"^ref: (.*)\tHEAD$", re.MULTILINE)


def advertised(answer: bytes, wanted: frozenset[Ref] | None = None) -> Refs:
    """Read what a smart server advertises (gitprotocol-http, protocol version 0), in the same way.

    Raises:
        ValueError: the answer is malformed or cut off.
    """
    packets = _packets(answer)
    if next(packets, b"").rstrip(b"\n") != _SERVICE or next(packets, b"x"):
        raise ValueError("not what a smart server advertises")
    beginning = next(packets, None)
    if beginning is None:
        raise ValueError("the end of what a server advertises is missing")
    first, _, capabilities = beginning.partition(b"\0")
    words = _text(capabilities).split()
    heads = (word.removeprefix("symref=HEAD:") for word in words if word.startswith("symref=HEAD:"))
    return _offered(_advertised(first, packets), next(heads, ""), wanted)


def _advertised(first: bytes, packets: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Give the lines of an advertisement, which a flush ends and nothing follows."""
    for packet in chain((first,), packets):
        left, _, name = packet.rstrip(b"\n").partition(b" ")
        if not packet:
            break
        if not left or left in {b"ERR", b"version"}:
            raise ValueError("the server says something else than what it advertises")
        yield left, name
    else:
        raise ValueError("the end of what a server advertises is missing")
    if next(packets, None) is not None:
        raise ValueError("more than what a server advertises")


def resolve(ref: Ref, refs: Refs) -> tuple[str, str]:
    """Return the full name of the ref that the spec follows, and its commit.

    For a commit both are the commit, or the name is that of the branch that it must be in.

    A range of versions over many thousand tags takes so long that it belongs in a thread.

    Raises:
        SourceError: RefNotFound.
    """
    if ref.kind is RefKind.COMMIT:
        return resolve(_branch(ref), refs)[0] if ref.branch else ref.value, ref.value
    name = _newest(ref, refs) if ref.kind is RefKind.SEMVER else _full_name(ref, refs)
    if name not in refs.names:
        raise _missing(ref, refs)
    return name, refs.names[name]


def _branch(ref: Ref) -> Ref:
    """Return the branch that a commit must be in as a ref of its own, any other ref as it is."""
    return Ref(kind=RefKind.BRANCH, value=ref.branch) if ref.branch else ref


def _full_name(ref: Ref, refs: Refs) -> str:
    if ref.kind is RefKind.HEAD:
        return refs.head or "HEAD"
    return f"{_PREFIXES.get(ref.kind, '')}{ref.value}"


_PREFIXES = {RefKind.BRANCH: "refs/heads/", RefKind.TAG: "refs/tags/"}


def patterns(wanted: Iterable[Ref]) -> tuple[str, ...]:
    """Return the patterns by which `git ls-remote` asks for no more than these."""
    return tuple(sorted({pattern for ref in wanted for pattern in _patterns(_branch(ref))}))


def _patterns(ref: Ref) -> Iterator[str]:
    match ref.kind:
        case RefKind.HEAD | RefKind.COMMIT:
            yield "HEAD"
        case RefKind.SEMVER:
            yield "refs/tags/*"
        case _:
            name = f"{_PREFIXES.get(ref.kind, '')}{ref.value}"
            yield from (name, f"{name}^{{}}")


def _offered(lines: Iterable[tuple[bytes, bytes]], head: str, wanted: frozenset[Ref] | None) -> Refs:
    """Take object ids with names; a name with `^{}` is what an annotated tag points at."""
    few: dict[bytes, bytes] = {}
    tags: dict[bytes, bytes] = {}
    kept = _Kept(wanted or (), head)
    total = 0
    for left, peeled in lines:
        if not _SHA.fullmatch(left) or not left.strip(b"0"):
            continue
        name = peeled.removesuffix(b"^{}")
        total += name == peeled
        if wanted is None or len(few) <= _FEW:
            if name != peeled and name in few:
                tags[name] = few[name]
            few[name] = left
        kept.take(name, left)
    whole = wanted is None or total <= _FEW
    names = {
        _text(name): left.decode()
        for name, left in (few if whole else kept.names).items()
        if _NAME.fullmatch(_text(name))
    }
    annotated = {_text(name): sha.decode() for name, sha in (tags if whole else kept.tags).items()}
    if head not in names and "HEAD" in names and _NAME.fullmatch(head):
        names[head] = names["HEAD"]
    return Refs(
        names=MappingProxyType(names),
        tags=MappingProxyType({name: sha for name, sha in annotated.items() if name in names}),
        head=head if head in names else "",
        answers=None if whole else wanted,
        total=total,
    )


class _Kept:
    """Of many refs those that some spec follows; of tags in a range of versions the newest.

    `names` are the objects of those that are kept, `tags` those of annotated tags themselves.
    """

    def __init__(self, wanted: Iterable[Ref], head: str) -> None:
        self.names: dict[bytes, bytes] = {}
        self.tags: dict[bytes, bytes] = {}
        self._exact = {b"HEAD", head.encode()}
        self._newest: dict[versions.Range, tuple[Any, bytes]] = {}
        for ref in map(_branch, wanted):
            if ref.kind is RefKind.SEMVER:
                with suppress(ValueError):  # it is refused where it is resolved
                    self._newest[versions.parse_range(ref.value)] = (None, b"")
            elif ref.kind is not RefKind.COMMIT:
                self._exact.add(f"{_PREFIXES.get(ref.kind, '')}{ref.value}".encode())

    def take(self, name: bytes, sha: bytes) -> None:
        """Look at a ref; what an annotated tag points at comes right behind it, under the same name."""
        if name in self.names:
            self.tags[name] = self.names[name]
        if name in self._exact or name in self.names:
            self.names[name] = sha
        elif self._newest and (version := versions.tagged(_text(name))):
            self._compare(version, name, sha)

    def _compare(self, version: Version, name: bytes, sha: bytes) -> None:
        for within, (highest, newest) in self._newest.items():
            if version in within and (highest is None or highest < (version.precedence_key, name)):
                self._newest[within] = ((version.precedence_key, name), name)
                self.names[name] = sha
                if newest:
                    self._drop(newest)

    def _drop(self, name: bytes) -> None:
        if name not in self._exact and all(name != newest for _, newest in self._newest.values()):
            self.names.pop(name, None)
            self.tags.pop(name, None)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


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
    if not refs.names and not refs.total:
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
