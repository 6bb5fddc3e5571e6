"""Read a template as an outline of YAML: keys and items by their indentation, with the actions in between."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from towline.render.chart_lines import actions
from towline.render.chart_lines.actions import TemplateAction

_KEY = re.compile(r"""(?:"([^"]+)"|'([^']+)'|([^\s"'#:{\[&*!|>%@`-][^\s:]*|-[^\s:]+)):(?=\s|$)\s*""")
_ITEM = re.compile(r"-(?:\s+|$)")
_INDENT = re.compile(r"\bn?indent\s+(\d+)")
_TOKEN = re.compile("\ue000(\\d+)\ue001")
_FLOW = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|[][{},]")
_BLOCK = re.compile(r"(?:[&!]\S+\s+)*[|>][-+0-9]*\s*(?:#.*)?$")


class OutlineEntry(NamedTuple):
    """A key, an item or an action of a template.

    Attributes:
        line: where it is, counted from 1.
        indent: its column; of an action that which it gives to its output.
        key: the key, empty for items and actions.
        rest: what follows in the line, with `TOKEN` for each action.
        actions: those in its line, or in the text that begins there.
        is_item: whether it is an item of a list.
        is_action: whether it is nothing but actions.
    """

    line: int
    indent: int
    key: str
    rest: str
    actions: tuple[TemplateAction, ...]
    is_item: bool = False
    is_action: bool = False

    @property
    def has_text(self) -> bool:
        """Whether a text of several lines follows."""
        return bool(_BLOCK.match(self.rest))


TOKEN = "\ue000"  # noqa: S105  begins what is in the place of an action


class Block(NamedTuple):
    """What is below a key or an item, or a whole document.

    Attributes:
        nodes: the keys and items directly in it, each with what is below it.
        written: the actions that write what is directly in it.
        actions: all that are nothing but actions, also further below.
        lines: the first line and the last one.
    """

    nodes: tuple[tuple[OutlineEntry, Block], ...] = ()
    written: tuple[OutlineEntry, ...] = ()
    actions: tuple[OutlineEntry, ...] = ()
    lines: tuple[int, int] = (0, 0)


_DEEPEST = 100
_LINES = 50_000
"""Lines of a template that are read."""

_LONGEST = 10_000
"""Characters of a line that is read."""

_ACTIONS = 100
"""Actions of a text of several lines that are read."""


def documents(template: str) -> tuple[Block, ...]:
    """Return the documents of a template, those without any entry left out."""
    template = template.replace(TOKEN, " ")
    found = actions.read(template)
    pieces: list[str] = []
    at = 0
    for number, one in enumerate(found):
        breaks = "\n" * template.count("\n", one.begin, one.end)
        shown = "" if one.is_silent else f"{TOKEN}{number}\ue001"
        pieces += (template[at : one.begin], shown, breaks)
        at = one.end
    lines = "".join((*pieces, template[at:])).splitlines()[:_LINES]
    return tuple(_block(each, _DEEPEST) for each in _documents(lines, found) if each)


def _block(entries: Sequence[OutlineEntry], room: int) -> Block:
    """Return entries as a block: directly in it are those with the smallest indentation."""
    if not entries or not room:
        return Block()
    least = min((one.indent for one in entries if not one.is_action), default=sys.maxsize)
    nodes: list[tuple[OutlineEntry, Block]] = []
    written: list[OutlineEntry] = []
    at = 0
    while at < len(entries):
        entry, at = entries[at], at + 1
        if entry.is_action:
            written += [entry] if entry.indent <= least else []
        elif entry.indent == least:
            begin = at
            while at < len(entries) and _is_below(entries[at], entry):
                at += 1
            end = at
            while end < len(entries) and _may_go_on(entries[end], entries[begin:at]):
                end += 1
            nodes.append((entry, _block(entries[begin:end], room - 1)))
    actions = tuple(one for one in entries if one.is_action)
    return Block(tuple(nodes), tuple(written), actions, (entries[0].line, entries[-1].line))


