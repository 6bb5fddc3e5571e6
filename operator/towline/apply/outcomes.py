"""Run one step per change; collect refusals, and stop when the API server is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from towline.apply import faults
from towline.apply.objects import Objects, WriteContext
from towline.errors import ApiError, ClusterError, Failure, Refusal
from towline.kube import object_failures, refusals
from towline.model import Change, Outcome, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """How each change ended; `error` is set if the API server was gone, and later changes were not tried."""

    outcomes: tuple[Outcome, ...] = ()
    error: ClusterError | None = None

    @property
    def clean(self) -> bool:
        """Whether everything is done, so that the next step (the prunes) may follow."""
        return self.error is None and all(outcome.result is Result.DONE for outcome in self.outcomes)


class Steps:
    """The steps that writing, pruning and releasing share."""

    def __init__(self, objects: Objects, sync: WriteContext) -> None:
        self._objects = objects
        self._sync = sync
        self.error: ClusterError | None = None

    async def step(self, change: Change, act: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Do one step and return how it ended; without an answer it may or may not have happened."""
        if self.error:
            return not_tried(change)
        try:
            return await act()
        except ApiError as error:
            if refusals.concerns_all(error):
                self.error = error
            held = await faults.live_body(self._objects, change, error, self._sync)
            about = object_failures.subject(change, self._sync.commit_of(change), held)
            return failed(change, await faults.told(error, about, self._sync))
        except ClusterError as error:
            self.error = error
            about = object_failures.subject(change, self._sync.commit_of(change))
            return failed(change, (object_failures.failure(about, Refusal.SERVER_ERROR, error.message),))

    def written(self, outcomes: Iterable[Outcome]) -> WriteResult:
        """Return the whole result."""
        return WriteResult(outcomes=tuple(outcomes), error=self.error)


def failed(change: Change, failures: tuple[Failure, ...]) -> Outcome:
    """Return the outcome of a refused change, with all its failures."""
    return Outcome(change=change, result=Result.FAILED, failures=failures)


def not_tried(change: Change) -> Outcome:
    """Return the outcome of a change that was left for the next pass."""
    return Outcome(change=change, result=Result.NOT_TRIED)
