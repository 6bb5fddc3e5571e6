"""The newest checkpoint of each chain of records: signed when a record is closed, told where it outlives the records.

A checkpoint stands in the status of the GitRepository, after every `EVERY` records and on a clean stop in the log, and
then in the next record. So whoever kept any one of these sees that newer records were cut off. What retention deletes
is named by a checkpoint first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from towline import log, text
from towline.api import checkpoint
from towline.api.checkpoint import Checkpoint
from towline.model import Body
from towline.records import signing
from towline.records.newest import NewestSync
from towline.records.signing import CheckpointKey

EVERY = 100
"""After so many records a checkpoint goes to the log and into the next record."""

_log = log.logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Chain:
    """What is known of one chain: its newest checkpoint, and up to which record one is in the log and in a record."""

    newest: Checkpoint
    told: int = 0
    is_due: bool = True


class Checkpoints:
    """The checkpoints of all repositories.

    Args:
        key: signs them.
        now: the current time, with its zone.
    """

    def __init__(self, key: CheckpointKey, now: Callable[[], datetime]) -> None:
        self._key = key
        self._now = now
        self._chains: dict[str, _Chain] = {}

    def newest(self, uid: str, status: Body) -> Body | None:
        """Return what the status of a repository is to say; None where no record was closed in this process.

        Args:
            uid: of the repository.
            status: as it is; what its checkpoint names as deleted, the next one names, too.
        """
        known = self._chains.get(uid)
        if known is None:
            return None
        if status.get("checkpoint") == (made := self._said(known.newest)):
            return made
        kept = checkpoint.spans(known.newest.trimmed)
        trimmed = checkpoint.ranges((*kept, *self.trimmed(status, uid)))
        if trimmed != known.newest.trimmed:
            known.newest = self._signed(uid, known.newest.sequence, known.newest.digest, trimmed)
        return self._said(known.newest)

    def closed(self, uid: str, last: NewestSync) -> None:
        """Sign that a record is closed."""
        known = self._chains.get(uid)
        made = self._signed(uid, last.sequence, last.digest, known.newest.trimmed if known else "")
        if known is None or last.sequence < known.told:
            self._chains[uid] = _Chain(newest=made, told=_milestone(last), is_due=False)
            return
        known.newest, known.is_due = made, last.sequence >= known.told + EVERY
        if known.is_due:
            known.told = _milestone(last)
            self._tell(made)

    def for_record(self, uid: str, last: NewestSync | None) -> Checkpoint | None:
        """Return what the next record is to hold, if anything: the first of a process, and each after `EVERY`."""
        if last is None or not last.digest:
            return None
        known = self._chains.get(uid)
        if known is None:
            return self._signed(uid, last.sequence, last.digest, "")
        return known.newest if known.is_due else None

    def trimmed(self, status: Body, uid: str) -> tuple[range, ...]:
        """Return the sequences that a checkpoint in a status, if it is ours, names as deleted by retention."""
        said = status.get("checkpoint")
        try:
            found = checkpoint.parse(said) if isinstance(said, Mapping) else None
            if found and found.uid == uid and signing.is_signed(found, self._key.public):
                return checkpoint.spans(found.trimmed)
        except (KeyError, TypeError, ValueError):
            pass
        return ()

    def fold(self, uid: str, last: NewestSync, spans: Collection[range], gone: Collection[int]) -> None:
        """Sign that retention deletes some more records: the status and the next record are to say so before."""
        trimmed = checkpoint.ranges((*spans, *(range(number, number + 1) for number in gone)))
        made = self._signed(uid, last.sequence, last.digest, trimmed)
        self._chains[uid] = _Chain(newest=made, told=_milestone(last))
        self._tell(made)

    def stop(self) -> None:
        """Write the newest checkpoints to the log: the operator ends."""
        for known in self._chains.values():
            if known.newest.sequence > known.told:
                known.told = known.newest.sequence
                self._tell(known.newest)

    def forget(self, uid: str) -> None:
        """Forget a repository that is gone; its last checkpoint goes to the log."""
        known = self._chains.pop(uid, None)
        if known:
            self._tell(known.newest)

    def _said(self, made: Checkpoint) -> Body:
        return {**checkpoint.body(made), "publicKey": self._key.public}

    def _signed(self, uid: str, sequence: int, digest: str, trimmed: str) -> Checkpoint:
        return self._key.signed(
            uid=uid,
            sequence=sequence,
            digest=digest,
            time=text.timestamp(self._now()),
            trimmed=trimmed,
        )

    def _tell(self, made: Checkpoint) -> None:
        _log.info(
            "checkpoint",
            uid=made.uid,
            sequence=made.sequence,
            digest=made.digest,
            time=made.time,
            trimmed=made.trimmed,
            keyId=made.key_id,
            signature=made.signature,
            publicKey=self._key.public,
        )


def _milestone(last: NewestSync) -> int:
    return last.sequence - last.sequence % EVERY