def _may_go_on(one: OutlineEntry, below: Sequence[OutlineEntry]) -> bool:
    """Tell whether an action may write further items of a list; it may write keys as well that follow the list."""
    return one.is_action and bool(below) and below[0].is_item and below[0].indent == one.indent


def _is_below(one: OutlineEntry, entry: OutlineEntry) -> bool:
    """Tell whether an entry is below another; the items of a list may have the indentation of its key."""
    return one.indent > entry.indent or (one.is_item and not entry.is_item and one.indent == entry.indent)


def _documents(lines: Sequence[str], found: Sequence[TemplateAction]) -> Iterator[tuple[OutlineEntry, ...]]:
    entries: list[OutlineEntry] = []
    text_indent = -1  # of the key whose text the lines belong to
    for number, line in enumerate(lines, 1):
        if line.startswith("---"):
            yield tuple(entries)
            entries, text_indent = [], -1
            continue
        bare = line.strip()
        if not bare or bare.startswith("#") or len(bare) > _LONGEST:
            continue
        indent = len(line) - len(line.lstrip())
        inside = tuple(found[int(each)] for each in _TOKEN.findall(line))
        if text_indent >= 0 and (indent > text_indent or not _TOKEN.sub("", bare)):
            of_text = (*entries[-1].actions, *inside)[:_ACTIONS]
            entries[-1] = entries[-1]._replace(actions=of_text)
            continue
        entries += _entries(number, indent, bare, inside)
        text_indent = entries[-1].indent if entries and entries[-1].has_text else -1
    yield tuple(entries)


def _entries(line: int, indent: int, bare: str, inside: tuple[TemplateAction, ...]) -> Iterator[OutlineEntry]:
    """Yield what is in a line: items, each of which may begin with a key, and a key."""
    if not _TOKEN.sub("", bare):
        given = _INDENT.search(inside[-1].text)
        yield OutlineEntry(line, int(given[1]) if given else indent, "", bare, inside, is_action=True)
        return
    for _ in range(_DEEPEST):
        dash = _ITEM.match(bare)
        if not dash:
            break
        bare = bare[dash.end() :]
        yield OutlineEntry(line, indent, "", bare, inside, is_item=True)
        indent += dash.end()
    if found := _KEY.match(bare):
        rest = bare[found.end() :]
        key = found[1] or found[2] or found[3]
        entry = OutlineEntry(line, indent, key, "" if rest.startswith("#") else rest, inside)
        within = tuple(_flow(entry, dict(zip(_TOKEN.findall(bare), inside, strict=False)), _DEEPEST))
        yield entry._replace(rest="") if within else entry
        yield from within


def _flow(entry: OutlineEntry, inside: Mapping[str, TemplateAction], room: int) -> Iterator[OutlineEntry]:
    """Yield the keys of a map that is written in one line."""
    bare = entry.rest.partition(" #")[0].strip()
    if not (bare.startswith("{") and bare.endswith("}")) or not room:
        return
    for part in _parts(bare[1:-1]):
        found = _KEY.match(part)
        if found is None:
            continue
        rest = part[found.end() :]
        actions = tuple(inside[each] for each in _TOKEN.findall(part) if each in inside)
        one = OutlineEntry(entry.line, entry.indent + 1, found[1] or found[2] or found[3], rest, actions)
        within = tuple(_flow(one, inside, room - 1))
        yield one._replace(rest="") if within else one
        yield from within


def _parts(flow: str) -> Iterator[str]:
    """Yield what is between the commas of a flow, but for those in quotes and in what is inside of it."""
    depth, begin = 0, 0
    for found in _FLOW.finditer(flow):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
        if found[0] == "," and not depth:
            yield flow[begin : found.start()].strip()
            begin = found.end()
    yield flow[begin:].strip()
