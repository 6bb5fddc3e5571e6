"""Walk back through a history, from where files are read to the commits that last touched them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from towline.model import ObjectRef
from towline.source.authorship.steps import Step


class Wanted(NamedTuple):
    """An object of a commit: its reference and digest as the file itself says them, and the file."""

    ref: ObjectRef
    digest: str
    file: str


class Former(NamedTuple):
    """A file of a parent: what a touched file may have been before."""

    parent: str
    file: str
    blob: str


class Touch(NamedTuple):
    """A commit that changed a file, the objects that are followed through that file, and its blob there."""

    step: Step
    file: str
    blob: str
    objects: tuple[Wanted, ...]

    @property
    def same_path(self) -> tuple[Former, ...]:
        """The file as the parents had it, where they did."""
        found = zip(self.step.parents, self.step.deltas, strict=False)
        return tuple(
            Former(parent, self.file, deltas[self.file].old)
            for parent, deltas in found
            if self.file in deltas and deltas[self.file].old
        )


class Walk:
    """Follows objects from file to file, commit to parent.

    At a merge an object goes to the first parent that has its very file, as `git log -- <file>` does; a commit whose
    file differs from that of every parent is a touch, and the caller says where it goes on.
    """

    def __init__(self) -> None:
        self._pending: dict[str, dict[str, list[Wanted]]] = {}

    @property
    def places(self) -> Sequence[str]:
        """The commits at which objects wait to be followed."""
        return tuple(self._pending)

    @property
    def files(self) -> frozenset[str]:
        """The files that are followed."""
        return frozenset(file for files in self._pending.values() for file in files)

    def follow(self, sha: str, file: str, objects: Iterable[Wanted]) -> None:
        """Follow objects from the file of a commit on."""
        self._pending.setdefault(sha, {}).setdefault(file, []).extend(objects)

    def advance(self, steps: Iterable[Step]) -> list[Touch]:
        """Follow every object through these commits; return the commits that touched their files.

        Args:
            steps: commits in an order in which no parent comes before its child.
        """
        touches: list[Touch] = []
        for step in steps:
            files = self._pending.pop(step.sha, None)
            if files:
                touches.extend(self._passed(step, files))
        return touches

    def _passed(self, step: Step, files: dict[str, list[Wanted]]) -> Iterator[Touch]:
        first = step.deltas[0]
        differing = (
            [file for file in files if file in first]
            if len(files) < len(first)
            else [file for file in first if file in files]
        )
        for file in differing:
            objects = files.pop(file)
            same = next((at for at, deltas in enumerate(step.deltas) if file not in deltas), None)
            if same is None:
                yield Touch(step, file, first[file].new, tuple(objects))
            else:
                self.follow(step.parents[same], file, objects)
        if files and step.parents:
            self._join(step.parents[0], files)

    def _join(self, sha: str, files: dict[str, list[Wanted]]) -> None:
        """Add files to those that wait at a commit; on a straight line of commits nothing is copied."""
        held = self._pending.setdefault(sha, files)
        if held is files:
            return
        if len(held) < len(files):
            self._pending[sha], held, files = files, files, held
        for file, objects in files.items():
            held.setdefault(file, []).extend(objects)
