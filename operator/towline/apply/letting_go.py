"""Givers let go right before the write that takes what they have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from towline.api import labels
from towline.apply.objects import Objects, WriteContext, metadata
from towline.apply.outcomes import Steps
from towline.apply.prediction import Prediction
from towline.apply.removal import Prunes
from towline.fields import pointer
from towline.live.index import Index
from towline.model import Action, Body, Change, ObjectRef, Outcome, Result

_STAMPS = (labels.DIGEST, labels.COMMIT, labels.SOURCE)


class LettingGo:
    """The givers of one sync; `gone` are those that have let go.

    Args:
        objects: the API server's.
        index: is told what each write made of its object.
        sync: for whom.
        steps: of the writes that this is part of.
        prunes: deletes what is deleted.
    """

    def __init__(
        self, objects: Objects, index: Index, sync: WriteContext, steps: Steps, prunes: Prunes
    ) -> None:
        self._objects = objects
        self._index = index
        self._sync = sync
        self._steps = steps
        self._prunes = prunes
        self._first: dict[ObjectRef, Change] = {}
        self._aside: dict[ObjectRef, Prediction] = {}
        self.gone: set[ObjectRef] = set()

    def expect(self, predictions: Iterable[Prediction], first: Sequence[Change]) -> None:
        """Note which prunes come first, and which objects are set aside."""
        self._first = {change.ref: change for change in first}
        self._aside = {
            found.change.ref: found for found in predictions if found.hand_over and found.hand_over.aside
        }

    def wrote(self, ended: Iterable[Outcome]) -> None:
        """Note what was written: it has let go of what it no longer declares."""
        self.gone.update(outcome.change.ref for outcome in ended if outcome.result is Result.DONE)

    async def before(self, wave: Sequence[Prediction]) -> tuple[Outcome, ...]:
        """Let go what the objects of a wave take; return how the prunes among it ended."""
        wanted = frozenset[ObjectRef]().union(*(each.hand_over.givers for each in wave if each.hand_over))
        prunes = [self._first.pop(ref) for ref in sorted(wanted & self._first.keys())]
        ended = (await self._prunes.run(prunes)).outcomes if prunes else ()
        self.gone.update(
            outcome.change.ref
            for outcome in ended
            if outcome.result is Result.DONE
            and outcome.change.action is Action.PRUNE
            and outcome.live is None
        )
        for ref in sorted(wanted & self._aside.keys() - self.gone):
            self.wrote((await self._moved(self._aside.pop(ref)),))
        return ended

    def is_free(self, found: Prediction) -> bool:
        """Tell whether all that an object takes was let go."""
        return found.hand_over is None or found.hand_over.givers <= self.gone

    async def _moved(self, found: Prediction) -> Outcome:
        with self._index.writing(found.change.ref):
            return await self._steps.step(found.change, lambda: self._set_aside(found))

    async def _set_aside(self, found: Prediction) -> Outcome:
        """Apply an object but for what others take from it: the API server picks other values."""
        body = set_aside(found)
        answer = await self._objects.apply(body, found.change.ref, self._sync, force=True)
        live = self._index.record(found.change.ref, answer.body)
        return Outcome(change=found.change, result=Result.DONE, live=live)


def set_aside(found: Prediction) -> Body:
    """Return what to apply to an object so that the API server picks other node ports for it.

    A Service keeps the node port of a port that keeps its name, so the name changes with it. The stamps stay those of
    the content that was there before: whatever happens now, the object is not as declared yet.
    """
    body: dict[str, Any] = orjson.loads(orjson.dumps(found.body))
    for number, path in enumerate(found.hand_over.aside if found.hand_over else ()):
        item, _, _ = path.rpartition("/")
        port = pointer.follow(body, item)
        port.pop("nodePort", None)
        port["name"] = f"moving-{number}"
    stamped = body["metadata"]["annotations"]
    before = metadata(found.before or {"metadata": {}}).get("annotations") or {}
    for name in _STAMPS:
        stamped.pop(name, None)
        if name in before:
            stamped[name] = before[name]
    return body
