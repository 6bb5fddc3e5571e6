"""Write down what an import made, for people and for programs."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from towline import text
from towline.importing.check.check_result import CheckResult
from towline.importing.draft import Note, NoteKind
from towline.importing.handover_plan import HandoverStep
from towline.importing.importer import Import, Imported
from towline.render import dump


def manifests(result: Import) -> str:
    """Return the GitRepositories as YAML, each under a comment that names where it comes from."""
    return "".join(f"---\n# {_origin(each)}\n{dump.written(each.body)}" for each in result.made)


def told(note: Note) -> str:
    """Return a note as one line: `apps.yaml:12: Kustomization apps/web: spec.kubeConfig: not imported: …`."""
    where = f"{note.file}:{note.line}: " if note.file else ""
    field = f"{note.field}: " if note.field else ""
    return f"{where}{note.resource}: {field}{note.kind}: {note.message}"


def summary(notes: Iterable[Note]) -> Iterator[str]:
    """Yield notes as lines, those about what is not needed last and once for all resources."""
    needless: dict[str, list[Note]] = defaultdict(list)
    for note in notes:
        if note.kind is NoteKind.NEEDLESS:
            needless[note.message].append(note)
        else:
            yield told(note)
    for same in needless.values():
        more = f" (and in {text.many(len(same) - 1, 'other place')})" if len(same) > 1 else ""
        yield f"{told(same[0])}{more}"


def plan(steps: tuple[HandoverStep, ...]) -> Iterator[str]:
    """Yield the lines of a plan: comments, and commands that a shell takes."""
    if not steps:
        return
    yield "# The handover, which deletes nothing. Save what is printed as gitrepositories.yaml, and look at each step."
    for number, step in enumerate(steps, 1):
        yield ""
        yield f"# {number}. {step.title}: {step.why}"
        yield from step.commands


def comparison(checked: CheckResult) -> Iterator[str]:
    """Yield the lines that say how the renders of both sides compare."""
    if checked.skipped:
        yield f"{checked.name}: not compared: {checked.skipped}"
        return
    yield from (f"{checked.name}: cannot be rendered {each}" for each in checked.errors)
    yield from (f"{checked.name}: {each}" for each in (*checked.differences, *checked.unread))
    if not checked.errors:
        differing = len({each.object for each in checked.differences})
        yield f"{checked.name}: {text.many(checked.same, 'object')} the same, {differing} different"


def as_json(
    result: Import, steps: tuple[HandoverStep, ...], checked: Sequence[CheckResult] | None
) -> dict[str, Any]:
    """Return all of it as one value; `comparison` is there where the renders were compared."""
    compared = {"comparison": [dataclasses.asdict(each) for each in checked]} if checked is not None else {}
    return {
        "resources": [
            {"object": each.body, "from": each.of.title, "file": each.of.file, "line": each.of.first}
            for each in result.made
        ],
        "notes": [dataclasses.asdict(note) for note in result.notes],
        "handover": [dataclasses.asdict(step) for step in steps],
        **compared,
    }


def _origin(each: Imported) -> str:
    of = each.of
    made = f", made by {of.parent}" if of.parent else ""
    where = f" ({of.file}:{of.first})" if of.file else ""
    return f"from {of.title}{where}{made}"
