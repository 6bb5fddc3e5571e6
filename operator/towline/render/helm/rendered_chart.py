"""Read what Helm printed: its objects, each with the template that declares it."""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from towline.errors import Failure, Reason
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.helm.chart_parts import ChartPart
from towline.render.helm.template_text import TemplateLines

MOST = 10_000
"""How many objects a chart may declare. The time of Helm grows with their number, not with its square."""

_OUTPUT = YamlLimits(file_bytes=32 * 1024**2, file_expansion=32 * 1024**2)
_SOURCE = re.compile(r"^---\n# Source: (.+)$", re.MULTILINE)
_UNKNOWN = ""


class PrintedObject(NamedTuple):
    """An object, and where the chart declares it: a path from its folder, and a line."""

    value: Any
    file: str
    line: int


class PrintedError(ValueError):
    """What Helm printed cannot be read; `file` is the template, from the folder of the chart."""

    def __init__(self, message: str, file: str) -> None:
        super().__init__(message)
        self.message = message
        self.file = file


def objects(output: bytes, parts: Sequence[ChartPart]) -> tuple[PrintedObject, ...]:
    """Return the objects that Helm printed.

    Args:
        output: what it printed.
        parts: the charts of which the chart is made.

    Raises:
        PrintedError: it is not what Kubernetes reads.
    """
    text = output.decode("utf-8", "replace")
    places = _Sources(text, parts)
    try:
        found = documents.parse(output, _OUTPUT)
    except DocumentErrors as error:
        fault = error.faults[0]
        file = places.file(fault.line)
        within = fault.line - places.begin(fault.line)
        raise PrintedError(
            f"what this template renders cannot be used: {fault.message} (line {within} of it)", file
        ) from error
    if len(found) > MOST:
        raise PrintedError(f"the chart declares {len(found)} objects, more than {MOST}: split it", "")
    printed = [
        (value, places.printed(document.line)) for document in found for value in _expanded(document.value)
    ]
    lines = _ObjectPlaces(parts, Counter((source, _kind(value)) for value, source in printed))
    return tuple(PrintedObject(value, *lines.place(source, _kind(value))) for value, source in printed)


def repository_path(printed: str, parts: Sequence[ChartPart]) -> str:
    """Return where a file is, from the folder of the chart, by the path that Helm prints; empty where it is unknown."""
    _, _, below = printed.partition("/")
    part = _part(below, parts)
    if part is None:
        return _UNKNOWN
    return f"{part.folder}{below.removeprefix(part.printed)}"


def _part(below: str, parts: Sequence[ChartPart]) -> ChartPart | None:
    """Return the innermost chart that has a file, by its path from the outermost one."""
    having = [
        one for one in parts if below.startswith(one.printed) and below.removeprefix(one.printed) in one.files
    ]
    return max(having, key=lambda one: len(one.printed), default=None)


class _Sources:
    """Says which template a line of the output is from."""

    def __init__(self, text: str, parts: Sequence[ChartPart]) -> None:
        self._parts = parts
        self._begins: list[int] = []
        self._names: list[str] = []
        line, at = 1, 0
        for found in _SOURCE.finditer(text):
            line += text.count("\n", at, found.start(1))
            at = found.start(1)
            self._begins.append(line)
            self._names.append(found[1].strip())

    def printed(self, line: int) -> str:
        at = bisect.bisect_right(self._begins, line) - 1
        return self._names[at] if at >= 0 else ""

    def begin(self, line: int) -> int:
        at = bisect.bisect_right(self._begins, line) - 1
        return self._begins[at] if at >= 0 else 0

    def file(self, line: int) -> str:
        return repository_path(self.printed(line), self._parts)


class _ObjectPlaces:
    """Finds the line of each object in its template, counting those of a kind in the order of the output."""

    def __init__(self, parts: Sequence[ChartPart], counts: Mapping[tuple[str, str], int]) -> None:
        self._parts = parts
        self._counts = counts
        self._seen: Counter[tuple[str, str]] = Counter()
        self._known: dict[str, tuple[str, TemplateLines | None]] = {}

    def place(self, source: str, kind: str) -> tuple[str, int]:
        at = self._seen[source, kind]
        self._seen[source, kind] += 1
        if source not in self._known:
            self._known[source] = self._template(source)
        file, lines = self._known[source]
        return file, lines.declaring(kind, at, self._counts[source, kind]) if lines else 1

    def _template(self, source: str) -> tuple[str, TemplateLines | None]:
        below = source.partition("/")[2]
        part = _part(below, self._parts)
        content = part.files[below.removeprefix(part.printed)] if part else None
        return repository_path(source, self._parts), None if content is None else TemplateLines(content)


def _expanded(value: Any) -> Iterator[Any]:
    """Yield the items of a List, or what is none itself."""
    items = value.get("items") if isinstance(value, dict) and value.get("kind") == "List" else None
    if isinstance(items, list):
        yield from items
    elif items is not None or not (isinstance(value, dict) and value.get("kind") == "List"):
        yield value


def _kind(value: Any) -> str:
    return str(value.get("kind")) if isinstance(value, dict) else ""


def failure(error: PrintedError, file: str) -> Failure:
    """Return an error as a failure of a file."""
    return Failure(reason=Reason.BUILD_FAILED, message=error.message, file=file)
