"""Export the records of a period: a line that says what must be there, and a line for each record, as it is stored.

The first line binds what follows: the number of records, and for each repository the first and the last of them, the
digest that the first one continues, and that of the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from towline.api.syncrecord import API_VERSION
from towline.model import Body
from towline.records import chain, record_shape
from towline.records.record_shape import WantedField

KIND = "SyncRecordExport"
NO_CHECKPOINTS: Mapping[str, Body] = MappingProxyType({})


_NUMBER = ("a whole number", (int,))
_TEXT = ("a string", (str,))
_TEXT_OR_NULL = ("a string or null", (str, type(None)))
_HEADER = (
    WantedField("from", *_TEXT_OR_NULL),
    WantedField("to", *_TEXT_OR_NULL),
    WantedField("records", *_NUMBER),
    WantedField("chains", "a list", (list,)),
)
_SPAN = (
    *(WantedField(name, *_TEXT) for name in ("namespace", "name", "uid")),
    *(WantedField(name, *_NUMBER) for name in ("first", "last")),
    *(WantedField(name, *_TEXT_OR_NULL) for name in ("previous", "digest")),
    WantedField("gaps", "a list", (list,)),
    WantedField("checkpoint", "a map", (dict,), is_optional=True),
)


class Period(NamedTuple):
    """A span of time, as records write times: `begin` belongs to it, `end` does not; an empty one has no limit."""

    begin: str = ""
    end: str = ""

    def holds(self, moment: str) -> bool:
        """Say whether a time is in it."""
        return self.begin <= moment and (not self.end or moment < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSpan:
    """The records of one repository in an export.

    `previous` is the digest of the record before `first`, empty where there is none; `digest` is that of the last one,
    empty while it is open. `gaps` are the sequences, from and to, that the cluster had no longer. `checkpoint` is the
    newest one that the status of the repository had, if it signs one of these records; empty where it does not.
    """

    namespace: str
    name: str
    uid: str
    first: int
    last: int
    previous: str
    digest: str
    gaps: tuple[tuple[int, int], ...] = ()
    checkpoint: Body = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportHeader:
    """The first line of an export."""

    period: Period
    chains: tuple[ChainSpan, ...]
    records: int


def export(
    bodies: Iterable[Body], period: Period, checkpoints: Mapping[str, Body] = NO_CHECKPOINTS
) -> tuple[ExportHeader, tuple[Body, ...]]:
    """Return the records of a period, those of each repository in the order of their sequences, and their header.

    A record between two of the period belongs to it, too: clocks are set back, chains are not.

    Args:
        bodies: records as the API server has them.
        period: when they were opened.
        checkpoints: the newest one for the uid of each repository, as its status has it.
    """
    chains: dict[str, list[Body]] = {}
    for body in bodies:
        chains.setdefault(body["spec"]["repository"]["uid"], []).append(body)
    spans: list[ChainSpan] = []
    chosen: list[Body] = []
    for found in sorted(chains.values(), key=_subject):
        ordered = sorted(found, key=sequence)
        inside = [index for index, body in enumerate(ordered) if period.holds(body["spec"]["startedAt"])]
        if inside:
            kept = ordered[inside[0] : inside[-1] + 1]
            spans.append(_signed(_span(kept), checkpoints))
            chosen += kept
    return ExportHeader(period=period, chains=tuple(spans), records=len(chosen)), tuple(map(_plain, chosen))


def sequence(body: Body) -> int:
    """Return the place of a record in its chain."""
    return int(body["spec"]["sequence"])


def header_body(header: ExportHeader) -> dict[str, Any]:
    """Return the first line as JSON."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "from": header.period.begin or None,
        "to": header.period.end or None,
        "records": header.records,
        "chains": [_span_body(span) for span in header.chains],
    }


def header_from(body: Body) -> ExportHeader:
    """Read the first line.

    Raises:
        KeyError: a field is absent.
        TypeError: a field has the wrong type.
        ValueError: a field has a wrong value.
    """
    return ExportHeader(
        period=Period(body["from"] or "", body["to"] or ""),
        chains=tuple(_span_from(span) for span in body["chains"]),
        records=int(body["records"]),
    )


def wrong_field(body: Body) -> str:
    """Say which field keeps the first line from being read."""
    if wrong := record_shape.first_wrong(body, _HEADER):
        return wrong
    for index, span in enumerate(body["chains"]):
        if wrong := record_shape.first_wrong(span, _SPAN):
            return (
                f"chains[{index}].{wrong}" if isinstance(span, Mapping) else f"chains[{index}] must be a map"
            )
    return "chains[].gaps must be pairs of whole numbers"


def _subject(bodies: Sequence[Body]) -> tuple[str, str, str]:
    repository = bodies[0]["spec"]["repository"]
    return repository["namespace"], repository["name"], bodies[0]["spec"]["startedAt"]


def _span(kept: Sequence[Body]) -> ChainSpan:
    repository, first, last = kept[0]["spec"]["repository"], sequence(kept[0]), sequence(kept[-1])
    numbers = [sequence(body) for body in kept]
    gaps = [(older + 1, newer - 1) for older, newer in pairwise(numbers) if newer > older + 1]
    return ChainSpan(
        namespace=repository["namespace"],
        name=repository["name"],
        uid=repository["uid"],
        first=first,
        last=last,
        previous=kept[0]["spec"].get("previous", ""),
        digest=(kept[-1].get("status") or {}).get("digest", ""),
        gaps=tuple(gaps),
    )


def _signed(span: ChainSpan, checkpoints: Mapping[str, Body]) -> ChainSpan:
    """Add the checkpoint of a repository to its records; one of later records would call these missing."""
    found = checkpoints.get(span.uid, {})
    number = found.get("sequence")
    holds = isinstance(number, int) and span.first <= number <= span.last
    return replace(span, checkpoint=found) if holds else span


def _plain(body: Body) -> Body:
    """Return a record without what only the API server needs."""
    metadata = body["metadata"]
    named = {field: metadata[field] for field in ("namespace", "name", "uid") if field in metadata}
    places: Mapping[str, Any] = {place: body[place] for place in ("spec", "status") if body.get(place)}
    return {"apiVersion": API_VERSION, "kind": "SyncRecord", "metadata": named, **places}


def _span_body(span: ChainSpan) -> dict[str, Any]:
    return {
        "namespace": span.namespace,
        "name": span.name,
        "uid": span.uid,
        "first": span.first,
        "last": span.last,
        "previous": span.previous or None,
        "digest": span.digest or None,
        "gaps": [list(gap) for gap in span.gaps],
        "checkpoint": dict(span.checkpoint) or None,
    }


def _span_from(body: Body) -> ChainSpan:
    return ChainSpan(
        namespace=str(body["namespace"]),
        name=str(body["name"]),
        uid=str(body["uid"]),
        first=int(body["first"]),
        last=int(body["last"]),
        previous=body["previous"] or "",
        digest=body["digest"] or "",
        gaps=tuple((int(begin), int(end)) for begin, end in body["gaps"]),
        checkpoint=body.get("checkpoint") or {},
    )


def checkpoints_of(header: Body) -> tuple[Body, ...]:
    """Return the checkpoints that the first line of an export holds; none where it is malformed."""
    try:
        return tuple(span.checkpoint for span in header_from(header).chains if span.checkpoint)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def digest_of(body: Body) -> str:
    """Return the digest that a record has by its content; empty for one that cannot be read."""
    try:
        return chain.digest(body)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""
