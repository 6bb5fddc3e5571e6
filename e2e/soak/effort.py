"""How much of a part a story tries, by which seed, and what became of that."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from e2e.soak.parts import Part

SIZE = "TOWLINE_SOAK_SIZE"
SEED = "TOWLINE_SEED"


@dataclass(slots=True, kw_only=True)
class Effort:
    """So many points are to be tried, chosen by `seed`; a story counts each of them with `point`."""

    size: int
    seed: int
    tried: int = 0
    survived: int = 0

    def chance(self) -> random.Random:
        """Return a generator of this seed."""
        return random.Random(self.seed)  # noqa: S311  repeatable, not secret

    @contextmanager
    def point(self, what: object = "", *, counts: int = 1) -> Iterator[None]:
        """Count what is tried in the block, and that it was survived; an error says which point it was."""
        self.tried += counts
        try:
            yield
        except BaseException as error:
            error.add_note(f"{SEED}={self.seed} {SIZE}={self.size}, point {self.tried}: {what}")
            raise
        self.survived += counts


def begun(part: Part, environment: Mapping[str, str] = os.environ) -> Effort:
    """Return the effort that the environment asks for, the short one by a random seed where it does not."""
    return Effort(
        size=int(environment.get(SIZE) or part.short),
        seed=int(environment.get(SEED) or secrets.randbelow(2**32)),
    )
