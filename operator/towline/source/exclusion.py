"""Matching `spec.exclude`: patterns as in .gitignore, within bounds, because they are a tenant's."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

import pathspec

from towline.errors import Reason, SpecError

_STARS = 3
"""Of one pattern and one name in it: what a pattern costs grows with the power of its stars."""
_SECONDS = 2.0
"""Processor time for all files of one commit; honest patterns need milliseconds."""


class Exclusion:
    """The patterns of one spec, ready to be asked about one commit.

    Raises:
        SpecError: InvalidSpec, for a pattern that is none, or that costs too much.
    """

    def __init__(self, patterns: Sequence[str], clock: Callable[[], float] = time.thread_time) -> None:
        for pattern in patterns:
            _check(pattern)
        try:
            self._spec = pathspec.GitIgnoreSpec.from_lines(patterns)
        except (ValueError, re.error) as error:
            raise _refusal(f"holds a pattern that is none: {error}") from error
        self._empty = not patterns
        self._clock = clock
        self._spent = 0.0

    def covers(self, path: str) -> bool:
        """Say whether a file is excluded; `path` is relative to what the patterns are relative to."""
        if self._empty:
            return False
        if self._spent > _SECONDS:
            raise _refusal("takes too long to match with the files of this commit: use fewer * and **")
        begun = self._clock()
        covered = self._spec.match_file(path)
        self._spent += self._clock() - begun
        return covered


def _check(pattern: str) -> None:
    segments = pattern.split("/")
    if segments.count("**") > _STARS or any(segment.count("*") > _STARS for segment in segments):
        raise _refusal(
            f"holds a pattern with more than {_STARS} * in one name, or more than {_STARS} **: {pattern!r}"
        )


def _refusal(what: str) -> SpecError:
    return SpecError(Reason.INVALID_SPEC, f"spec.exclude {what}")
