"""The repairs of one repository that did not last: undone by others again and again, or refused by the API server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from towline.drift import contests, refused_repairs
from towline.drift.contests import Contest
from towline.drift.refused_repairs import RefusedRepair
from towline.errors import Failure
from towline.model import ObjectRef


class RepairResults(NamedTuple):
    """How the repairs of one sync went.

    `objects` are those that it was to repair; `done` what it wrote; `rivals` the field managers whose changes it
    undid, by object; `failures` why objects were not written.
    """

    objects: Collection[ObjectRef]
    done: frozenset[ObjectRef]
    rivals: Mapping[str, str]
    failures: Collection[Failure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """Which objects are contested, and of which the last repair was refused; times are monotonic seconds."""

    contests: Mapping[ObjectRef, Contest] = field(default_factory=dict)
    refused: Mapping[ObjectRef, RefusedRepair] = field(default_factory=dict)

    def counted(self, repairs: RepairResults, now: float) -> Tries:
        """Return the tries with those of one more sync."""
        refused = {ref: each for ref, each in self.refused.items() if ref not in repairs.done}
        named = {str(ref): ref for ref in repairs.objects} if repairs.failures else {}
        for failure in repairs.failures:
            if ref := named.get(failure.object):
                refused[ref] = refused_repairs.refused(refused.get(ref), failure, now)
        contested = {ref: each for ref, each in self.contests.items() if not contests.is_over(each, now)}
        for ref in repairs.done & frozenset(repairs.objects):
            rival = repairs.rivals.get(str(ref), "")
            contested[ref] = contests.repaired(self.contests.get(ref), rival, now)
        return Tries(contests=contested, refused=refused)

    def of(self, objects: Collection[ObjectRef]) -> Tries:
        """Return the tries of these objects alone."""
        return Tries(
            contests={ref: each for ref, each in self.contests.items() if ref in objects},
            refused={ref: each for ref, each in self.refused.items() if ref in objects},
        )

    def without_refusal(self, ref: ObjectRef) -> Tries:
        """Return the tries where an object is as declared again."""
        return replace(self, refused={one: each for one, each in self.refused.items() if one != ref})

    def at_once(self, touched: Collection[ObjectRef], now: float) -> Tries:
        """Return the tries where the refused repairs of objects that were changed since need not wait."""
        due = {ref: replace(each, until=now) for ref, each in self.refused.items() if ref in touched}
        return replace(self, refused={**self.refused, **due})

    def contested(self, now: float) -> frozenset[ObjectRef]:
        """Return the objects that are not repaired for now, because another field manager keeps changing them."""
        return frozenset(ref for ref, each in self.contests.items() if contests.is_paused(each, now))

    def paused(self, now: float) -> frozenset[ObjectRef]:
        """Return the objects whose repair was refused, and is not due again yet."""
        return frozenset(ref for ref, each in self.refused.items() if refused_repairs.is_paused(each, now))

    def waits(self, now: float) -> tuple[float, ...]:
        """Return the seconds until each object that is left alone for now may be written again."""
        held = (self.contests[ref].until for ref in self.contested(now))
        refused = (self.refused[ref].until for ref in self.paused(now))
        return tuple(until - now for until in (*held, *refused))
