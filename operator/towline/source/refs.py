"""What a remote offers, and which of it a spec follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import semantic_version

from towline.api import versions
from towline.api.gitrepository import Ref, RefKind
from towline.errors import Reason, SourceError, SpecError

_NAME = re.compile(r"HEAD|refs/(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]+(?<![./])")
"""What git check-ref-format allows; a remote's listing is not trusted to keep to it."""

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """What a remote offers: the object of each ref, annotated tags peeled to what they point at.

    `head` is the ref that the remote's HEAD names, empty where HEAD is detached or unborn.
    """

    names: Mapping[str, str]
    head: str = ""


def parse(listing: bytes) -> Refs:
    """Read the output of `git ls-remote --symref`; lines that no ref could have are left out."""
    names: dict[str, str] = {}
    head = ""
    for left, name in _lines(listing):
        if left.startswith("ref: "):
            head = left.removeprefix("ref: ") if name == "HEAD" else head
        elif _SHA.fullmatch(left) and _NAME.fullmatch(name.removesuffix("^{}")):
            names[name.removesuffix("^{}")] = left
    return Refs(names=MappingProxyType(names), head=head if head in names else "")


def resolve(ref: Ref, refs: Refs) -> tuple[str, str]:
    """Return the full name of what the spec follows and the commit it stands at.

    For a commit both are the commit.

    A range of versions over many thousand tags takes long enough to belong into a thread.

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


def _lines(listing: bytes) -> Iterator[tuple[str, str]]:
    for line in listing.decode("utf-8", "replace").split("\n"):
        left, tab, name = line.partition("\t")
        if tab:
            yield left, name


def _newest(ref: Ref, refs: Refs) -> str:
    """Return the tag of the newest version in a range, empty where there is none."""
    try:
        wanted = versions.parse_range(ref.value)
    except ValueError as error:
        raise SpecError(
            Reason.INVALID_REF, f"spec.ref.semver: {ref.value!r} is no range of versions"
        ) from error
    found = ((version, name) for name in refs.names if (version := _version(name)) and version in wanted)
    return max(found, key=lambda one: (one[0].precedence_key, one[1]), default=(None, ""))[1]


_TAG = re.compile(r"refs/tags/v?([0-9]+\.[0-9]+\.[0-9]+(?:[-+].*)?)")


def _version(name: str) -> semantic_version.Version | None:
    match = _TAG.fullmatch(name)
    if match is None:
        return None
    try:
        return semantic_version.Version(match[1])
    except ValueError:
        return None


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
