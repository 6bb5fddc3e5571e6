"""Checkpoints that stand elsewhere than in records: in the log of an operator, or in the status of repositories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from towline.model import Body
from towline.records import signed_chain, signing
from towline.records.signed_chain import Verdict

_LOGGED = "checkpoint"
"""The event of lines of the log that hold one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCheckpoints:
    """The checkpoints to compare records with, besides those that records hold, and the keys that are trusted."""

    told: tuple[Any, ...] = ()
    keys: frozenset[str] = frozenset()

    def of_statuses(self, statuses: Sequence[Body]) -> KeptCheckpoints:
        """Return these with what statuses say; their keys are trusted where no other one was named."""
        found = [each["checkpoint"] for each in statuses if isinstance(each.get("checkpoint"), Mapping)]
        named = {key for each in found if signing.is_key(key := each.get("publicKey"))}
        return KeptCheckpoints(told=(*self.told, *found), keys=self.keys or frozenset(named))

    def verdict(self, records: Sequence[Body]) -> Verdict:
        """Compare records with them."""
        return signed_chain.verify(records, self.told, self.keys)


def read(content: bytes) -> tuple[Any, ...]:
    """Return the checkpoints of a file: the lines of a log that hold one, or those of GitRepositories as JSON."""
    return tuple(_checkpoints(content))


def _checkpoints(content: bytes) -> Iterator[Any]:
    for item in _items(content):
        if item.get("event") == _LOGGED:
            yield item
        status = item.get("status")
        if isinstance(status, Mapping) and "checkpoint" in status:
            yield status["checkpoint"]


def _items(content: bytes) -> Iterator[Body]:
    """Yield the objects of a list, or of lines; a log may hold lines that are no JSON, as those of the interpreter."""
    with suppress(orjson.JSONDecodeError):
        found = orjson.loads(content)
        items = found.get("items", [found]) if isinstance(found, dict) else found
        yield from (item for item in items if isinstance(item, dict)) if isinstance(items, list) else ()
        return
    for line in content.splitlines():
        with suppress(orjson.JSONDecodeError):
            item = orjson.loads(line)
            if isinstance(item, dict):
                yield item
