"""Find the binary of a tool, and tell it from every other one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from towline import text
from towline.fields import mask_text

HEARD = 8 * 1024
"""Letters of a complaint that are searched for secrets, and shown."""

_TEXT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """The binary that builds: `command` without what is built, and `identity`, which no other binary has."""

    command: tuple[str, ...]
    identity: str


class FoundBinary(NamedTuple):
    """A file by its real path, and what changes when it is another one at the same path."""

    path: str
    version: str


def find(*names: str) -> FoundBinary | None:
    """Return the first that is there of some paths, or names on PATH."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        return None
    path = os.path.realpath(found)
    status = Path(path).stat()
    return FoundBinary(path, f"{status.st_size} {status.st_mtime_ns}")


def refusal(name: str, words: str, secrets: Collection[str]) -> str:
    """Say what a tool says went wrong, without secrets."""
    (shown,) = mask_text.without((words,), secrets, frozenset())
    return text.printable(f"{name} refuses it: {shown or 'it says nothing'}", _TEXT)
