"""The tree of one commit: what is in it, and which of its files are manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Protocol

from towline import text
from towline.errors import Failure, Reason, SourceError
from towline.source.exclusion import Exclusion

_SUFFIXES = (".yaml", ".yml", ".json")
_PATH_LIMIT = 1024


class Kind(StrEnum):
    """What an entry is."""

    FILE = "file"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file, symlink or submodule; `path` is from the repository root, `size` in bytes (0 for submodules).

    Bytes of a path that are not UTF-8 become lone surrogates. `place` is the path by which a symlink leads here, empty
    where none does; `refused` says why a symlink is not followed.
    """

    path: str
    mode: str
    kind: Kind
    sha: str
    size: int
    place: str = ""
    refused: str = ""

    @property
    def reached(self) -> str:
        """The path by which the entry is found below `spec.path`: names and patterns are judged by it."""
        return self.place or self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimits:
    """Limits on the size of one repository.

    `packs` is how many are kept before they are joined. A mirror that has doubled and grown by `slack_bytes` more is
    garbage-collected. `files` are manifests, `content_bytes` all of them together.
    """

    mirror_bytes: int = 2 * 1024**3
    slack_bytes: int = 16 * 1024**2
    refs: int = 200_000
    packs: int = 30
    entries: int = 200_000
    files: int = 50_000
    file_bytes: int = 10 * 1024**2
    content_bytes: int = 64 * 1024**2
    read_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The manifests in byte order of their paths, what is refused, and the submodules passed over.

    `units` are the marker files of folders that a tool builds; `inner` are the files named like manifests in these.
    """

    files: tuple[Entry, ...]
    failures: tuple[Failure, ...] = ()
    submodules: tuple[str, ...] = ()
    units: tuple[Entry, ...] = ()
    inner: tuple[Entry, ...] = ()


class Listed(Protocol):
    """What a commit holds below a path, and where its symlinks lead."""

    @property
    def entries(self) -> Iterable[Entry]:
        """What is below the path, symlinks as themselves."""

    def follow(self, link: Entry, wanted: Callable[[Entry], bool]) -> Iterable[Entry]:
        """Return what a symlink leads to, of a folder only what is wanted; or the link itself, with `refused`."""


def select(
    listed: Listed,
    path: str,
    markers: Mapping[str, str],
    exclude: Sequence[str] = (),
    limits: SourceLimits | None = None,
) -> Selection:
    """Return the manifests below `path`, by the rules of "Reading a repository" in the contract.

    Files below a folder that is refused as a whole are not selected: their errors would hide the cause. A file that
    several paths lead to is selected once.

    Args:
        listed: what the commit holds.
        path: where manifests begin.
        markers: names of files whose folder is not made of plain manifests, and why the folder is refused; where that
            is empty, it is a unit, and so is all that is in it.
        exclude: patterns of what is passed over.
        limits: what a commit may cost.

    Raises:
        SpecError: InvalidSpec, for a pattern of `exclude` that is none, or that costs too much.
        SourceError: SourceTooLarge.
    """
    limits = limits or SourceLimits()
    seen = tuple(sorted(_seen(listed, path, markers, exclude), key=_byte_order))
    units = _once(one for one in seen if markers.get(_name(one)) == "" and one.kind is Kind.FILE)
    built = {_folder(one): one for one in units}
    unserved = {
        _folder(one): one for one in seen if markers.get(_name(one)) and not _below(one.reached, built)
    }
    plain = [one for one in seen if is_manifest(one) and not _below(one.reached, unserved)]
    manifests = _once(one for one in plain if not _below(one.reached, built))
    _check_amount(manifests, limits)
    failures = (
        *(_not_served(entry, markers[_name(entry)], path) for entry in unserved.values()),
        *(_refused_link(one) for one in _once(one for one in seen if one.kind is Kind.SYMLINK)),
        *(fault for one in manifests if (fault := _fault(one, limits))),
    )
    return Selection(
        files=tuple(one for one in manifests if not _fault(one, limits)),
        failures=tuple(sorted(failures, key=attrgetter("file"))),
        submodules=tuple(shown(one.path) for one in _once(seen) if one.kind is Kind.SUBMODULE),
        units=units,
        inner=_once(one for one in plain if _below(one.reached, built)),
    )


def shown(path: str) -> str:
    """Return a path for a status or a log: what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def unit_folder(marker: Entry) -> str:
    """Return the folder that a marker file makes a unit: where the file is, also if a symlink leads to its folder."""
    name = _name(marker)
    place = marker.path if marker.path.rpartition("/")[2] == name else marker.reached
    return place.rpartition("/")[0]


