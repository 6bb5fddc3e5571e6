"""Find the helpers of a chart: the named templates that others include."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from towline.render.chart_lines import actions, outline
from towline.render.chart_lines.actions import TemplateAction
from towline.render.chart_lines.outline import Block, OutlineEntry

_DEFINE = re.compile(r'(?:define|block)\s+"([^"]+)"')
_OPENS = re.compile(r"(?:if|with|range|define|block)\b")
_END = re.compile(r"end\b")
_INCLUDE = re.compile(r'\b(?:include|template)\s+"([^"]+)"')

_MOST = 1000
"""Helpers of a chart that are known."""


class Helper(NamedTuple):
    """A named template.

    Attributes:
        file: where it is.
        block: what it writes, with its lines in the file.
        whole: all actions in it, as one entry.
    """

    file: str
    block: Block
    whole: OutlineEntry


def included(found: Iterable[TemplateAction]) -> Iterator[str]:
    """Yield the names of the helpers that actions include."""
    for action in found:
        yield from _INCLUDE.findall(action.text)


def read(contents: Mapping[str, bytes]) -> dict[str, Helper]:
    """Return the helpers in some templates by name; of two with one name the first, that of the outer chart."""
    helpers: dict[str, Helper] = {}
    for file, content in contents.items():
        if b"define" in content or b"block" in content:
            for name, helper in _of_file(file, content.decode(errors="replace")):
                helpers.setdefault(name, helper)
        if len(helpers) > _MOST:
            break
    return helpers


def _of_file(file: str, template: str) -> Iterator[tuple[str, Helper]]:
    opened: list[tuple[str, int, int]] = []
    found = actions.read(template)
    for at, action in enumerate(found):
        if _OPENS.match(action.text):
            named = _DEFINE.match(action.text)
            opened.append((named[1] if named else "", action.end, at))
        elif opened and _END.match(action.text):
            name, begin, first = opened.pop()
            if name:
                yield name, _helper(file, template[: action.begin], begin, found[first + 1 : at])


def _helper(file: str, template: str, begin: int, inside: tuple[TemplateAction, ...]) -> Helper:
    above = template.count("\n", 0, begin)
    documents = outline.documents("\n" * above + template[begin:])
    whole = OutlineEntry(above + 1, 0, "", "", inside, is_action=True)
    return Helper(file, documents[0] if documents else Block(), whole)
