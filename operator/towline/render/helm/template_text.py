"""Read what templates mention: functions whose answer differs each time, the cluster, API versions, and lines."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_COMMENT = re.compile(r"\{\{-?\s*/\*")
_CHANGING = re.compile(
    r"(?<![.\w\"])(?:rand(?:AlphaNum|Alpha|Ascii|Numeric|Bytes|Int)|uuidv4|gen(?:PrivateKey|CA|SelfSignedCert|SignedCert)\w*"
    r"|htpasswd|bcrypt|encryptAES|shuffle|keys|values)\b"
)
"""Functions with chance in them, or with the order of a map."""

_CLOCK = re.compile(r"(?<![.\w\"])(?:now|ago)\b")
_KIND = re.compile(r"\s*kind:\s*[\"']?(\w+)[\"']?\s*(?:#.*)?$")
_LOOKUP = re.compile(r"\blookup\s")
_VERSIONS = re.compile(r"\bAPIVersions\b(?:\.Has\s+\(?\s*[\"`]([^\"`]+)[\"`])?")


class Mentions(NamedTuple):
    """What the texts of a chart mention.

    Attributes:
        is_changing: whether two renders may differ.
        lookups: file and line of each question to the cluster, which has no answer here.
        versions: the API versions that are asked for; None where they are not written out.
        reads_files: whether templates read files of the chart.
        reads_clock: whether they ask for the time.
    """

    is_changing: bool
    lookups: tuple[tuple[str, int], ...]
    versions: frozenset[str] | None
    reads_files: bool
    reads_clock: bool


def mentions(texts: Mapping[str, bytes]) -> Mentions:
    """Return what texts mention, inside of actions alone.

    Args:
        texts: templates and values by path.
    """
    is_changing = reads_files = reads_clock = False
    lookups: list[tuple[str, int]] = []
    versions: set[str] | None = set()
    for path, content in texts.items():
        text = content.decode("utf-8", "replace")
        for at, inside in _actions(text):
            is_changing = is_changing or bool(_CHANGING.search(inside))
            reads_files = reads_files or "Files" in inside
            reads_clock = reads_clock or bool(_CLOCK.search(inside))
            if _LOOKUP.search(inside):
                lookups.append((path, _line(text, at)))
            for found in _VERSIONS.finditer(inside):
                versions = versions | {found[1]} if versions is not None and found[1] else None
    known = frozenset(versions) if versions is not None else None
    return Mentions(
        is_changing=is_changing or reads_clock,
        lookups=tuple(lookups),
        versions=known,
        reads_files=reads_files,
        reads_clock=reads_clock,
    )


def is_text(path: str) -> bool:
    """Whether a file of a chart may hold actions: its templates, its values, and what it gives to `tpl`."""
    return path.startswith("templates/") or path in {"values.yaml", "values.yml"}


class TemplateLines:
    """Finds lines in one template, by what its output says.

    Args:
        content: the template.
    """

    def __init__(self, content: bytes) -> None:
        self._lines = content.decode("utf-8", "replace").splitlines()
        self._kinds: defaultdict[str, list[int]] = defaultdict(list)
        for number, line in enumerate(self._lines, 1):
            if found := _KIND.match(line):
                self._kinds[found[1]].append(number)

    def declaring(self, kind: str, at: int, count: int) -> int:
        """Return the line that most likely declares the object number `at` among `count` of its kind; 1 in doubt."""
        found = self._kinds.get(kind, [])
        if not found:
            return 1
        return self._first_of_object(found[at] if len(found) == count else found[0])

    def field(self, steps: Iterable[str], begin: int) -> int:
        """Return the line that most likely sets a field of an object that begins in a line."""
        line = begin
        for step in steps:
            wanted = re.compile(rf"\s*(?:-\s+)?[\"']?{re.escape(step)}[\"']?:")
            line = next(
                (number for number in self._from(line) if wanted.match(self._lines[number - 1])), line
            )
        return line

    def _from(self, line: int) -> Iterator[int]:
        for number in range(max(line, 1), len(self._lines) + 1):
            if number > line and self._lines[number - 1].startswith("---"):
                return
            yield number

    def _first_of_object(self, line: int) -> int:
        above = self._lines[line - 2] if line > 1 else ""
        return line - 1 if above.lstrip().startswith("apiVersion:") else line


def _actions(text: str) -> Iterator[tuple[int, str]]:
    """Yield what is between braces, and where it begins; comments are left out."""
    at = 0
    while (begin := text.find("{{", at)) >= 0 and (end := text.find("}}", begin)) >= 0:
        inside, at = text[begin : end + 2], end + 2
        if not _COMMENT.match(inside):
            yield begin, inside


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
