"""Know the charts inside a chart: where each is in the repository, and by which path Helm names its templates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from towline import text
from towline.errors import Failure, Reason
from towline.render.helm import chart_metadata
from towline.render.helm.chart_metadata import ChartMetadata, Dependency
from towline.render.units.unit_kinds import CHART
from towline.source.helm_charts import chart_archive
from towline.source.helm_charts.chart_archive import ChartArchiveError

ARCHIVE = ".tgz"
"""How the name of a packed chart ends."""

INSIDE = "!"
"""Separates the name of an archive from the path of a file in it."""

_DEEPEST = 10
_MOST = 500
"""How many charts may be in a chart."""

_UNPACKED = 128 * 1024**2
"""Bytes that all packed charts in a chart may have when unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPart:
    """A chart, or one of those in it.

    Attributes:
        printed: the path by which Helm names it, without the name of the outermost chart.
        folder: what the path of each of its files begins with, from the outermost chart's folder; an archive in it has
            a `!` behind its name.
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


def committed(path: str) -> str:
    """Return the file that a commit has: that of a path, or the archive in which it is."""
    archive, inside, _ = path.partition(f"{ARCHIVE}{INSIDE}")
    return f"{archive}{ARCHIVE}" if inside else path


def edited(files: Mapping[str, bytes], path: str, content: bytes) -> dict[str, bytes]:
    """Return the files of a chart with another content of one; an archive that holds it becomes a folder.

    Args:
        files: by their paths from the folder of the chart.
        path: of the file, from there.
        content: what it holds instead.

    Raises:
        ChartArchiveError: the archive cannot be unpacked.
    """
    archive = committed(path)
    if archive == path:
        return {**files, path: content}
    unpacked = edited(chart_archive.unpack(files[archive]), path[len(archive) + len(INSIDE) :], content)
    folder = archive.removesuffix(ARCHIVE)
    left = {name: each for name, each in files.items() if name != archive}
    return left | {f"{folder}/{name}": each for name, each in unpacked.items()}


def read(files: Mapping[str, bytes]) -> ChartParts:
    """Return the charts of which a chart is made, and what is wrong with them, by paths from its folder.

    Args:
        files: the contents of the chart's files, by path.
    """
    metadata, failures = chart_metadata.read("", files)
    collector = _ChartCollector(failures=list(failures))
    top = ChartPart(printed="", folder="", is_packed=False, files=files)
    children = collector.collect(top, metadata, 0)
    missing = (_missing(one) for one in metadata.dependencies if one.name not in children)
    return ChartParts(
        metadata=metadata, parts=tuple(collector.found), failures=(*collector.failures, *missing)
    )


@dataclass(slots=True)
class _ChartCollector:
    """Gathers the charts in a chart; `room` is how many bytes packed ones may still have when unpacked."""

    failures: list[Failure]
    found: list[ChartPart] = field(default_factory=list)
    room: int = _UNPACKED

    def collect(self, part: ChartPart, metadata: ChartMetadata, depth: int) -> frozenset[str]:
        """Add a chart and those in it; return the names of those directly in it."""
        if depth > _DEEPEST or len(self.found) >= _MOST:
            self._fail("the chart has too many charts in it", part.folder)
            return frozenset()
        self.found.append(part)
        names = set()
        for child in self._children(part):
            inner, failures = chart_metadata.read("", child.files)
            if not child.is_packed:
                self.failures += [_moved(one, child.folder) for one in failures]
            names.add(inner.name)
            aliases = (one.alias for one in metadata.dependencies if one.alias and one.name == inner.name)
            for name in dict.fromkeys((inner.name, *aliases)):  # which of them Helm uses depends on versions
                placed = replace(child, printed=f"{part.printed}charts/{name}/")
                self.collect(placed, inner, depth + 1)
                if len(self.found) >= _MOST:
                    return frozenset(names)
        return frozenset(names)

    def _children(self, part: ChartPart) -> Iterator[ChartPart]:
        """Yield the charts directly in a chart: what begins with `_` or `.` is none."""
        inside: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        for path, content in sorted(part.files.items()):
            top, _, below = path.partition("/")
            name, _, rest = below.partition("/")
            if top == "charts" and name and not name.startswith(("_", ".")):
                inside[name][rest] = content
        for name, files in inside.items():
            place = f"{part.folder}charts/{name}"
            if CHART in files:
                yield ChartPart(printed="", folder=f"{place}/", is_packed=part.is_packed, files=files)
                continue
            is_archive = "" in files and name.endswith(ARCHIVE)
            if is_archive and (unpacked := self._unpacked(place, files[""])) is not None:
                yield ChartPart(printed="", folder=f"{place}{INSIDE}", is_packed=True, files=unpacked)

    def _unpacked(self, archive: str, content: bytes) -> Mapping[str, bytes] | None:
        if self.room < 0:
            return None
        try:
            files = chart_archive.unpack(content)
        except ChartArchiveError as error:
            self._fail(f"the archive {error}", archive)
            return None
        self.room -= sum(map(len, files.values()))
        if self.room < 0:
            self._fail(f"packed charts have more than {text.size(_UNPACKED)} when unpacked", archive)
            return None
        return files

    def _fail(self, message: str, file: str) -> None:
        self.failures.append(_failure(message, file or CHART))


def _missing(one: Dependency) -> Failure:
    what = f"{one.name} {one.version}".strip()
    way_out = "run helm dependency build and commit what it adds there, or set spec.remote: Pinned"
    return _failure(f"{what} is not in charts/: {way_out}", one.file, one.line)


def _moved(failure: Failure, folder: str) -> Failure:
    return _failure(failure.message, f"{folder}{failure.file}", failure.line)


def _failure(message: str, file: str, line: int = 0) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=file, line=line)
