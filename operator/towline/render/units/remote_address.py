"""Read the address of a remote base as kustomize does (its api/internal/git/repospec.go), and judge what it names.

kustomize hands the ref to git as it is written, and a ref may be an option there. Here an address only becomes values.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple
from urllib.parse import parse_qs

_REMOTE = re.compile(
    r"://|^(?:git::|gh:|[\w.-]+@[\w.-]+[:/])|^(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)[/:]|[?&](?:ref|version)=|_git/|\.git(?:/|$)",
    re.IGNORECASE,
)
"""What kustomize takes for the address of a repository."""

_SCHEME = re.compile(r"(ssh|https|http|file)://", re.IGNORECASE)
_USER = re.compile(r"[A-Za-z][A-Za-z0-9-]*@")
_GITHUB = re.compile(r"github\.com[/:]", re.IGNORECASE)
_FORCED = re.compile(r"git::", re.IGNORECASE)
_FILE = re.compile(r"\.(?:ya?ml|json)$", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{4,63}")
_TAG = re.compile(r"(?![-/.])(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]+(?<![./])")
_TAGS = "refs/tags/"
_SEGMENTS = 2
"""Segments of a path that are the repository, where nothing in the address separates it from its folder."""

WHAT_IS_PINNED = "a full commit id, or a tag"


class AddressError(Exception):
    """The address is refused; the message says why, to follow its text."""


class RemoteRepository(NamedTuple):
    """A repository on another server at a ref, which is a full commit id or the name of a tag."""

    url: str
    ref: str

    @property
    def is_commit(self) -> bool:
        """Whether the ref is a commit, so that nobody can move it."""
        return _COMMIT.fullmatch(self.ref) is not None


class RemoteAddress(NamedTuple):
    """A folder of a remote repository; "" is its root."""

    repository: RemoteRepository
    folder: str


def is_remote(text: str) -> bool:
    """Tell whether kustomize may take a path for an address."""
    return _REMOTE.search(text) is not None


def parse(text: str) -> RemoteAddress:
    """Read an address.

    Raises:
        AddressError: it is none that kustomize could open, it leads to a file, or its ref may move.
    """
    place, _, query = _FORCED.sub("", text, count=1).partition("?")
    host, rest = _host(place)
    if host.startswith("http") and _FILE.search(rest):
        raise AddressError("is a file on another server: commit it, and name its path")
    repository, folder = _parts(rest)
    folder = posixpath.normpath(folder) if folder.strip("/") else "."
    if folder.startswith(("../", "/")) or folder == "..":
        raise AddressError("leads out of its repository")
    values = parse_qs(query)
    ref = _ref(next(iter((*values.get("ref", ()), *values.get("version", ()))), ""))
    return RemoteAddress(RemoteRepository(f"{host}{repository}", ref), "" if folder == "." else folder)


def _host(place: str) -> tuple[str, str]:
    """Return scheme, user and host as the beginning of a url, and the path behind it."""
    match = _SCHEME.match(place)
    scheme, place = (match[1].lower(), place[match.end() :]) if match else ("", place)
    if scheme == "file":
        raise AddressError("is a folder of the machine: commit its files, and name their path")
    match = _USER.match(place)
    user, place = (match[0], place[match.end() :]) if match else ("", place)
    is_github = _GITHUB.match(place) is not None
    if not (scheme or user or is_github):
        raise AddressError(
            "is not an address that kustomize can open: write https://HOST/ORG/REPO//FOLDER?ref=TAG"
        )
    host, separator, rest = _split(place, r"[/:]" if not scheme else "/")
    if not host or not separator:
        raise AddressError("has no path to a repository: write https://HOST/ORG/REPO//FOLDER?ref=TAG")
    if is_github and scheme != "ssh" and not user:
        return "https://github.com/", rest
    return (f"{scheme or 'ssh'}://{user}{host}/"), rest.removeprefix("/") if not scheme else rest


def _split(text: str, separator: str) -> tuple[str, str, str]:
    match = re.search(separator, text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _parts(path: str) -> tuple[str, str]:
    """Tell the path of the repository from that of the folder in it."""
    if "_git/" in path:
        before, _, behind = path.partition("_git/")
        name, _, folder = behind.partition("/")
        return f"{before}_git/{name}", folder
    if "//" in path:
        repository, _, folder = path.partition("//")
        return repository, folder
    if ".git" in path:
        before, _, folder = path.partition(".git")
        if folder and not folder.startswith("/"):
            raise AddressError(
                "does not say where its repository ends: write // between repository and folder"
            )
        return f"{before}.git", folder.removeprefix("/")
    segments = path.split("/")
    if len(segments) < _SEGMENTS or not all(segments[:_SEGMENTS]):
        raise AddressError("does not say where its repository ends: write // between repository and folder")
    return "/".join(segments[:_SEGMENTS]), "/".join(segments[_SEGMENTS:])


def _ref(written: str) -> str:
    ref = written.strip().removeprefix(_TAGS)
    if not ref:
        raise AddressError(f"names no ref, so it would follow a branch: add ?ref= with {WHAT_IS_PINNED}")
    if ref in {"HEAD", "FETCH_HEAD"} or ref.startswith("refs/"):
        raise AddressError(f"has a ref that moves ({_shown(ref)}): name {WHAT_IS_PINNED}")
    if _COMMIT.fullmatch(ref.lower()):
        return ref.lower()
    if not _TAG.fullmatch(ref) or len(ref) > 255:
        raise AddressError(f"has a ref ({_shown(ref)}) that no tag can have: name {WHAT_IS_PINNED}")
    return ref


def absent_tag(ref: str, *, is_branch: bool) -> str:
    """Say why a ref that is the name of no tag is refused."""
    if is_branch:
        return f"follows the branch {ref}, which moves: name {WHAT_IS_PINNED}"
    hint = " (a commit is named by its full id)" if _SHORT_COMMIT.fullmatch(ref) else ""
    return f"names a tag {ref} that its repository does not have{hint}: name {WHAT_IS_PINNED}"


def _shown(ref: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in ref[:60])
