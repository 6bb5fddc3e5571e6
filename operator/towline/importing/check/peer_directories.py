"""Find the files that Argo CD reads of a folder of plain manifests."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MANIFEST = re.compile(r"\.(?:yaml|yml|json|jsonnet)$")
_BRACES = re.compile(r"\{([^{}]*)\}")


def chosen(files: Sequence[str], given: Mapping[str, Any]) -> list[str]:
    """Return the files that count, by their paths from the folder.

    Args:
        files: all that are below the folder.
        given: `source.directory`.
    """
    include, exclude = str(given.get("include") or ""), str(given.get("exclude") or "")
    return [
        file
        for file in files
        if _MANIFEST.search(file)
        and (given.get("recurse") or "/" not in file)
        and not (exclude and _matches(file, exclude))
        and (not include or _matches(file, include))
    ]


def _matches(file: str, glob: str) -> bool:
    return any(fnmatch.fnmatchcase(file, each) for each in _alternatives(glob))


def _alternatives(glob: str) -> Iterator[str]:
    found = _BRACES.search(glob)
    if not found:
        yield glob
        return
    for word in found[1].split(","):
        yield from _alternatives(f"{glob[: found.start()]}{word}{glob[found.end() :]}")
