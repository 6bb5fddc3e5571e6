"""Gather the spec of one GitRepository, and what to tell about the way to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from towline.importing.field_rules import Path, RuleTable
from towline.importing.peer_resource import PeerResource


class NoteKind(StrEnum):
    """How much a note matters."""

    REFUSED = "not imported"
    LOST = "not carried over"
    DIFFERENT = "different"
    ASSUMED = "assumed"
    NEEDLESS = "not needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to know about the import of one resource; `field` is empty where all of it is meant."""

    kind: NoteKind
    resource: str
    field: str
    message: str
    file: str
    line: int


class NotImportableError(Exception):
    """A resource cannot become a GitRepository; the draft has the note that says why."""


class Draft:
    """The spec and the notes of one resource while it is read.

    Args:
        of: the resource.
        notes: where its notes go, those of the resource that names it; a list of its own by default.

    Attributes:
        source: of an Application, the source that it is about.
        ignored: patterns of files that the other tool does not see, as in `.gitignore`.
        more: further GitRepositories that it needs, by what their names end with.
    """

    def __init__(self, of: PeerResource, notes: list[Note] | None = None) -> None:
        self.of = of
        self.spec: dict[str, Any] = {}
        self.source: Mapping[str, Any] = {}
        self.ignored: tuple[str, ...] = ()
        self.more: dict[str, Draft] = {}
        self.notes: list[Note] = [] if notes is None else notes

    def put(self, field: str, value: Any) -> None:
        """Set a field of the spec by its name, such as `helm.values`; an empty value sets nothing."""
        if value is None or value in ("", [], {}):
            return
        at = self.spec
        *parents, last = field.split(".")
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = value

    def lost(self, message: str, *path: str | int) -> None:
        """Say that the effect of a field is lost."""
        self._note(NoteKind.LOST, message, path)

    def different(self, message: str, *path: str | int) -> None:
        """Say that Towline does something in another way."""
        self._note(NoteKind.DIFFERENT, message, path)

    def assumed(self, message: str, *path: str | int) -> None:
        """Say what could not be known, and what was taken for granted."""
        self._note(NoteKind.ASSUMED, message, path)

    def refused(self, message: str, *path: str | int) -> NotImportableError:
        """Say why the resource cannot be imported; return the error to raise."""
        self._note(NoteKind.REFUSED, message, path)
        return NotImportableError(message)

    def check(
        self, rules: RuleTable, value: Any = None, *, under: Path = ("spec",), root: str = "spec"
    ) -> None:
        """Refuse a resource of which fields have another shape than its CRD allows.

        Args:
            rules: those of its kind.
            value: the fields, those of the spec by default.
            under: where they are in the resource.
            root: with what their names in the rules begin.

        Raises:
            NotImportableError: there is such a field.
        """
        found = self.of.body.get("spec") if value is None else value
        wrong = tuple(rules.misshapen(found, root, under))
        for path, message in wrong:
            self.refused(message, *path)
        if wrong:
            raise NotImportableError(wrong[0][1])

    def tell(
        self, rules: RuleTable, value: Any = None, *, under: Path = ("spec",), root: str = "spec"
    ) -> None:
        """Note the fields that become none of a GitRepository's, and those that no rule knows.

        Args:
            rules: what becomes of each field.
            value: the fields, those of the spec by default.
            under: where they are in the resource.
            root: with what their names in the rules begin.
        """
        told = set()
        for path, rule in rules.used(self.of.spec if value is None else value, root, under):
            if rule is None:
                self.lost("this version of Towline does not know the field: see whether it matters", *path)
            elif rule.reason and (field := tuple(part for part in path if isinstance(part, str))) not in told:
                told.add(field)
                self._note(NoteKind.NEEDLESS if rule.harmless else NoteKind.LOST, rule.reason, path)

    def _note(self, kind: NoteKind, message: str, path: Path) -> None:
        of = self.of
        self.notes.append(
            Note(
                kind=kind,
                resource=of.title,
                field=dotted(path),
                message=message,
                file=of.file,
                line=of.line(*path),
            )
        )


def dotted(path: Path) -> str:
    """Return a path as people write it: `spec.sources[1].chart`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def drafted(of: PeerResource, fill: Callable[[Draft], None]) -> Draft:
    """Return the draft that `fill` makes of a resource; it has no spec where that cannot be imported."""
    draft = Draft(of)
    try:
        fill(draft)
    except NotImportableError:
        draft.spec.clear()
    return draft
