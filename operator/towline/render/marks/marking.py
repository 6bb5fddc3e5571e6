"""Mark the sites of a build, and read the marks in what it printed."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from towline.render.marks import edits
from towline.render.marks.edits import Edits
from towline.render.marks.sites import Role, Site, text
from towline.render.units.unit_files import UnitFiles

_FIRST_COUNT = 1_000_000_000
"""Where the numbers begin that stand for replicas: no object has as many."""

_COUNT = re.compile(r"1\d{9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """Which mark stands for which site: the index of a site is its number.

    `word` occurs in no input. A mark is valid in a label and in the tag of an image.
    """

    sites: Sequence[Site]
    word: str

    @property
    def edits(self) -> Edits:
        """What is written in place of each site."""
        return {
            site: _FIRST_COUNT + index if site.role is Role.COUNT else edits.longer(site, self._mark(index))
            for index, site in enumerate(self.sites)
        }

    def _mark(self, index: int) -> str:
        return f".{self.word}{index}x"

    def read(self, marked: Any, real: Any, *, variables: bool = True) -> tuple[Site, ...]:
        """Return the sites whose marks a field has, the last one first; none where it is not the same field otherwise.

        Args:
            marked: the field as it is built from marked files.
            real: the field itself.
            variables: whether it may differ where the marked one has variables, which are filled in after the build.
        """
        written = text(marked)
        if _COUNT.fullmatch(written):  # a text where it took the place of a mark
            return self._of_count(int(written) - _FIRST_COUNT, text(real))
        found = self._of_text(written, text(real)) or self._of_text(decoded(written), decoded(text(real)))
        return found or (self._of_text(written, None) if variables and "$" in written else ())

    def _of_count(self, index: int, real: str) -> tuple[Site, ...]:
        site = self.sites[index] if index < len(self.sites) else None
        return (site,) if site and site.role is Role.COUNT and text(site.value) == real else ()

    def _of_text(self, marked: str, real: str | None) -> tuple[Site, ...]:
        pattern = re.compile(rf"\.{self.word}(\d+)x")
        found = [int(each) for each in pattern.findall(marked)]
        if not found or real not in {None, pattern.sub("", marked)} or max(found) >= len(self.sites):
            return ()
        return tuple(dict.fromkeys(self.sites[index] for index in reversed(found)))


def marking(unit: UnitFiles, found: Iterable[Site]) -> Marking:
    """Number the sites that may be marked."""
    words = (f"tWm{'q' * more}" for more in itertools.count())
    word = next(each for each in words if not any(each.encode() in one for one in unit.contents.values()))
    return Marking(sites=tuple(site for site in found if site.is_marked), word=word)


def decoded(value: str) -> str:
    """Return what base64 holds, one character for a byte; empty where it is none."""
    try:
        return base64.b64decode(value, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return ""
