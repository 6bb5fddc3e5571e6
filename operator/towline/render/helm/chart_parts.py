"""Know the charts inside a chart: where each is in the repository, and by which path Helm names its templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from towline.errors import Failure, Reason
from towline.render.helm import chart_metadata
from towline.render.helm.chart_metadata import ChartMetadata
from towline.render.units.unit_kinds import CHART
from towline.source.helm_charts import chart_archive
from towline.source.helm_charts.chart_archive import ChartArchiveError

_DEEPEST = 10
_MOST = 500
"""How many charts may be in a chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPart:
    """A chart, or one of those in it.

    Attributes:
        printed: the path by which Helm names it, without the name of the outermost chart.
        folder: its place from the outermost chart's folder, empty or with a slash at the end; of a packed chart, or
            one inside that, the archive.
        is_packed: whether it is in an archive.
        files: its files, by their paths from its own folder.
    """

    printed: str
    folder: str
    is_packed: bool
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartParts:
    """A chart with all that are in it, the outermost first."""

    metadata: ChartMetadata
    parts: tuple[ChartPart, ...]
    failures: tuple[Failure, ...]


def read(files: Mapping[str, bytes]) -> ChartParts:
    """Return the charts of which a chart is made, and what is wrong with them, by paths from its folder.

    Args:
        files: the contents of the chart's files, by path.
    """
    metadata, failures = chart_metadata.read("", files)
    top = ChartPart(printed="", folder="", is_packed=False, files=files)
    found: list[ChartPart] = []
    faults = list(failures)
    children = _collect(top, metadata, found, faults, 0)
    for one in metadata.dependencies:
        if one.name not in children:
            message = f"{one.name} {one.version}".strip()
            faults.append(
                _failure(
                    f"{message} is not in charts/: run helm dependency build and commit what it adds there,"
                    " or set spec.remote: Pinned",
                    one.file,
                    one.line,
                )
            )
    return ChartParts(metadata=metadata, parts=tuple(found), failures=tuple(faults))


def _collect(
    part: ChartPart, metadata: ChartMetadata, found: list[ChartPart], faults: list[Failure], depth: int
) -> frozenset[str]:
    """Add a chart and those in it; return the names of those directly in it."""
    found.append(part)
    if depth > _DEEPEST or len(found) > _MOST:
        faults.append(_failure("the chart has too many charts in it", part.folder or CHART))
        return frozenset()
    names = set()
    for child in _children(part, faults):
        inner, failures = chart_metadata.read("", child.files)
        if not child.is_packed:
            faults += [_moved(one, child.folder) for one in failures]
        names.add(inner.name)
        aliases = (one.alias for one in metadata.dependencies if one.alias and one.name == inner.name)
        for name in dict.fromkeys((inner.name, *aliases)):  # which of them Helm uses depends on versions
            placed = ChartPart(
                printed=f"{part.printed}charts/{name}/",
                folder=child.folder,
                is_packed=child.is_packed,
                files=child.files,
            )
            _collect(placed, inner, found, faults, depth + 1)
    return frozenset(names)


def _children(part: ChartPart, faults: list[Failure]) -> Iterator[ChartPart]:
    """Yield the charts directly in a chart: what begins with `_` or `.` is none."""
    below = sorted(path.removeprefix("charts/") for path in part.files if path.startswith("charts/"))
    for name in dict.fromkeys(path.partition("/")[0] for path in below):
        if name.startswith(("_", ".")):
            continue
        place = f"charts/{name}"
        folder = part.folder if part.is_packed else f"{part.folder}{place}/"
        if f"{place}/{CHART}" in part.files:
            inside = {
                path.removeprefix(f"{place}/"): content
                for path, content in part.files.items()
                if path.startswith(f"{place}/")
            }
            yield ChartPart(printed="", folder=folder, is_packed=part.is_packed, files=inside)
        elif place in part.files and name.endswith(".tgz"):
            archive = part.folder if part.is_packed else f"{part.folder}{place}"
            try:
                inside = dict(chart_archive.unpack(part.files[place]))
            except ChartArchiveError as error:
                faults.append(_failure(f"the archive {error}", archive))
                continue
            yield ChartPart(printed="", folder=archive, is_packed=True, files=inside)


def _moved(failure: Failure, folder: str) -> Failure:
    return _failure(failure.message, f"{folder}{failure.file}", failure.line)


def _failure(message: str, file: str, line: int = 0) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=file, line=line)
