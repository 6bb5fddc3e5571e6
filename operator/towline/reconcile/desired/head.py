"""Hold what a spec follows: a ref, and the commit that it led to."""

from __future__ import annotations

from dataclasses import dataclass, field

from towline.source.access import Remote


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The ref that a spec follows: its full name, and its commit.

    Where the spec names a commit and the branch that it must be in, `tip` is the head of that branch; else it is empty.
    `tag` is the id of the annotated tag that led to the commit, empty where none did.
    `seen_at` is when the remote answered, by the event loop's clock.
    """

    remote: Remote
    name: str
    sha: str
    seen_at: float = field(compare=False)
    tip: str = ""
    tag: str = ""

    @property
    def ref(self) -> str:
        """The full name of the ref; empty where a commit is followed by its id alone."""
        return "" if self.name == self.sha else self.name
