"""Write a file of a chart with one scalar changed: a value, or what a line of a template says itself."""

from __future__ import annotations

import copy
import re
from typing import NamedTuple

from towline.render.chart_lines import value_changes
from towline.render.chart_lines.actions import TemplateAction
from towline.render.chart_lines.outline import TOKEN
from towline.render.chart_lines.traced_chart import FieldSource, TracedChart
from towline.render.chart_lines.value_changes import MARK, ValueChange
from towline.render.chart_lines.value_sites import ValueSite
from towline.render.marks import edits
from towline.render.marks.sites import text

_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`')
_PATH = re.compile(r"\$\w*[.\w]*|(?<!\w)\.[.\w]*")
_KNOWN = re.compile(r"\$?\.(?:Release|Chart|Capabilities|Template)\.[.\w]+")
_MORE = re.compile(r"\b(?:include|template|tpl|lookup)\b")

_INSERTED = ValueChange("", MARK)
_END = re.compile(r"[\"']?\s*$")


class LineEdit(NamedTuple):
    """A file with other content, and what that does to a field that is rendered of what was changed."""

    file: str
    content: bytes
    change: ValueChange


def of(chart: TracedChart, source: FieldSource, value: object) -> LineEdit | None:
    """Return a file with what a field comes from changed; None where that is not written in one place.

    Args:
        chart: the chart.
        source: what the field comes from.
        value: that of the field.
    """
    if source.site:
        return _of_value(chart, source.site)
    template = chart.sources.contents[source.template].decode(errors="surrogateescape")
    lines = template.splitlines(keepends=True)
    made = _of_line(lines, source, value)
    if made is None:
        return None
    number, line, change = made
    lines[number] = line
    return LineEdit(source.template, "".join(lines).encode(errors="surrogateescape"), change)


def _of_value(chart: TracedChart, site: ValueSite) -> LineEdit:
    documents = {at: copy.deepcopy(one.value) for at, one in enumerate(chart.parsed(site.file).documents)}
    edits.put(documents, [(site.document, site.steps, value_changes.changed(site.value))])
    return LineEdit(site.file, edits.dumped(documents.values()), value_changes.change(site.value))


def _of_line(lines: list[str], source: FieldSource, value: object) -> tuple[int, str, ValueChange] | None:
    """Return another line, and its index; None where an action writes what is in it, or includes that."""
    entry, number = source.found.entry, source.found.entry.line - 1
    if entry.is_action or not all(_says_itself(one) for one in entry.actions if not one.is_silent):
        return None
    if entry.has_text:
        return _of_text(lines, number + 1)
    if TOKEN in entry.rest:
        return (number, _inserted(lines[number]), _INSERTED) if not source.found.steps else None
    begin = lines[number].rfind(entry.rest)
    written = text(value)
    if begin < 0 or not written or entry.rest.count(written) != 1:
        return None
    other = text(value_changes.changed(value))
    line = lines[number][:begin] + lines[number][begin:].replace(written, other, 1)
    return number, line, ValueChange(written, other)


def _says_itself(action: TemplateAction) -> bool:
    """Tell whether an action writes nothing but what the release, the chart or the cluster is called."""
    if action.mentions or _MORE.search(action.text):
        return False
    return all(_KNOWN.fullmatch(each[0]) for each in _PATH.finditer(_TEXT.sub("", action.text)))


def _of_text(lines: list[str], number: int) -> tuple[int, str, ValueChange] | None:
    """Return another first line of a text; None where it is no plain one."""
    if number >= len(lines) or not lines[number].strip() or "{{" in lines[number]:
        return None
    return number, _inserted(lines[number]), _INSERTED


def _inserted(line: str) -> str:
    """Return a line with something at its end, inside of quotes that end there."""
    at = _END.search(line)
    end = at.start() if at else len(line)
    return f"{line[:end]}{MARK}{line[end:]}"
