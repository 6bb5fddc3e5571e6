"""Know the files that the fields of a chart come from: its templates, its values, and those of the charts in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from towline.render.chart_lines.actions import ValuePath
from towline.render.helm import chart_parts
from towline.render.helm.chart_parts import ARCHIVE
from towline.render.units.unit_kinds import CHART

VALUES = "values.yaml"
"""The values of a chart itself."""

_DECLARING = ("templates/", "crds/")
_CHARTS = "charts/"


class ChartPlace(NamedTuple):
    """How the files of a chart are called: what is before and behind the path from its folder."""

    before: str
    after: str = ""

    def name(self, path: str) -> str:
        """Return what a file is called, by its path from the folder of the chart."""
        return f"{self.before}{path}{self.after}"

    def path(self, name: str) -> str | None:
        """Return the path of a file of the chart by what it is called; None where it is none."""
        inside = name.startswith(self.before) and name.endswith(self.after)
        return name[len(self.before) : len(name) - len(self.after)] if inside else None


class SourcePart(NamedTuple):
    """A chart, or one of those in it: where its files are, and the keys below which its values are for a release."""

    place: ChartPlace
    names: ValuePath


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSources:
    """What the fields of a chart come from.

    Attributes:
        place: of the chart.
        values: the files of values of the spec, the uppermost one last.
        contents: of all its templates and files of values, by what they are called.
        committed: those of them that the commit itself has under this name.
        parts: the chart and those in it; one that is rendered under two names is there twice.
    """

    place: ChartPlace
    values: Sequence[str]
    contents: Mapping[str, bytes]
    committed: frozenset[str]
    parts: Sequence[SourcePart]

    def parts_of(self, template: str) -> Sequence[SourcePart]:
        """Return the chart that a template belongs to, once for each of its names."""
        having = [one for one in self.parts if one.place.path(template) is not None]
        longest = max((len(one.place.before) for one in having), default=0)
        return [one for one in having if len(one.place.before) == longest]

    def value_files(self, part: SourcePart) -> Iterator[tuple[str, ValuePath]]:
        """Yield the files of values that a chart sees, the uppermost first, with the keys below which its own are."""
        for path in reversed(self.values):
            if path in self.contents:
                yield path, part.names
        by_names = {one.names: one for one in self.parts}
        for depth in range(len(part.names) + 1):
            around = by_names.get(part.names[:depth])
            path = around.place.name(VALUES) if around else ""
            if path in self.contents:
                yield path, part.names[depth:]


def marked(marker: str) -> ChartPlace:
    """Return the place of a chart by what its Chart.yaml is called."""
    before, _, after = marker.rpartition(CHART)
    return ChartPlace(before, after)


def is_read(path: str) -> bool:
    """Tell whether a file may be one that fields come from, by its path from the folder of the chart."""
    if path.startswith(_CHARTS):
        inside = path.removeprefix(_CHARTS)
        return inside.endswith(ARCHIVE) or is_read(inside.partition("/")[2])
    return path.startswith(_DECLARING) or path in {VALUES, CHART, "requirements.yaml"}


def is_crd(path: str) -> bool:
    """Tell whether a file is one of CRDs, which is often large and seldom asked for."""
    return f"/{path}".rpartition("/")[0].endswith("/crds")


def read(
    place: ChartPlace, files: Mapping[str, bytes], values: Mapping[str, bytes], committed: frozenset[str]
) -> ChartSources:
    """Return what the fields of a chart come from.

    Args:
        place: of the chart.
        files: its files, by their paths from its folder.
        values: the files of values of the spec, the uppermost one last.
        committed: the paths of all files that the commit has.
    """
    contents: dict[str, bytes] = {}
    parts: list[SourcePart] = []
    for part in chart_parts.read(files).parts:
        here = ChartPlace(f"{place.before}{part.folder}", place.after)
        names = tuple(part.printed.split("/")[1::2])
        parts.append(SourcePart(here, names))
        contents |= {
            here.name(path): content
            for path, content in part.files.items()
            if path.startswith(_DECLARING) or path == VALUES
        }
    contents |= values
    return ChartSources(
        place=place,
        values=tuple(values),
        contents=contents,
        committed=committed & contents.keys(),
        parts=tuple(parts),
    )
