"""Tell what the API server objects to in one managed object, with its file and line, and without its secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from towline import text
from towline.api import labels
from towline.errors import ApiError, Failure
from towline.fields import server_paths
from towline.kube import refusals
from towline.model import Body, Change, GroupKind, ObjectRef

_NOTHING: Body = MappingProxyType({})
_SECRET = GroupKind("", "Secret")

MOST = 100
"""Faults of one answer that are told; the others are counted."""

_HIDDEN = "refused; the answer may quote the Secret, which cannot be read at the moment, and is not shown"


class Masker(Protocol):
    """Replaces the secret scalars of an object in a text (`fields.mask.Mask`)."""

    def texts(self, messages: Sequence[str], body: Body) -> tuple[str, ...]:
        """Return the messages without any secret of the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The object that a failure is about: what Git declares of it, and where.

    `live` is the live object, whose values the server may quote, too: empty where there is none, None where it could
    not be read.
    """

    ref: ObjectRef
    body: Body
    live: Body | None = field(default_factory=dict)
    file: str = ""
    line: int = 0
    commit: str = ""


def subject(change: Change, commit: str, live: Body | None = _NOTHING) -> Subject:
    """Say what a change is about; for a removal it is the file and commit that last declared the object."""
    live = live and _spoken(live)
    if change.manifest is not None:
        origin = change.manifest.origin
        body = change.manifest.body
        return Subject(
            ref=change.ref, body=body, live=live, file=origin.file, line=origin.line, commit=commit
        )
    if change.live is not None:
        return Subject(ref=change.ref, body={}, live=live, file=change.live.source, commit=change.live.commit)
    return Subject(ref=change.ref, body={}, live=live, commit=commit)


def _spoken(held: Body) -> Body:
    """Return the parts of an object that its author wrote: what the server and Towline add is not secret."""
    metadata = held.get("metadata") or {}
    written = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
    for part in ("labels", "annotations"):
        own = (metadata.get(part) or {}).items()
        written[part] = {name: value for name, value in own if not name.startswith(labels.PREFIX)}
    return {name: value for name, value in held.items() if name != "status"} | {"metadata": written}


def failure(about: Subject, reason: str, message: str, path: str = "") -> Failure:
    """Return one failure of the object; `message` must be free of secrets."""
    return Failure(
        reason=reason,
        message=text.printable(message),
        object=str(about.ref),
        file=about.file,
        line=about.line,
        commit=about.commit,
        field=server_paths.to_pointer(path, about.body),
    )


def failures(error: ApiError, about: Subject, mask: Masker) -> tuple[Failure, ...]:
    """Return a failure for each problem in the answer, at least one, with all secrets of the object masked."""
    found = refusals.faults(error)
    shown = found[:MOST]
    texts = _shown(tuple(fault.message for fault in shown), about, mask)
    told = tuple(
        failure(about, fault.reason, words, fault.path) for fault, words in zip(shown, texts, strict=True)
    )
    if len(found) == len(shown):
        return told
    return (*told, failure(about, found[MOST].reason, f"and {len(found) - MOST:,} more"))


def _shown(messages: tuple[str, ...], about: Subject, mask: Masker) -> tuple[str, ...]:
    if about.live is None and about.ref.group_kind == _SECRET:
        return (_HIDDEN,) * len(messages)
    shown = mask.texts(messages, about.body)
    return mask.texts(shown, about.live) if about.live else shown