def is_manifest(entry: Entry) -> bool:
    """Tell whether an entry is a file that may hold manifests, by its name."""
    return entry.kind is Kind.FILE and _has_suffix(entry)


def through_link(message: str, path: str, place: str) -> str:
    """Return a message about a file, with the path by which a symlink leads to it."""
    return message if place == path else f"{message} (read as {shown(place)}, through a symlink)"


def _seen(listed: Listed, path: str, markers: Mapping[str, str], exclude: Sequence[str]) -> Iterator[Entry]:
    prefix = 0 if path == "." else len(path) + 1
    exclusion = Exclusion(exclude)

    def wanted(entry: Entry) -> bool:
        below = entry.reached[prefix:]
        hidden = below.startswith(".") or "/." in below
        return not hidden and not (_matters(entry, markers) and _excluded(exclusion, below))

    for entry in filter(wanted, listed.entries):
        if entry.kind is Kind.SYMLINK:
            yield from listed.follow(entry, wanted)
        else:
            yield entry


def _once(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Keep each file once, in byte order: as it is reached without a symlink, or else by the first one."""
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry.path not in first or entry.reached == entry.path:
            first[entry.path] = entry
    return tuple(sorted(first.values(), key=_byte_order))


def _excluded(exclusion: Exclusion, path: str) -> bool:
    """Of a path that is longer than a manifest's may be, ask only about its folders, as far as that is not so."""
    if len(path) <= _PATH_LIMIT:
        return exclusion.covers(path)
    return exclusion.covers_folder(path[:_PATH_LIMIT].rpartition("/")[0])


def _matters(entry: Entry, markers: Mapping[str, str]) -> bool:
    """Say whether anything depends on this entry: asking about all others would only cost time."""
    return entry.kind is not Kind.FILE or _has_suffix(entry) or _name(entry) in markers


def _byte_order(entry: Entry) -> bytes:
    return entry.reached.encode("utf-8", "surrogateescape")


def _name(entry: Entry) -> str:
    return entry.reached.rpartition("/")[2]


def _folder(entry: Entry) -> str:
    return entry.reached.rpartition("/")[0]


def _has_suffix(entry: Entry) -> bool:
    return entry.reached.lower().endswith(_SUFFIXES)


def _below(path: str, folders: Mapping[str, Entry]) -> bool:
    parent = path.rpartition("/")[0]
    while parent and parent not in folders:
        parent = parent.rpartition("/")[0]
    return parent in folders


_WAYS_OUT = {"Chart.yaml": "commit the output of helm template, and set spec.path to its folder"}
"""What to do where `spec.path` itself is such a folder, and the files around the marker are not manifests."""


def _not_served(marker: Entry, why: str, path: str) -> Failure:
    folder = _folder(marker)
    if folder == ("" if path == "." else path):
        way_out = _WAYS_OUT.get(
            _name(marker), f"write spec.exclude: ['/{_name(marker)}'] to read the other files as manifests"
        )
    else:
        below = folder if path == "." else folder[len(path) + 1 :]
        way_out = f"write spec.exclude: ['/{shown(below)}/'], or use plain manifests"
    return Failure(reason=Reason.BUILD_FAILED, message=f"{why}: {way_out}", file=shown(marker.path))


def _refused_link(link: Entry) -> Failure:
    name = "it" if link.reached == link.path else shown(link.reached)
    return Failure(
        reason=Reason.SYMLINK_REFUSED,
        message=f"this symlink {link.refused}: correct it, commit the files themselves, or name {name} in spec.exclude",
        file=shown(link.path),
    )


def _fault(entry: Entry, limits: SourceLimits) -> Failure | None:
    if not entry.path.isprintable():
        message = "the file's name holds characters that cannot be printed; rename it"
    elif len(entry.path) > _PATH_LIMIT:
        message = f"the file's path has more than {_PATH_LIMIT} characters; shorten it"
    elif entry.size > limits.file_bytes:
        most = text.size(limits.file_bytes)
        message = (
            f"the file has {entry.size} bytes, more than the {most} that one file may have (--max-file-size): "
            "split it, or name it in spec.exclude"
        )
    else:
        return None
    message = through_link(message, entry.path, entry.reached)
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=shown(entry.path))


def _check_amount(manifests: Sequence[Entry], limits: SourceLimits) -> None:
    size = sum(entry.size for entry in manifests if entry.size <= limits.file_bytes)
    if len(manifests) > limits.files:
        what = f"{len(manifests)} manifest files, more than {limits.files}"
    elif size > limits.content_bytes:
        what = f"manifests of {size} bytes in all, more than {limits.content_bytes}"
    else:
        return
    raise SourceError(Reason.SOURCE_TOO_LARGE, f"the commit has {what}: narrow spec.path or spec.exclude")
