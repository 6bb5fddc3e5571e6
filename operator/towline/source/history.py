"""List the commits between two revisions, with their authors and pull requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from towline.model import Person, Revision, Trailer
from towline.source import pull_requests
from towline.source.authorship import trailers

FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%<(4000,trunc)%B%x1E%<(1000,ltrunc)%B"
"""One commit for `git log -z`; NUL ends each field. Of a message 4,000 columns are told, and its last 1,000."""

LIMIT = 250
"""Commits that one history lists."""

_FIELDS = 9
_MESSAGE_LIMIT = 4000
_CUT = ".."
"""What `git log` writes in place of what it cuts."""
_PEOPLE = ("author", "author_email", "authored", "committer", "committer_email", "committed")
_PERSON = rb"%s (?P<%s>[^<>\n]*?) ?<(?P<%s_email>[^<>\n]*)> (?P<%s>[0-9]{1,12}) [+-][0-9]{4}"
_OBJECT = re.compile(
    rb"tree [0-9a-f]+\n(?P<parents>(?:parent [0-9a-f]+\n)*)"
    + _PERSON % (b"author", b"author", b"author", b"authored")
    + rb"\n"
    + _PERSON % (b"committer", b"committer", b"committer", b"committed")
    + rb"(?:\ngpgsig(?:-sha256)? [^\n]*(?:\n [^\n]*)*)?"
)
_SUBJECT_LIMIT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The commits that one revision has and an earlier one lacks, newest first.

    `total` counts those beyond the limit too. `rewritten` says that the earlier one is no ancestor.
    """

    revisions: tuple[Revision, ...]
    total: int
    rewritten: bool = False


def parse(log: bytes) -> tuple[Revision, ...]:
    """Read the output of `git log -z` in `FORMAT`, children before their parents.

    Raises:
        ValueError: the output is malformed.
    """
    fields = log.removesuffix(b"\0").decode("utf-8", "replace").split("\0") if log else []
    if len(fields) % _FIELDS:
        raise ValueError("not the output of git log")
    revisions = [_revision(fields[at : at + _FIELDS]) for at in range(0, len(fields), _FIELDS)]
    return _inherited(revisions)


def from_object(sha: str, content: bytes) -> Revision | None:
    """Read a commit object as `git log` shows it; None where that takes more than its plain lines.

    So it is with other encodings, author lines that old tools wrote, very long messages, and merges.
    """
    head, _, message = content.partition(b"\n\n")
    found = _OBJECT.fullmatch(head)
    if found is None or len(message) > _MESSAGE_LIMIT or b"\0" in content:
        return None
    parents = found["parents"].replace(b"parent ", b"").replace(b"\n", b" ")
    values = (sha.encode(), parents, *(found[name] for name in _PEOPLE), message)
    revision = _revision([each.decode("utf-8", "replace") for each in values])
    return None if revision.merged_by and len(revision.parents) > 1 else revision


def _revision(fields: list[str]) -> Revision:
    sha, parents, author, author_email, authored, committer, committer_email, committed, said = fields
    message = _message(said)
    revision = Revision(
        sha=sha,
        parents=tuple(parents.split()),
        author=Person(name=_clean(author), email=_clean(author_email)),
        committer=Person(name=_clean(committer), email=_clean(committer_email)),
        authored_at=_time(authored),
        committed_at=_time(committed),
        subject=_clean(message.strip().partition("\n")[0]),
    )
    told = tuple(
        Trailer(_clean(name), _clean(value)) for name, value in trailers.told(trailers.parse(message))
    )
    named = replace(revision, pull_request=pull_requests.pull_request(message), trailers=told)
    if not (named.pull_request or pull_requests.is_merge(named) or pull_requests.names_merger(named)):
        return named
    return replace(named, merged_by=pull_requests.merged_by(named, message))


def _message(said: str) -> str:
    """Join head and tail of a message; what a person wrote may be long, and what the forge adds comes last.

    Git cuts columns, not characters: the ends of all lines stay.
    """
    head, _, tail = said.partition("\x1e")
    head = head.rstrip()
    return f"{head}\n{tail}" if head.endswith(_CUT) else head


def _inherited(revisions: Iterable[Revision]) -> tuple[Revision, ...]:
    """Give the commits of a merged branch the pull request of the merge that brought them."""
    known = {revision.sha: revision for revision in revisions}
    mainline = _mainline(known)
    claimed = set(mainline)
    for merge in reversed(mainline):
        pending = list(known[merge].parents[1:])
        while pending:
            sha = pending.pop()
            if sha in claimed or sha not in known:
                continue
            claimed.add(sha)
            pending.extend(known[sha].parents)
            known[sha] = _brought(known[sha], known[merge])
    return tuple(known.values())


def _brought(revision: Revision, merge: Revision) -> Revision:
    """Add to a commit what the merge that brought it tells; what the commit says itself stays."""
    if pull_requests.is_change(revision.pull_request) and not revision.merged_by:
        return replace(revision, merged_by=merge.merged_by)
    if revision.pull_request or not merge.merged_by:
        return revision
    return replace(revision, pull_request=merge.pull_request, merged_by=merge.merged_by)


def _mainline(known: Mapping[str, Revision]) -> list[str]:
    """The newest commit and its first parents, as far as they are known; no commit twice, whatever the output says."""
    line: dict[str, None] = {}
    here = next(iter(known), "")
    while here in known and here not in line:
        line[here] = None
        here = next(iter(known[here].parents), "")
    return list(line)


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip()[:_SUBJECT_LIMIT]


def _time(seconds: str) -> str:
    """RFC 3339 in UTC; the epoch for a time that no calendar has."""
    try:
        moment = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
