"""Check records: each by itself, the chain of them, and an export as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from towline.api.syncrecord import RecordedRepository
from towline.model import Body
from towline.read.evidence import record_export
from towline.read.evidence.record_export import ChainSpan, ExportHeader
from towline.records import chain, opening
from towline.records.chain import Problem
from towline.records.signed_chain import Verdict

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


def check(bodies: Sequence[Body], signed: Verdict | None = None) -> tuple[Problem, ...]:
    """Return what is wrong with records, in any order; those before the oldest are missed only where one is signed.

    Each record must have the name that belongs to its content, as digests do not cover names.

    Args:
        bodies: records.
        signed: what a comparison of them with checkpoints found.
    """
    return (*(signed.problems if signed else chain.verify(bodies)), *_names(bodies))


def check_export(header: Body, bodies: Sequence[Body], signed: Verdict | None = None) -> tuple[Problem, ...]:
    """Return what is wrong with an export: with its records, and with what its first line says of them.

    Args:
        header: the first line.
        bodies: the records, in the order of the lines.
        signed: what a comparison of them with checkpoints found.
    """
    try:
        said = record_export.header_from(header)
    except _MALFORMED:
        wrong = record_export.wrong_field(header)
        told = f"the first line of the export cannot be read: {wrong}; it was damaged or edited: export again"
        return Problem(record="", message=told), *check(bodies, signed)
    problems = [problem for problem in check(bodies, signed) if not problem.missing]
    return (*problems, *_disorder(bodies), *_whole(said, bodies))


def check_newest(bodies: Iterable[Body], newest: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return which repositories lack the newest record, by what their status says.

    Args:
        bodies: records.
        newest: the name of the newest record for the uid of each repository.
    """
    names = {chain.name(body) for body in bodies}
    missing = (name for name in newest.values() if name and name not in names)
    return tuple(
        Problem(
            record=name, message="the status of its repository names it as the newest, and it is not there"
        )
        for name in missing
    )


def _whole(said: ExportHeader, bodies: Sequence[Body]) -> Iterator[Problem]:
    chains: dict[str, list[Body]] = {span.uid: [] for span in said.chains}
    for body in bodies:
        uid = _uid(body)
        if uid in chains:
            chains[uid].append(body)
        else:
            yield Problem(
                record=chain.name(body), message="the first line of the export knows no such repository"
            )
    for span in said.chains:
        yield from _ends(span, chains[span.uid])
    if said.records != len(bodies):
        told = f"the export must hold {said.records} records by its first line, and holds {len(bodies)}"
        yield Problem(record="", message=told)


def _ends(span: ChainSpan, bodies: Sequence[Body]) -> Iterator[Problem]:
    found = {number: body for body in bodies if (number := _sequence(body)) is not None}
    for begin, end in _missing(span, found):
        name = f"{span.namespace}/{span.name}"
        yield Problem(record=name, message=f"the records {begin} to {end} were taken out of the export")
    for number, body in found.items():
        is_in_gap = any(begin <= number <= end for begin, end in span.gaps)
        if not span.first <= number <= span.last or is_in_gap:
            yield Problem(
                record=chain.name(body),
                message="was put into the export: its first line knows of no such record",
            )
    first, last = found.get(span.first), found.get(span.last)
    if first and (first["spec"].get("previous") or "") != span.previous:
        yield Problem(
            record=chain.name(first), message="does not continue the record that was before the export"
        )
    if last and record_export.digest_of(last) != span.digest and span.digest:
        yield Problem(record=chain.name(last), message="is not the record that the export ended with")


def _disorder(bodies: Sequence[Body]) -> Iterator[Problem]:
    newest: dict[str, tuple[int, str]] = {}
    for body in bodies:
        uid, number = _uid(body), _sequence(body)
        if number is None:
            continue
        before, name = newest.get(uid, (0, ""))
        if number < before:
            yield Problem(record=chain.name(body), message=f"is out of order: it was moved behind {name}")
        else:
            newest[uid] = (number, chain.name(body))


def _names(bodies: Iterable[Body]) -> Iterator[Problem]:
    for body in bodies:
        try:
            subject = RecordedRepository(**body["spec"]["repository"])
            wanted = opening.name(subject, int(body["spec"]["sequence"]))
        except _MALFORMED:
            continue  # which the chain names
        if chain.name(body) != wanted:
            yield Problem(record=chain.name(body), message=f"was renamed: by its content it is {wanted}")


def _missing(span: ChainSpan, found: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the sequences, from and to, that a chain must have and are neither there nor in a gap.

    Nothing is counted one by one: an edited first line may name any numbers.
    """
    covered = sorted([*span.gaps, *((number, number) for number in found)])
    begin = span.first
    for first, last in covered:
        if begin < first and begin <= span.last:
            yield begin, min(first - 1, span.last)
        begin = max(begin, last + 1)
    if begin <= span.last:
        yield begin, span.last


def _uid(body: Body) -> str:
    try:
        return str(body["spec"]["repository"]["uid"])
    except _MALFORMED:
        return ""


def _sequence(body: Body) -> int | None:
    try:
        return record_export.sequence(body)
    except _MALFORMED:
        return None
