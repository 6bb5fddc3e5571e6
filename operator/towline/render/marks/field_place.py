"""Say where a field comes from, how well that is known, and how much is spent to know it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Certainty(StrEnum):
    """How well a place is known."""

    EXACT = "exact"  # changing this scalar alone changes the field
    LIKELY = "likely"
    FILE = "file only"


class FieldPlace(NamedTuple):
    """Where a field comes from."""

    file: str
    line: int
    certainty: Certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofEffort:
    """How much is spent on trying whether lines change fields; without a proof, a field has the likeliest line.

    `fields` are those of each unit that are tried, `seconds` how long that may take: what is refused must be told soon.
    """

    fields: int = 10
    seconds: float = 5.0
