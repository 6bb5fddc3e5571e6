"""A picture of a terminal that plays scenes: one SVG file, without scripts, fonts or anything else to load."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

COLUMNS = 112
SECONDS = 6.0
"""How long a scene is seen."""

_TYPED = 1.0  # seconds until the output of a command follows it
_WIDTH, _HEIGHT, _LEFT, _TOP = 8.6, 19, 18, 64  # a character of the widest of the fonts
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace"
SVG = "{http://www.w3.org/2000/svg}"

_COLOURS = {
    "good": r"\b(?:True|Succeeded|Applied)\b",
    "bad": r"\b(?:BuildFailed|Failed)\b",
    "place": r"\b[\w/-]+\.yaml(?::\d+)?\b",
    "who": r"\b(?:Alice|Bob) \w+\b",
    "hash": r"\b(?=[0-9a-f]*\d)[0-9a-f]{7}\b",
}
_WORDS = re.compile("|".join(f"(?P<{name}>{words})" for name, words in _COLOURS.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class CastScene:
    """What is seen at a time: a sentence, a command as it is typed, and what it prints."""

    caption: str
    command: str
    output: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """Return all that the scene says, line by line."""
        return (self.caption, f"$ {self.command}", *self.output)


def folded(output: str) -> tuple[str, ...]:
    """Return the lines of an output: those of a table as they are, those of prose as wide as the terminal."""
    lines = output.rstrip().splitlines()
    if lines and lines[0].split()[0].isupper():
        return tuple(lines)
    return tuple(
        piece
        for line in lines
        for piece in textwrap.wrap(line, COLUMNS, subsequent_indent="  ", break_long_words=False) or [""]
    )


def drawn(scenes: Sequence[CastScene]) -> str:
    """Return the picture of scenes that follow each other, again and again; the first is seen where nothing moves."""
    rows = max(len(scene.output) for scene in scenes) + 1
    width, height = round(2 * _LEFT + COLUMNS * _WIDTH), _TOP + (rows + 1) * _HEIGHT
    parts = [
        f'<svg xmlns="{SVG[1:-1]}" viewBox="0 0 {width} {height}" role="img" xml:space="preserve">',
        f"<title>{escape('; '.join(scene.caption for scene in scenes))}</title>",
        f"<style>{''.join(_style(len(scenes)))}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#16181d"/>',
        *(f'<circle cx="{_LEFT + 4 + 18 * n}" cy="18" r="5" fill="#4a4f5a"/>' for n in range(3)),
    ]
    for number, scene in enumerate(scenes):
        parts += [
            f'<g class="s s{number}">{_line(scene.caption, 44, "caption")}',
            _line(f"$ {scene.command}", _TOP + 6, "command"),
            f'<g class="o o{number}">',
            *(_line(text, _TOP + 6 + _HEIGHT * row) for row, text in enumerate(scene.output, 1) if text),
            "</g></g>",
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _style(count: int) -> Iterator[str]:
    whole = count * SECONDS
    yield f"text{{font:14px {_FONT};fill:#c9d1d9;white-space:pre}}"
    yield ".caption{fill:#8b949e}.command{fill:#fff;font-weight:bold}.good{fill:#56d364}.bad{fill:#ff7b72}"
    yield ".place{fill:#79c0ff}.who{fill:#e3b341}.hash{fill:#d2a8ff}"
    yield ".s{visibility:hidden}.s0{visibility:visible}"
    yield "@media (prefers-reduced-motion:no-preference){"
    for number in range(count):
        begin, end = number * SECONDS, (number + 1) * SECONDS
        yield f".s{number}{{animation:s{number} {whole:g}s step-end infinite}}"
        yield f".o{number}{{animation:o{number} {whole:g}s step-end infinite}}"
        yield f"@keyframes s{number}{{{_seen(begin, end, whole)}}}"
        yield f"@keyframes o{number}{{{_seen(begin + _TYPED, end, whole)}}}"
    yield "}"


def _seen(begin: float, end: float, whole: float) -> str:
    first = "0%{visibility:hidden}" if begin else ""
    return f"{first}{100 * begin / whole:.4g}%{{visibility:visible}}{100 * end / whole:.4g}%{{visibility:hidden}}"


def _line(text: str, y: float, style: str = "") -> str:
    shown = text if len(text) <= COLUMNS else f"{text[: COLUMNS - 1]}…"
    inner = escape(shown) if style else _WORDS.sub(_coloured, escape(shown))
    kind = f' class="{style}"' if style else ""
    return f'<text x="{_LEFT}" y="{y:g}"{kind}>{inner}</text>'


def _coloured(found: re.Match[str]) -> str:
    return f'<tspan class="{found.lastgroup}">{found[0]}</tspan>'


def texts(picture: str) -> list[str]:
    """Return the lines of a picture."""
    found = ET.fromstring(picture).iter(f"{SVG}text")  # noqa: S314  our own file
    return ["".join(text.itertext()) for text in found]


def steady(line: str) -> str:
    """Return a line without commits, times, ages, the widths of columns, and the column that was cut off."""
    line = re.sub(r"   +(?:(?!   ).)*…$", "", line)
    line = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b", "COMMIT", line)
    line = re.sub(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?", "TIME", line)
    return re.sub(r"[\s-]+", " ", re.sub(r"\b(?:\d+[smhd])+\b|\bnow\b", "AGE", line)).strip()
