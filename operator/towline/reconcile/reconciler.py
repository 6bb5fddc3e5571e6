"""One pass of one repository, top to bottom: read it, tow or finalize, say what happened, and when to come again."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from towline import log
from towline.api.gitrepository import GitRepository
from towline.errors import ClusterError, Reason, TowlineError
from towline.kube.repositories import Repositories
from towline.metrics import Metrics
from towline.model import Body, Key, ObjectRef
from towline.reconcile import result
from towline.reconcile.attempt import Attempts
from towline.reconcile.dependencies import Dependencies
from towline.reconcile.finalize import Finalizer
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.state import Attempt, LastPass
from towline.records.ledger import Ledger
from towline.source.access import Remote
from towline.status import compute, drift_fields, health_condition, reasons, schedule
from towline.status.compute import PassResult
from towline.status.reasons import Again

_log = log.logger(__name__)

_REWRITES = 3
"""How often a status is computed anew because somebody changed the resource while it was written."""

_SECRET_SECONDS = 2.0
"""How often refused credentials are looked at, to see whether somebody has changed them; the server is not asked."""

_OBSERVE_SECONDS = 600.0
"""How often a plan under Observe has its dry run again although nothing that is watched has changed."""

_INTERVAL = 60.0
"""Seconds; for a resource whose own interval cannot be read."""


class Reconciler:
    """Runs passes, for all repositories.

    Args:
        tower: makes the attempts.
        finalizer: ends the repositories that are being deleted.
        neighbours: what all repositories declare.
        dependencies: who waits for whom to be ready.
        repositories: reads and writes the resources themselves.
        ledger: forgets, and deletes old records.
        metrics: counts.
        now: the current time, with its zone.
        clock: monotonic seconds.
        jitter: random numbers from 0 to 1.
    """

    def __init__(  # noqa: PLR0913  the doors, the clocks and chance
        self,
        *,
        attempts: Attempts,
        finalizer: Finalizer,
        neighbours: Neighbours,
        dependencies: Dependencies,
        repositories: Repositories,
        ledger: Ledger,
        metrics: Metrics,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._attempts = attempts
        self._finalizer = finalizer
        self._neighbours = neighbours
        self._dependencies = dependencies
        self._repositories = repositories
        self._ledger = ledger
        self._metrics = metrics
        self._now = now
        self._clock = clock
        self._jitter = jitter
        self._memories: dict[Key, LastPass] = {}

    async def once(self, key: Key) -> float | None:
        """Run one pass; return the seconds until the next, infinity where only a trigger asks for one.

        It is None where the resource is gone. An API server that cannot be asked about the resource itself is asked
        again, with a growing pause.
        """
        memory = self._memories.get(key, LastPass())
        try:
            repository = await self._repositories.read(key)
        except ClusterError as error:
            _log.warning("cannot read the resource", repository=str(key), error=error.message)
            return self._wait(key, memory, error.retry_after)
        if repository is None:
            self._forget(key)
            return None
        if memory.uid != repository.uid:
            memory = LastPass(uid=repository.uid)
        attempt = Attempt(repository=repository, memory=memory)
        with self._metrics.pass_seconds.time():
            passed = await self._outcome(attempt)
        if passed is None:
            self._forget(key)
            return None
        if passed.reason is not Reason.SUSPENDED:
            self._neighbours.tried(repository)
        drift = passed.drift if attempt.drift is None else attempt.drift
        own = passed.last_record if attempt.is_new else ""
        passed = replace(passed, drift=drift, last_record=own or attempt.record or passed.last_record)
        passed, due = self._remember(attempt, passed)
        if not repository.deleting:
            passed = await self._attempts.checked(attempt, passed)
        said = await self._tell(attempt, passed)
        if said is None:
            return 1.0
        await self._retain(repository)
        looks = (
            due,
            self._attempts.again(attempt),
            health_condition.next_look(said, passed.health, self._now()),
        )
        return min((look for look in looks if look is not None), default=math.inf)

    async def _outcome(self, attempt: Attempt) -> PassResult | None:
        """Tow, or finalize; what goes wrong is an outcome, too. None where the repository has ended."""
        step: Callable[[], Awaitable[PassResult | None]] = lambda: self._attempts.run(attempt)  # noqa: E731
        if attempt.repository.deleting:
            step = lambda: self._finalizer.finalize(attempt.repository)  # noqa: E731
        try:
            return await step()
        except TowlineError as error:
            return result.failed(attempt, error)
        except Exception:  # noqa: BLE001  a whole pass: a bug in one repository must not end the others
            _log.exception("a bug ended the pass", repository=str(attempt.repository.key))
            bug = TowlineError(
                Reason.INTERNAL_ERROR,
                "a bug in Towline: the operator's log has the traceback. Please report it",
            )
            return result.failed(attempt, bug)

    def _remember(self, attempt: Attempt, passed: PassResult) -> tuple[PassResult, float | None]:
        """Keep what saves work, and say when the next pass is."""
        memory = attempt.memory
        interval = attempt.spec.interval if attempt.spec else _INTERVAL
        failures, retry_at = memory.failures, memory.retry_at
        if attempt.is_new:
            failures = self._count(attempt, passed)
            refused = {failure.reason for failure in passed.failures or ()} or {passed.reason}
            retry = schedule.backoff(failures, self._jitter(), interval, refused)
            retry_at = self._clock() + (retry if failures else _rest(passed))
            passed = replace(passed, attempts=failures)
        self._memories[attempt.repository.key] = LastPass(
            uid=attempt.repository.uid,
            manual=attempt.manual,
            spec=attempt.spec,
            remote=attempt.remote or memory.remote,
            head=attempt.head or memory.head,
            looked_at=attempt.looked_at,
            revision=attempt.revision or memory.revision,
            desired=attempt.desired or memory.desired,
            swept=memory.swept if attempt.swept is None else attempt.swept,
            cause=attempt.cause,
            version=attempt.version,
            news=attempt.news,
            secret=attempt.secret,
            passed=passed,
            done=attempt.desired if passed.reason is Reason.SUCCEEDED else memory.done,
            failures=failures,
            retry_at=retry_at,
        )
        if passed.reason is Reason.PROGRESSING:
            return passed, passed.wait
        due = schedule.next_due(passed.reason, interval, max(retry_at - self._clock(), 0.0))
        if due and passed.reason in reasons.AUTHENTICATION and attempt.spec and attempt.spec.secret_name:
            due = min(due, _SECRET_SECONDS)
        return passed, due

    @staticmethod
    def _count(attempt: Attempt, passed: PassResult) -> int:
        """Count the tries in a row that ended this way; a change of spec or head begins anew."""
        refused = passed.reason is Reason.PLANNED and passed.failures
        if not refused and reasons.TABLE[passed.reason].again not in {Again.BACKOFF, Again.EITHER}:
            return 0
        before = attempt.memory.passed
        changed = attempt.memory.secret is not None and attempt.memory.secret != attempt.secret
        same = (
            before
            and not changed
            and (before.reason, before.generation, before.observed)
            == (
                passed.reason,
                passed.generation,
                passed.observed,
            )
        )
        return attempt.memory.failures + 1 if same and attempt.memory.manual == attempt.manual else 1

    async def _tell(self, attempt: Attempt, passed: PassResult) -> Body | None:
        """Write the status, if it says anything new, and tell people who watch; None where that must be repeated."""
        repository: GitRepository | None = attempt.repository
        try:
            for _ in range(_REWRITES):
                if repository is None or repository.uid != attempt.repository.uid:
                    return {}
                said = compute.compute(repository.status, passed, self._now())
                if await self._repositories.write_status(repository, said):
                    if said != repository.status:
                        self._dependencies.changed(repository.key)
                    await self._announce(repository, said, passed)
                    return said
                repository = await self._repositories.read(repository.key)
        except ClusterError as error:
            _log.warning(
                "cannot write the status", repository=str(attempt.repository.key), error=error.message
            )
        return None

    async def _announce(self, repository: GitRepository, said: Body, passed: PassResult) -> None:
        """One event for each sync, and one for each failure that was not there before."""
        key = repository.key
        before, after = _ready(repository.status), _ready(said)
        is_ready = after["status"] == "True"
        counts = said.get("objects") or {}
        self._metrics.passes.labels(*key, after["reason"]).inc()
        self._metrics.ready.labels(*key).set(is_ready)
        self._metrics.objects.labels(*key).set(counts.get("declared", 0))
        self._metrics.healthy.labels(*key).set(counts.get("healthy", 0))
        self._metrics.drifted.labels(*key).set(counts.get("drifted", 0))
        if news := drift_fields.news(repository.status, said):
            _log.warning("drifted", repository=str(key), message=news)
            await self._repositories.event(repository, "Warning", "Drifted", news)
        synced = said.get("lastRecord") != repository.status.get("lastRecord")
        if not synced and (before.get("reason"), before.get("message")) == (
            after["reason"],
            after["message"],
        ):
            return
        words = {"reason": after["reason"], "message": after["message"], "record": said.get("lastRecord", "")}
        if after["reason"] == Reason.PLANNED:
            _log.info("planned", repository=str(key), **words)
            await self._repositories.event(repository, "Normal", after["reason"], after["message"])
        elif synced and after["status"] != "False":
            _log.info("synced", repository=str(key), **words)
            await self._repositories.event(repository, "Normal", after["reason"], after["message"])
        elif after["status"] == "False" and passed.reason is not Reason.SUSPENDED:
            _log.warning("not ready", repository=str(key), **words)
            await self._repositories.event(repository, "Warning", after["reason"], after["message"])

    async def _retain(self, repository: GitRepository) -> None:
        try:
            await self._ledger.retain(repository.key, repository.uid, self._now())
        except ClusterError as error:
            _log.debug("old records were not deleted", repository=str(repository.key), error=error.message)

    def remotes(self) -> tuple[Remote, ...]:
        """Return every remote that a repository follows, reached or not."""
        return tuple(memory.remote for memory in self._memories.values() if memory.remote)

    async def verify(self, refs: Sequence[ObjectRef]) -> None:
        """Read objects whose metadata cannot tell whether they are as declared; a difference asks for a pass."""
        await self._attempts.verify(refs)

    def _wait(self, key: Key, memory: LastPass, at_least: float) -> float:
        self._memories[key] = replace(memory, failures=memory.failures + 1)
        reasons = {Reason.CLUSTER_UNAVAILABLE}
        return max(at_least, schedule.backoff(memory.failures + 1, self._jitter(), _INTERVAL / 2, reasons))

    def _forget(self, key: Key) -> None:
        self._neighbours.withdraw(key)
        self._dependencies.forget(key)
        self._attempts.forget(key)
        if memory := self._memories.pop(key, None):
            self._ledger.forget(memory.uid)
            self._metrics.forget(*key)


def _rest(passed: PassResult) -> float:
    """Return for how long an outcome needs no second look: nobody watches what a plan would adopt."""
    return _OBSERVE_SECONDS if passed.plan and passed.plan.entries else math.inf


def _ready(said: Body) -> Body:
    conditions = said.get("conditions") or ()
    return next((each for each in conditions if each.get("type") == "Ready"), {})
