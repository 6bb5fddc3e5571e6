"""The checkpoint of a chain of records as a frozen value: it stands in a status and in records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from towline.model import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What an operator has signed of a chain: up to which record it reaches, and what that record holds.

    Attributes:
        uid: that of the GitRepository.
        sequence: of the newest record when this was signed.
        digest: of that record, closed.
        time: when it was signed, RFC 3339 in UTC.
        trimmed: the sequences that retention deletes, as `1-7,9`; empty where there are none.
        key_id: which key has signed it.
        signature: Ed25519, base64.
    """

    uid: str
    sequence: int
    digest: str
    time: str
    trimmed: str
    key_id: str
    signature: str = ""


def body(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint as JSON, without empty fields."""
    found = {
        "uid": checkpoint.uid,
        "sequence": checkpoint.sequence,
        "digest": checkpoint.digest,
        "time": checkpoint.time,
        "trimmed": checkpoint.trimmed,
        "keyId": checkpoint.key_id,
        "signature": checkpoint.signature,
    }
    return {name: value for name, value in found.items() if value}


def parse(said: Body) -> Checkpoint:
    """Return the checkpoint that JSON holds.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    return Checkpoint(
        uid=str(said["uid"]),
        sequence=int(said["sequence"]),
        digest=str(said["digest"]),
        time=str(said["time"]),
        trimmed=str(said.get("trimmed", "")),
        key_id=str(said["keyId"]),
        signature=str(said["signature"]),
    )


def ranges(spans: Iterable[range]) -> str:
    """Return what some spans cover, in order: `1-7,9`."""
    runs: list[range] = []
    for span in sorted(filter(None, spans), key=lambda span: span.start):
        if runs and span.start <= runs[-1].stop:
            runs[-1] = range(runs[-1].start, max(runs[-1].stop, span.stop))
        else:
            runs.append(span)
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def spans(trimmed: str) -> tuple[range, ...]:
    """Return what `ranges` wrote.

    Raises:
        ValueError: it is something else.
    """
    found = []
    for run in filter(None, trimmed.split(",")):
        first, _, last = run.partition("-")
        found.append(range(int(first), int(last or first) + 1))
    return tuple(found)
