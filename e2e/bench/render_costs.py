"""Commits that are only in memory, and the processor time of what is done with them, children included."""

from __future__ import annotations

import hashlib
import resource
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from towline.render.links import Listing
from towline.render.units.unit_source import UnitSource
from towline.source.selection import Entry, Kind


@dataclass(frozen=True, slots=True)
class Commit:
    """The files of one commit, as a source of units."""

    files: Mapping[str, str]

    @property
    def source(self) -> UnitSource:
        """What a builder reads."""
        return UnitSource(name="bench", tree=Listing(map(self._entry, self.files), {}), read=self._read)

    @property
    def folders(self) -> set[str]:
        """The folders with a kustomization."""
        return {path.rpartition("/")[0] for path in self.files if path.endswith("/kustomization.yaml")}

    def _entry(self, path: str) -> Entry:
        content = self.files[path].encode()
        sha = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        return Entry(path=path, mode="100644", kind=Kind.FILE, sha=sha, size=len(content))

    async def _read(self, entries: Sequence[Entry]) -> Sequence[bytes]:
        return [self.files[each.path].encode() for each in entries]


def bare(command: Sequence[str], place: Path, files: Mapping[str, str]) -> float:
    """Return what a tool alone takes for files, in seconds of processor time.

    Args:
        command: runs in a folder with the files.
        place: that folder, which is made.
        files: by path.
    """
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(content)
    before = _seconds(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        cwd=place,
        env={"GOMAXPROCS": "1", "HOME": str(place)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return _seconds(resource.RUSAGE_CHILDREN) - before


def used() -> float:
    """Return the seconds of processor time that this process has used, with the children that it has waited for."""
    return _seconds(resource.RUSAGE_SELF) + _seconds(resource.RUSAGE_CHILDREN)


def _seconds(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime
