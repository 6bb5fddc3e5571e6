"""Which ready binary is taken: a pure choice between what lies in the places where one may lie.

KUBEBUILDER_ASSETS is somebody's explicit wish and wins, whatever version it holds. A binary on PATH is
there by chance: it counts only when it prints the pinned version. The cache is keyed by version, and only
whole builds are moved into it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from e2e.controlplane.pins import Binary


class Place(StrEnum):
    """Where a binary may lie, in the order in which it is looked for."""

    ASSETS = "KUBEBUILDER_ASSETS"
    PATH = "PATH"
    CACHE = "the cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that could be used; `version` is what it prints, empty where it does not run."""

    place: Place
    path: Path
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The file to use, None where one must be built, and what is worth saying about the others."""

    path: Path | None
    remarks: tuple[str, ...] = ()


def choose(binary: Binary, candidates: Sequence[Candidate]) -> Choice:
    """Take the first candidate that may be used; `candidates` are in the order of `Place`."""
    remarks: list[str] = []
    for one in candidates:
        differs = one.version != binary.version
        if not one.version:
            remarks.append(f"{binary.name} of {one.place} ({one.path}) does not run and is passed over")
        elif differs and one.place is not Place.ASSETS:
            remarks.append(f"{one.path} is {one.version}, not {binary.version}, and is passed over")
        else:
            if differs:
                remarks.append(
                    f"{binary.name} is {one.version} of {one.place}, the tests are made for {binary.version}"
                )
            return Choice(path=one.path, remarks=tuple(remarks))
    return Choice(path=None, remarks=tuple(remarks))


def candidates(binary: Binary, cache: Path, environment: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Return the files of that name in all places, each with the version that it prints."""
    assets = environment.get("KUBEBUILDER_ASSETS")
    on_path = shutil.which(binary.name, path=environment.get("PATH", ""))
    found = []
    if assets and (path := Path(assets) / binary.name).exists():
        found.append(
            Candidate(place=Place.ASSETS, path=path.absolute(), version=printed_version(path, binary.asked))
        )
    if on_path:
        path = Path(on_path).absolute()
        found.append(Candidate(place=Place.PATH, path=path, version=printed_version(path, binary.asked)))
    if (path := cache / binary.name).exists():
        found.append(Candidate(place=Place.CACHE, path=path, version=binary.version))
    return tuple(found)


def printed_version(path: Path, asked: str = "--version") -> str:
    """Return the first version in the answer to `asked`, without a v; empty where there is none."""
    if not os.access(path, os.X_OK):
        return ""
    try:
        answer = subprocess.run(
            [path, asked],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    found = re.search(r"\bv?(\d+\.\d+\.\d+(?:-[\w.]+)?)", answer.stdout + answer.stderr)
    return found[1] if found else ""
