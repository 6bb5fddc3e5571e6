"""Remove secrets from text that quotes an object."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

SHORT = 4
"""Shorter secrets are replaced only where they are a word of their own: messages must stay readable."""

_LINE = 8
"""From this length on, each line of a longer secret counts as a secret itself."""

LONGEST = 32 * 1024
"""Characters of an answer that are searched for secrets: it is shown as lines of a few hundred."""

_OCCURRENCES = 500_000
"""Places at which secrets may begin in one answer; one of more, such as a single letter repeated, is withheld."""

_FEW = 32
"""Words of one length that are looked for one by one; of more, each piece of the text is looked up."""

_QUOTATIONS = 2**29
"""Characters of secrets in which the quotations of one answer are looked for; what is left is hidden, in doubt."""

_WITHHELD = "refused; the API server's words are too many to be searched for secrets, and are not shown"
_SEPARATOR = "\0"
"""Between messages; no form has one, because the API server and Go write it otherwise."""

_OTHERWISE_QUOTED = re.compile(r"'([^']*)'|`([^`]*)`")
_QUOTED = re.compile(rf'"((?:[^"\\]|\\.)*+)(?:"|\Z)|{_OTHERWISE_QUOTED.pattern}')
"""A quotation; one that does not end reaches to the end, and is not looked for a second time."""

_PLAIN = re.compile(r"[ !#-%'-;=?-\[\]-~]*")
"""What neither Go nor JSON escapes: ASCII without quotes, backslashes and what HTML reads."""

_BEGINS = re.compile(r"(?<![\w.-])")
_ENDS = re.compile(r"(?![\w-]|\.\w)")
_GO = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
_GO |= {ord(char): f"\\{letter}" for char, letter in zip('\a\b\t\n\v\f\r"\\', 'abtnvfr"\\', strict=True)}

_HTML = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
"""What Go's JSON escapes besides, so that a page or a script can hold it."""


def without(messages: Sequence[str], secrets: Collection[str], names: AbstractSet[str]) -> tuple[str, ...]:
    """Return messages with `***` for every secret in them: plain, in base64, or escaped as Go and JSON do.

    The cost grows with the secrets and with the messages, not with their product: messages of more than `LONGEST`
    characters together are withheld, from the one on that is too much, and so is an answer in which secrets begin at
    very many places. Of very many quotations and secrets the last quotations are hidden unseen.

    Args:
        messages: each the whole text.
        secrets: the values, none of them empty.
        names: what the messages may name, even where a secret looks the same or is a part of it.
    """
    if not secrets:
        return tuple(messages)
    forms = frozenset(form for secret in secrets for form in written_forms(secret) if form.strip())
    joined = _SEPARATOR.join(each.replace(_SEPARATOR, " ") for each in _searchable(messages))
    longest = _longest(joined, forms, names)
    if longest is None:
        return tuple(map(_withheld, messages))
    shown = _replaced(joined, longest, names)
    pieces = _Pieces(forms, names)
    return tuple(map(pieces.emptied, shown.split(_SEPARATOR)))


def _searchable(messages: Sequence[str]) -> Iterator[str]:
    room = LONGEST
    for message in messages:
        room -= len(message)
        yield message if room >= 0 else _withheld(message)


def _withheld(message: str) -> str:
    return f"{_WITHHELD} ({len(message)} characters)"


def _longest(text: str, forms: AbstractSet[str], names: AbstractSet[str]) -> dict[int, str] | None:
    """Return the longest form or name that begins at each place of a text; None where too many begin there."""
    begun = {text[place : place + SHORT] for place in range(len(text))}
    groups: dict[int, set[str]] = defaultdict(set)
    for word in forms | names:
        if word[:SHORT] in begun or len(word) < SHORT:
            groups[len(word)].add(word)
    longest: dict[int, str] = {}
    found = (
        (place, word) for length in sorted(groups) for place, word in _found(text, groups[length], length)
    )
    for number, (place, word) in enumerate(found):
        if number == _OCCURRENCES:
            return None
        is_bounded = word in names or len(word) < SHORT
        if not is_bounded or _is_alone(text, place, place + len(word)):
            longest[place] = word
    return longest


def _found(text: str, words: AbstractSet[str], length: int) -> Iterator[tuple[int, str]]:
    """Yield the places of words of one length: few are looked for one by one, many all at once."""
    if len(words) > _FEW:
        pieces = ((place, text[place : place + length]) for place in range(len(text) - length + 1))
        yield from ((place, piece) for place, piece in pieces if piece in words)
        return
    for word in words:
        place = text.find(word)
        while place >= 0:
            yield place, word
            place = text.find(word, place + 1)


def _replaced(text: str, longest: Mapping[int, str], names: AbstractSet[str]) -> str:
    """Replace from left to right; where secrets overlap, all of both."""
    parts, end, is_hidden = [], 0, False
    for start in sorted(longest):
        word = longest[start]
        if start >= end:
            is_hidden = word not in names
            parts += [text[end:start], "***" if is_hidden else word]
            end = start + len(word)
        elif is_hidden and word not in names:
            end = max(end, start + len(word))
    return "".join((*parts, text[end:]))


def _is_alone(text: str, start: int, end: int) -> bool:
    return bool(_BEGINS.match(text, start) and _ENDS.match(text, end))


def written_forms(secret: str) -> Iterator[str]:
    """Yield how a server may write a secret; most secrets hold nothing that must be escaped."""
    plain = secret.replace(_SEPARATOR, " ")  # as the messages have it
    yield plain
    yield plain.strip()
    if len(secret) >= SHORT:
        yield base64.b64encode(secret.encode("utf-8", "replace")).decode().rstrip("=")
    if not _PLAIN.fullmatch(secret):
        for once in set(_escaped(secret)):
            yield once
            yield from _escaped(once)
    yield from (line for line in map(str.strip, plain.splitlines()) if len(line) >= _LINE)


def _escaped(text: str) -> Iterator[str]:
    yield text.translate(_GO)
    yield json.dumps(text)[1:-1]
    yield (bare := json.dumps(text, ensure_ascii=False)[1:-1])
    yield bare.translate(_HTML)


class _Pieces:
    """Empties the quotations that were cut out of a secret: servers shorten what they quote."""

    def __init__(self, forms: AbstractSet[str], names: AbstractSet[str]) -> None:
        self._forms = _SEPARATOR.join(forms)
        self._names = names
        self._known: dict[str, bool] = {}
        self._left = _QUOTATIONS

    def emptied(self, message: str) -> str:
        """Return the message with `***` for what such quotations hold."""
        return _QUOTED.sub(self._quotation, message)

    def _quotation(self, quoted: re.Match[str]) -> str:
        content = next(group for group in quoted.groups() if group is not None)
        is_open = len(quoted[0]) == len(content) + 1
        if self._is_piece(content):
            return f"{quoted[0][0]}***{'' if is_open else quoted[0][-1]}"
        return '"' + _OTHERWISE_QUOTED.sub(self._quotation, content) if is_open else quoted[0]

    def _is_piece(self, content: str) -> bool:
        piece = content.rstrip(".…")
        if len(piece) < SHORT or content in self._names:
            return False
        if piece not in self._known:
            self._left -= len(self._forms)
            self._known[piece] = self._left < 0 or piece in self._forms
        return self._known[piece]
