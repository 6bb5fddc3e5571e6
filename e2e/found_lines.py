"""What was found out about the lines of fields, as a value that can be added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class FoundLines:
    """What was found: leaves by how they are traced, and sampled lines by what a change of them did."""

    leaves: Counter[str] = field(default_factory=Counter)
    sampled: Counter[str] = field(default_factory=Counter)
    confirmed: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def with_line(self) -> float:
        """The part of the leaves of which the very line is known; all others have the file that declares them."""
        return 1 - self.leaves["file only"] / max(1, self.leaves.total())

    @property
    def right(self) -> float:
        """The part of the sampled lines that are causally right, of those that could be changed.

        What breaks the build, matters to it.
        """
        tried = self.sampled.total() - self.sampled["cannot be changed"]
        return 1 - self.sampled["did not move"] / max(1, tried)

    def add(self, other: FoundLines) -> None:
        self.leaves += other.leaves
        self.sampled += other.sampled
        self.confirmed += other.confirmed
        self.wrong += other.wrong

    def __str__(self) -> str:
        leaves = ", ".join(f"{count} {name}" for name, count in self.leaves.most_common())
        sampled = ", ".join(f"{count} {name}" for name, count in self.sampled.most_common())
        confirmed = ", ".join(f"{count} {name}" for name, count in self.confirmed.most_common())
        total = self.leaves.total()
        return (
            f"{total} leaves ({leaves}): {self.with_line:.1%} with a line; "
            f"{self.sampled.total()} lines sampled ({sampled}): {self.right:.1%} right"
            + (f"; confirmed: {confirmed}" if confirmed else "")
        )
