"""Find the line of a site."""

from __future__ import annotations

import re
from functools import cache

from towline.render.documents import Places, YamlLimits
from towline.render.marks.sites import Site
from towline.render.units import inputs
from towline.render.units.unit_files import UnitFiles

_BLOCK = re.compile(r"[|>][-+0-9]*\s*(?:#.*)?$")
"""The end of a line behind which a text begins in the next line."""


class SiteLines:
    """Finds lines of the files of one unit; each document is read once.

    Args:
        unit: what its build reads.
    """

    def __init__(self, unit: UnitFiles) -> None:
        self._unit = unit
        self._places = cache(self._document)
        self._lines = cache(lambda path: unit.contents[path].decode(errors="replace").splitlines())

    def line(self, site: Site) -> int:
        """Return the line (1-based) of a site."""
        if not site.steps:
            return site.document + 1
        line = self._places(site.file, site.document).line(*site.steps)
        if site.inner is None:
            return line
        lines = self._lines(site.file)
        if not (0 < line <= len(lines) and _BLOCK.search(lines[line - 1])):
            return line
        return line + self._inner(site)

    def _document(self, path: str, index: int) -> Places:
        file = self._unit.parsed[path]
        at = next(at for at, one in enumerate(file.documents) if one.index == index)
        return file.places(at)

    def _inner(self, site: Site) -> int:
        """Return the line of a site in the text that it is in."""
        (document, steps) = site.inner or (0, ())
        value = next(
            one.value for one in self._unit.parsed[site.file].documents if one.index == site.document
        )
        for step in site.steps:
            value = value[step]
        file = inputs.parsed("", str(value).encode(), YamlLimits())
        at = next(at for at, one in enumerate(file.documents) if one.index == document)
        return file.places(at).line(*steps)
