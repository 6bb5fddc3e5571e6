"""Chain records: each holds the digest of the one before, so that the chain can be checked offline.

A digest is `sha256:` and the SHA-256, in hex, of canonical JSON (RFC 8785): an object with the members `spec` and,
once a record is closed, `status`, each holding the fields that `NAMED` lists for the record's
`digestVersion`, where present.

The parts of one sync are opened together, before any of them has an outcome. So the `spec.previous` of a
later part is the digest of the part before it as it was opened, without a status, and its `status.previous`
the final one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise

from towline.fields import canonical
from towline.model import Body
from towline.records import record_shape

VERSION = 7

_SPEC = frozenset(
    {"repository", "sequence", "previous", "part", "trigger", "from", "to", "commits", "commitsTotal"}
    | {"changes", "flags", "operator", "startedAt", "digestVersion"}
)
_STATUS = frozenset({"outcome", "finishedAt", "counts", "failures", "previous"})

NAMED: Mapping[int, Mapping[str, frozenset[str]]] = {
    1: {"spec": _SPEC, "status": _STATUS},
    2: {"spec": _SPEC | {"ref", "author"}, "status": _STATUS},
    3: {"spec": _SPEC | {"ref", "author", "pins"}, "status": _STATUS},
    4: {"spec": _SPEC | {"ref", "author", "pins", "sources"}, "status": _STATUS},
    5: {"spec": _SPEC | {"ref", "author", "pins", "sources", "requestedBy"}, "status": _STATUS},
    6: {"spec": _SPEC | {"ref", "author", "pins", "sources", "requestedBy", "checkpoint"}, "status": _STATUS},
    7: {
        "spec": _SPEC | {"ref", "author", "pins", "sources", "requestedBy", "checkpoint", "verification"},
        "status": _STATUS,
    },
}
"""The fields that a digest covers; a later field needs a new version, so that old records still check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one record.

    Attributes:
        record: its name.
        message: what is wrong.
        gone: the sequences before it that are missing, which retention may cause, too; empty where none is.
        index: the place among the records that were given, of one that cannot be read; None of others.
    """

    record: str
    message: str
    gone: range = range(0)
    index: int | None = None

    @property
    def missing(self) -> bool:
        """Whether nothing is wrong but that records before it are gone."""
        return bool(self.gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """The digests of one record; `final` is empty while the record is open."""

    name: str
    uid: str
    sequence: int
    number: int
    previous: str
    before: str
    claimed: str
    opened: str
    final: str


def opened(body: Body) -> str:
    """Return the digest of a record as it was opened."""
    return _digest({"spec": body["spec"]})


def digest(body: Body) -> str:
    """Return the digest of a record, with its status if it has one.

    Raises:
        ValueError: the record's digestVersion is unknown, or the record is not JSON.
    """
    return _digest({place: body[place] for place in ("spec", "status") if body.get(place)})


def told(gone: range) -> str:
    """Return sequences in words."""
    return f"the records {gone.start} to {gone.stop - 1}"


def _digest(places: Mapping[str, Body]) -> str:
    version = int(places["spec"]["digestVersion"])
    if version not in NAMED:
        raise ValueError(f"digestVersion {version} is unknown")
    named = {
        place: {name: value for name, value in fields.items() if name in NAMED[version][place]}
        for place, fields in places.items()
    }
    return f"sha256:{hashlib.sha256(canonical.dumps(named)).hexdigest()}"


def verify(bodies: Iterable[Body]) -> tuple[Problem, ...]:
    """Check records of any number of repositories, in any order, and return what is wrong.

    Records from before the oldest one are not missed: retention deletes them. The last record may be
    open.
    """
    links, problems = [], []
    for index, body in enumerate(bodies):
        try:
            links.append(_link(body))
        except (KeyError, TypeError, ValueError, AttributeError):
            problems.append(Problem(record=name(body), message=_unread(body), index=index))
    links.sort(key=lambda link: (link.uid, link.sequence))
    for _, chained in groupby(links, key=lambda link: link.uid):
        problems.extend(_chain(list(chained)))
    return tuple(problems)


def name(body: Body) -> str:
    """Return the name of a record, empty where it has none."""
    metadata = body.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""


def _unread(body: Body) -> str:
    """Say what keeps a record from being read, and what helps."""
    again = "it was damaged or edited: export it again, or take it from a backup"
    if wrong := record_shape.of_record(body):
        return f"cannot be read: {wrong}; {again}"
    version = body["spec"]["digestVersion"]
    if version not in NAMED:
        newest = max(NAMED)
        return (
            f"cannot be read: spec.digestVersion is {version}, and this towline knows those from 1 to {newest}: upgrade"
            " it, if a newer Towline wrote the record"
        )
    return f"cannot be read: a digest cannot cover one of its values; {again}"


def _link(body: Body) -> _Link:
    spec, status = body["spec"], body.get("status") or {}
    return _Link(
        name=body["metadata"]["name"],
        uid=str(spec["repository"]["uid"]),
        sequence=int(spec["sequence"]),
        number=int(spec.get("part", {}).get("number", 1)),
        previous=spec.get("previous", ""),
        before=status.get("previous", ""),
        claimed=status.get("digest", ""),
        opened=opened(body),
        final=digest(body) if status else "",
    )


def _chain(links: list[_Link]) -> Iterator[Problem]:
    for link in links:
        if link.final != link.claimed:
            yield Problem(record=link.name, message="its digest is not that of its content")
        if (link.sequence == 1) == bool(link.previous):
            yield Problem(record=link.name, message="only the first record has none before it")
    for older, newer in pairwise(links):
        yield from _pair(older, newer)


def _pair(older: _Link, newer: _Link) -> Iterator[Problem]:
    if newer.sequence == older.sequence:
        yield Problem(record=newer.name, message=f"has the sequence of {older.name}")
    elif newer.sequence > older.sequence + 1:
        gone = range(older.sequence + 1, newer.sequence)
        yield Problem(record=newer.name, message=f"{told(gone)} before it are missing", gone=gone)
    elif newer.number > 1:
        if newer.previous != older.opened:
            yield Problem(record=newer.name, message=f"does not continue {older.name}")
        if newer.final and newer.before != older.final:
            yield Problem(record=newer.name, message=f"was closed after another {older.name}")
    elif not older.final:
        yield Problem(record=older.name, message=f"is still open, although {newer.name} follows it")
    elif newer.previous != older.final:
        yield Problem(record=newer.name, message=f"does not follow {older.name}: one of them was replaced")
