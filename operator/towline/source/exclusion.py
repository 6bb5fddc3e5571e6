"""Match `spec.exclude`: patterns as in .gitignore, with limits on their cost, because tenants write them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pathspec.patterns.gitignore.basic import GitIgnoreBasicPattern

from towline.errors import Reason, SpecError

_STARS = 3
"""Of one pattern and one name in it: what a pattern costs grows with the power of its stars."""
_SECONDS = 2.0
"""Processor time for all files of one commit; honest patterns need milliseconds."""

_ANY_FOLDERS = re.compile(r"\*{2,}")
_TRAILING_SPACES = re.compile(r"((?:\\.|[^\\])*?)\s*", re.DOTALL)
_BRACKETS = re.compile(r"\\.|(?P<whole>\[[!^]?\]?[^\]]*\])|(?P<open>\[)", re.DOTALL)
_CLASS = re.compile(r"\\.|(?P<own>\[\^/\])|(?P<given>\[\^?\]?[^\]]*\])", re.DOTALL)


_SET_SIGNS = re.compile(r"(?<!\\)[\[&|~]")
"""Characters between brackets of which two in a row may mean something else in a later Python."""


class _Pattern(NamedTuple):
    """One line of a .gitignore, about a path as a whole and nothing below it, or about its last name alone."""

    excludes: bool
    folders_only: bool
    name_only: bool
    regex: re.Pattern[str]


class _Patterns:
    """Patterns in their order. Most paths match none of them, so that is found out at once."""

    def __init__(self, patterns: Iterable[_Pattern]) -> None:
        self._reversed = tuple(reversed(tuple(patterns)))
        self._names = _any(one.regex.pattern for one in self._reversed if one.name_only)
        self._paths = _any(one.regex.pattern for one in self._reversed if not one.name_only)

    def exclude(self, path: str) -> bool:
        """Return the verdict of the last pattern that matches."""
        name = path.rpartition("/")[2]
        if not self._names.fullmatch(name) and not self._paths.fullmatch(path):
            return False
        return next(
            one.excludes for one in self._reversed if one.regex.fullmatch(name if one.name_only else path)
        )


class Exclusion:
    """The patterns of one spec, ready to be asked about one commit.

    Raises:
        SpecError: InvalidSpec, for a pattern that is malformed or costs too much.
    """

    def __init__(self, patterns: Sequence[str], clock: Callable[[], float] = time.thread_time) -> None:
        for pattern in patterns:
            _check(pattern)
        known = [parsed for pattern in patterns if (parsed := _parsed(pattern))]
        self._of_folders = _Patterns(known)
        self._of_files = _Patterns(one for one in known if not one.folders_only)
        self._empty = not known
        self._folders = {"": False}
        self._clock = clock
        self._spent = 0.0

    def covers(self, path: str) -> bool:
        """Say whether a file is excluded; `path` is relative to what the patterns are relative to.

        As in git, no pattern takes back what is below an excluded folder.
        """
        if self._empty:
            return False
        return self.covers_folder(_parent(path)) or self._judged(self._of_files, path)

    def covers_folder(self, path: str) -> bool:
        """Say whether everything in a folder is excluded."""
        unknown = []
        folder = path
        while folder not in self._folders:
            unknown.append(folder)
            folder = _parent(folder)
        for folder in reversed(unknown):
            self._folders[folder] = self._folders[_parent(folder)] or self._judged(self._of_folders, folder)
        return self._folders[path]

    def _judged(self, patterns: _Patterns, path: str) -> bool:
        if self._spent > _SECONDS:
            raise _refusal("takes too long to match with the files of this commit: use fewer * and **")
        begun = self._clock()
        excluded = patterns.exclude(path)
        self._spent += self._clock() - begun
        return excluded


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _any(regexes: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{regex})" for regex in regexes) or "(?!)", re.DOTALL)


def _parsed(line: str) -> _Pattern | None:
    """Read a line as git does; None for one that matches nothing."""
    spaces = _TRAILING_SPACES.fullmatch(line)
    text = spaces[1] if spaces else line
    if not text or text.startswith("#"):
        return None
    given = text.removeprefix("!")
    if not given:
        raise _refusal(f"holds a pattern that is none: {line!r}")
    name_only = "/" not in given.removesuffix("/")
    segments = given.removesuffix("/").removeprefix("/").split("/")
    if not all(segments):
        return None
    return _Pattern(
        excludes=text == given,
        folders_only=given.endswith("/"),
        name_only=name_only,
        regex=_regex("*" if name_only and _ANY_FOLDERS.fullmatch(segments[0]) else "/".join(segments), line),
    )


def _regex(text: str, line: str) -> re.Pattern[str]:
    """Compile a pattern for whole paths from the root on, in which no class matches a slash."""
    _check_classes(text, line)
    segments = ["**" if _ANY_FOLDERS.fullmatch(segment) else segment for segment in text.split("/")]
    if segments[-1] == "**":
        segments.append("*")  # at the end it stands for all that is inside
    if segments[-1] == "*":
        segments[-1] = "?*"  # the same, but not one of the library's shortcuts for files
    try:
        regex, _ = GitIgnoreBasicPattern.pattern_to_regex(f"/{'/'.join(segments)}")
        return re.compile(_CLASS.sub(_without_slash, regex or "(?!)"), re.DOTALL)
    except (ValueError, re.error) as error:
        raise _refusal(f"holds a pattern that is none: {error}") from error


def _without_slash(found: re.Match[str]) -> str:
    if not found["given"]:
        return found[0]
    inside = _SET_SIGNS.sub(r"\\\g<0>", found[0][1:-1]).replace("--", "-\\-")
    return f"(?!/)[{inside}]"


def _check_classes(text: str, line: str) -> None:
    for found in _BRACKETS.finditer(text):
        if found["open"]:
            raise _refusal(f"holds a pattern that is none: a [ without its ] in {line!r}")
        if any(foreign in (found["whole"] or "") for foreign in ("\\", "/", "[:")):
            raise _refusal(
                f"holds a pattern with \\, / or a class such as [:alpha:] between brackets: {line!r}"
            )


def _check(pattern: str) -> None:
    segments = pattern.split("/")
    folders = sum(_ANY_FOLDERS.fullmatch(segment) is not None for segment in segments)
    if folders > _STARS or any(segment.count("*") > _STARS for segment in segments):
        raise _refusal(
            f"holds a pattern with more than {_STARS} * in one name, or more than {_STARS} **: {pattern!r}"
        )


def _refusal(what: str) -> SpecError:
    return SpecError(Reason.INVALID_SPEC, f"spec.exclude {what}")
