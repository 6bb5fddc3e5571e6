"""Random histories of one object each: something happens to it, often with something harmless before or after."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from kubernetes.dynamic.exceptions import ConflictError, NotFoundError

from e2e.harness.cluster import Object
from e2e.harness.waiting import eventually
from e2e.scenes.drift import case_table, shared_fields, subresource_writes, value_changes
from e2e.scenes.drift.case_table import Act, Outcome
from e2e.scenes.drift.other_writers import Thing

_HARMLESS: tuple[tuple[Act, tuple[str, ...]], ...] = (
    (value_changes.a_put_of_the_same, case_table.ALL),
    (shared_fields.a_foreign_annotation, case_table.ALL),
    (shared_fields.a_foreign_label, case_table.ALL),
    (shared_fields.a_foreign_key, case_table.PLAIN),
    (shared_fields.notes_of_thirteen_managers, case_table.ALL),
    (subresource_writes.a_status_patch, (case_table.DEPLOYMENT, *case_table.CUSTOM)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One history: `acts` happen to an object of `kind`, and it must end as `outcome` says."""

    number: int
    kind: str
    acts: tuple[Act, ...]
    outcome: Outcome

    @property
    def name(self) -> str:
        """The object that it happens to."""
        return f"trial-{self.number:03}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {', then '.join(act.__name__ for act in self.acts)}"


def drawn(chance: random.Random, count: int) -> tuple[Trial, ...]:
    """Draw so many trials; generators of one seed draw the same ones."""
    return tuple(_drawn(chance, number) for number in range(count))


def _drawn(chance: random.Random, number: int) -> Trial:
    kind = chance.choice(case_table.ALL)
    case = chance.choice([case for case in case_table.cases(*Outcome) if case.kind == kind])
    harmless = chance.choice([act for act, kinds in _HARMLESS if kind in kinds])
    before, after = (harmless, case.act), (case.act, harmless)
    acts = chance.choice(((case.act,), before, after))
    return Trial(number=number, kind=kind, acts=acts, outcome=case.outcome)


def play(trial: Trial, thing: Thing) -> Object:
    """Let a trial happen to its object; returns what the object is then, empty where it is gone.

    An act that is refused because the operator came between, or because the object is not there again yet, is tried
    anew.
    """
    for act in trial.acts:
        eventually(_tried(act, thing), deadline=20, message=f"{trial}")
    return thing.find()


def _tried(act: Act, thing: Thing) -> Callable[[], bool]:
    def tried() -> bool:
        try:
            act(thing)
        except (ConflictError, NotFoundError):
            return False
        return True

    return tried
