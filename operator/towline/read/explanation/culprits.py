"""Find by dry runs which field is refused, and the first of several new commits that brings it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from towline import text
from towline.errors import Failure, Refusal
from towline.fields import diff
from towline.model import Body, ObjectRef, Revision
from towline.read.explanation.cause import FoundCause
from towline.read.explanation.first_failing import first_failing_revision
from towline.read.explanation.known_syncs import KnownSyncs

_VALUE_BYTES = 300

MOST = 3
"""How many refusals are looked into: each may take several dry runs."""


class Trials(Protocol):
    """What tries commits."""

    async def refused(self, sha: str) -> tuple[Failure, ...] | None:
        """Return what would be refused of a commit; None where Git does not have it here."""


@dataclass(slots=True, kw_only=True)
class Culprits:
    """Looks into the refusals of one attempted commit.

    Attributes:
        online: tries revisions.
        new: the commits that lead from the applied one to the attempted one, the oldest first.
    """

    online: Trials
    new: Sequence[Revision]
    _refused: dict[str, tuple[Failure, ...]] = field(default_factory=dict)

    async def told(self, causes: Sequence[FoundCause], syncs: KnownSyncs) -> tuple[FoundCause, ...]:
        """Return causes with the field and the first commit that are to blame, as far as dry runs tell.

        Raises:
            TowlineError: no dry run can tell.
        """
        first = [await self._told(each, syncs) for each in causes[:MOST]]
        return (*first, *causes[MOST:])

    async def _told(self, cause: FoundCause, syncs: KnownSyncs) -> FoundCause:
        if not self.new or not await self._same(self.new[-1], cause):
            return cause
        found = await first_failing_revision(self.new, lambda each: self._fails(each, cause))
        failure = await self._same(found, cause) if found else None
        if found is None or failure is None:
            return cause
        number = len(self.new)
        first = f"; of {number} new commits {found.short} is the first that fails" if number > 1 else ""
        return replace(
            cause,
            pointer=failure.field or cause.pointer,
            file=failure.file or cause.file,
            line=failure.line or cause.line,
            commit=found.sha,
            author=found.writer.name or syncs.author(found.sha),
            evidence=f"{cause.evidence}{first}",
        )

    async def _fails(self, revision: Revision, cause: FoundCause) -> bool:
        return await self._same(revision, cause) is not None

    async def _same(self, revision: Revision, cause: FoundCause) -> Failure | None:
        """Return the refusal of a commit that is that of a cause: of the same object or file, for the same reason.

        Of several fields of an object that of the cause counts, where the newest commit is refused for it.
        """
        if revision.sha not in self._refused:
            self._refused[revision.sha] = await self.online.refused(revision.sha) or ()
        found = [each for each in self._refused[revision.sha] if _is_same(each, cause)]
        by_field = [each for each in found if each.field and each.field == cause.pointer]
        newest = self._refused.get(self.new[-1].sha, ())
        is_of_field = any(_is_same(each, cause) and each.field == cause.pointer for each in newest)
        return next(iter(by_field if cause.pointer and is_of_field else found), None)


def _is_same(failure: Failure, cause: FoundCause) -> bool:
    where = (failure.object, cause.object) if cause.object else (failure.file, cause.file)
    return where[0] == where[1] and failure.reason == cause.reason


def with_values(cause: FoundCause, live: Body, declared: Body) -> FoundCause:
    """Return the cause that an immutable field is, with its old and its new value, both of them masked already.

    Args:
        cause: the refusal.
        live: the object as it is.
        declared: as Git declares it now.
    """
    if cause.reason != Refusal.IMMUTABLE_FIELD or not cause.pointer:
        return cause
    old, new = (_shown(diff.value_at(each, cause.pointer)) for each in (live, declared))
    return replace(cause, evidence=f"it is {old}, and Git says {new}: {cause.evidence}")


def _shown(value: Any) -> str:
    return text.printable(json.dumps(value, ensure_ascii=False, sort_keys=True), _VALUE_BYTES)


def ref_of(cause: FoundCause) -> ObjectRef | None:
    """Return the object of a cause; None where it has none."""
    try:
        return ObjectRef.parse(cause.object)
    except ValueError:
        return None
