"""Check records against checkpoints: what was cut off, exchanged as a whole, or not deleted by retention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.api import checkpoint
from towline.api.checkpoint import Checkpoint
from towline.model import Body
from towline.records import chain, signing
from towline.records.chain import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong with records, and how many checkpoints were checked; the others name a key that is not known."""

    problems: tuple[Problem, ...]
    checked: int = 0
    unchecked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A checkpoint, and the record or other place that holds it."""

    place: str
    said: Any


def verify(records: Sequence[Body], told: Iterable[Any] = (), keys: Collection[str] = ()) -> Verdict:
    """Check records of any number of repositories, in any order.

    Args:
        records: as JSON.
        told: checkpoints that were kept elsewhere, as JSON: of a status, or of lines of the log. One that names its
            public key is believed only if that key is among `keys`.
        keys: the public keys that are trusted, base64.

    Raises:
        ValueError: a key is none.
    """
    names = {signing.key_id(key): key for key in keys}
    problems = list(chain.verify(records))
    signed: dict[str, list[Checkpoint]] = defaultdict(list)
    unchecked = 0
    for found in (
        *_held(records),
        *(_Found(place="a checkpoint that was given", said=each) for each in told),
    ):
        made = _parsed(found.said)
        if made is None:
            problems.append(Problem(record=found.place, message="its checkpoint cannot be read"))
        elif made.key_id not in names:
            unchecked += 1
        elif not signing.is_signed(made, names[made.key_id]):
            problems.append(Problem(record=found.place, message="its checkpoint is forged: nobody signed it"))
        else:
            signed[made.uid].append(made)
    by_uid = _by_uid(records)
    for uid, each in signed.items():
        problems.extend(_compared(uid, by_uid.get(uid, {}), each))
    spans = {uid: _spans(each) for uid, each in signed.items()}
    uids = {chain.name(body): uid for uid, bodies in by_uid.items() for body in bodies.values()}
    left = [each for each in problems if not _is_trimmed(each, spans.get(uids.get(each.record, ""), ()))]
    return Verdict(problems=tuple(left), checked=sum(map(len, signed.values())), unchecked=unchecked)


def _held(records: Iterable[Body]) -> Iterator[_Found]:
    for body in records:
        spec = body.get("spec")
        if isinstance(spec, Mapping) and "checkpoint" in spec:
            yield _Found(place=chain.name(body), said=spec["checkpoint"])


def _parsed(said: Any) -> Checkpoint | None:
    try:
        made = checkpoint.parse(said)
        checkpoint.spans(made.trimmed)
    except (KeyError, TypeError, ValueError):
        return None
    return made


def _by_uid(records: Iterable[Body]) -> dict[str, dict[int, Body]]:
    """Return the records that can be read, by the uid of their repository and their sequence."""
    found: dict[str, dict[int, Body]] = defaultdict(dict)
    for body in records:
        try:
            found[str(body["spec"]["repository"]["uid"])][int(body["spec"]["sequence"])] = body
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _compared(uid: str, records: Mapping[int, Body], signed: Sequence[Checkpoint]) -> Iterator[Problem]:
    last = max(records, default=0)
    farthest = max(signed, key=lambda each: each.sequence)
    if farthest.sequence > last:
        cut = chain.told(range(last + 1, farthest.sequence + 1))
        what = chain.name(records[last]) if last else f"the GitRepository with the uid {uid}"
        yield Problem(record=what, message=f"{cut} after it are missing: they were signed at {farthest.time}")
    for each in signed:
        body = records.get(each.sequence)
        if body is not None and _claimed(body) != each.digest:
            yield Problem(
                record=chain.name(body), message=f"it is not the record that was signed at {each.time}"
            )
    first = min(records, default=1)
    if first > 1:
        gone = range(1, first)
        yield Problem(
            record=chain.name(records[first]), message=f"{chain.told(gone)} before it are missing", gone=gone
        )


def _claimed(body: Body) -> Any:
    status = body.get("status")
    return status.get("digest") if isinstance(status, Mapping) else None


def _spans(signed: Iterable[Checkpoint]) -> list[range]:
    return [span for each in signed for span in checkpoint.spans(each.trimmed)]


def _is_trimmed(problem: Problem, spans: Collection[range]) -> bool:
    """Say whether spans cover all that is missing; whoever edits a record can make that very much."""
    reached = problem.gone.start
    for span in sorted(spans, key=lambda span: span.start):
        if span.start <= reached < span.stop:
            reached = span.stop
    return problem.missing and reached >= problem.gone.stop
