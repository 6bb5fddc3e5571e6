"""Decide of each leaf of a live object what is told of it; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from towline.api import labels
from towline.fields import pointer
from towline.model import Revision
from towline.read.provenance import field_owners
from towline.read.provenance.field_owners import LeafOwner
from towline.read.provenance.field_sources import LeafSource
from towline.read.provenance.line_commits import FilePart, LineCommits, WrittenLine
from towline.read.provenance.paired_leaves import DeclaredLeaf
from towline.render.marks.field_place import Certainty

DEFAULT = "default"
"""Owner of what the API server filled in on the way: by its defaults, or by admission that leaves no name."""

ADMISSION = "admission"
"""Owner of what has another value than the repository sent, though nobody else wrote it."""

NAMESPACE = "/metadata/namespace"
"""Where Git names none, it is that of the spec."""

_STAMPS = ("/metadata/annotations/", "/metadata/labels/")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSays:
    """What Git declares for a leaf, and which commit, file and line.

    `commit` is empty, and `revision` None, where the history does not tell; `file` is empty, and `line` 0, where Git
    cannot be read. `lines` are all lines of a text of several lines, with the commit of each.
    """

    value: Any = None
    file: str = ""
    line: int = 0
    commit: str = ""
    revision: Revision | None = None
    via: tuple[str, ...] = ()
    certainty: Certainty = Certainty.FILE
    lines: tuple[WrittenLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BlamedField:
    """One leaf of a live object: its value, who set it, and when.

    Attributes:
        pointer: a JSON pointer into the live object.
        value: masked.
        owner: the repository, another field manager, Towline's own field manager for its stamps, `default` or
            `admission`.
        at: when another field manager wrote it (RFC 3339).
        git: what Git says; None where it declares no such field.
        is_own: whether the repository set it.
    """

    pointer: str
    value: Any
    owner: str
    at: str = ""
    git: GitSays | None = None
    is_own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStamp:
    """What Towline wrote on the object: the commit that last changed it, and the file that declares it."""

    commit: str = ""
    source: str = ""
    revision: Revision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEvidence:
    """All that is known of the leaves of one object, by JSON pointers into it.

    Attributes:
        repository: `namespace/name` of the one that owns it, empty where none does.
        manager: its field manager.
        stamp: what it wrote on the object.
        owners: whose they are by managedFields.
        declared: what Git declares for them; None where that is not known.
        sources: where that comes from, by JSON pointers into what is declared.
        commits: who wrote these lines; None where the history cannot be read.
        is_partial: whether values are not known that Git's files refer to, so that a difference says nothing.
    """

    repository: str = ""
    manager: str = ""
    stamp: OwnStamp = OwnStamp()
    owners: Mapping[str, LeafOwner]
    declared: Mapping[str, DeclaredLeaf] | None = None
    sources: Mapping[str, LeafSource]
    commits: LineCommits | None = None
    is_partial: bool = False


def blamed(shown: Mapping[str, Any], evidence: FieldEvidence) -> Iterator[BlamedField]:
    """Yield what is told of each leaf.

    Args:
        shown: the leaves with their masked values.
        evidence: what is known of them.
    """
    for path, value in shown.items():
        yield _field(path, value, evidence)


def _field(path: str, value: Any, evidence: FieldEvidence) -> BlamedField:
    owner = evidence.owners.get(path, LeafOwner())
    if not evidence.repository:
        return _others(path, value, owner)
    declared = (evidence.declared or {}).get(path)
    if declared:
        return _declared(path, value, declared, evidence)
    if owner.is_own and is_stamp(path):
        return BlamedField(pointer=path, value=value, owner=evidence.manager)
    if evidence.declared is None and (owner.is_own or path in field_owners.IDENTITY):
        return _own(path, value, evidence, _stamped(evidence))
    if path == NAMESPACE:  # that of the spec
        return BlamedField(pointer=path, value=value, owner=evidence.manager)
    return _others(path, value, owner)


def _declared(path: str, value: Any, declared: DeclaredLeaf, evidence: FieldEvidence) -> BlamedField:
    owner = evidence.owners.get(path, LeafOwner())
    git = _git(declared, evidence)
    if path in field_owners.IDENTITY or (declared.is_same and (owner.is_own or not owner.other)):
        return _own(path, value, evidence, git)
    if owner.is_own and not owner.other:
        if evidence.is_partial:
            return _own(path, value, evidence, git)
        return BlamedField(pointer=path, value=value, owner=ADMISSION, git=git)
    return _others(path, value, owner, git)


def is_stamp(path: str) -> bool:
    """Tell whether a label or annotation is one that Towline writes."""
    head = next((each for each in _STAMPS if path.startswith(each)), "")
    (name,) = pointer.split(path[len(head) - 1 :])[:1] if head else ("",)
    return name.startswith(labels.PREFIX) or name == labels.CHANGE_CAUSE


def _own(path: str, value: Any, evidence: FieldEvidence, git: GitSays) -> BlamedField:
    return BlamedField(pointer=path, value=value, owner=evidence.repository, git=git, is_own=True)


def _others(path: str, value: Any, owner: LeafOwner, git: GitSays | None = None) -> BlamedField:
    name = owner.other or DEFAULT
    return BlamedField(pointer=path, value=value, owner=name, at=owner.at if owner.other else "", git=git)


def _git(declared: DeclaredLeaf, evidence: FieldEvidence) -> GitSays:
    source = evidence.sources.get(declared.pointer)
    if source is None:
        return _stamped(evidence, declared.value)
    if source.certainty is Certainty.FILE:
        stamp, part = evidence.stamp, source.parts[0]
        return GitSays(
            value=declared.value,
            file=part.file,
            line=part.first,
            commit=stamp.commit,
            revision=stamp.revision,
            via=source.via,
            certainty=source.certainty,
        )
    part = source.parts[0]
    last = evidence.commits.last(source.parts) if evidence.commits else None
    revision = last.revision if last else None
    return GitSays(
        value=declared.value,
        file=last.file if last else part.file,
        line=last.line if last else part.first,
        commit=revision.sha if revision else "",
        revision=revision,
        via=source.via,
        certainty=source.certainty,
        lines=_each(part, evidence.commits) if evidence.commits and declared.is_same else (),
    )


def _each(part: FilePart, commits: LineCommits) -> tuple[WrittenLine, ...]:
    """Return the commit of each line of a text of several lines."""
    numbers = range(part.first, part.last + 1) if part.last > part.first else ()
    return tuple(commits.last((FilePart(part.file, number, number),)) for number in numbers)


def _stamped(evidence: FieldEvidence, value: Any = None) -> GitSays:
    """Return what the stamps alone tell."""
    stamp = evidence.stamp
    return GitSays(value=value, file=stamp.source, commit=stamp.commit, revision=stamp.revision)


def entry(field: BlamedField) -> dict[str, Any]:
    """Return a leaf as `-o json` shows it; `git` is what Git says instead, where another manager set the field."""
    git = field.git if field.is_own else None
    told: dict[str, Any] = {"pointer": field.pointer, "value": field.value, "owner": field.owner}
    told |= _told(git) if git else _told(GitSays()) | {"certainty": Certainty.EXACT.value}
    if not field.is_own and field.at:
        told["date"] = field.at
    if field.git and not field.is_own:
        told["git"] = {"value": field.git.value, **_told(field.git)}
    return told


def _told(git: GitSays) -> dict[str, Any]:
    revision = git.revision
    return {
        "file": _utf8(git.file) or None,
        "line": git.line or None,
        "commit": git.commit or None,
        "author": (revision.author.name or revision.author.email) if revision else None,
        "date": revision.authored_at if revision else None,
        "pullRequest": (revision.pull_request or None) if revision else None,
        "via": list(git.via),
        "certainty": "file" if git.certainty is Certainty.FILE else git.certainty.value,
    }


def _utf8(path: str) -> str:
    """Return a path as valid UTF-8, as the stamps write it; other bytes of it are lone surrogates."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
