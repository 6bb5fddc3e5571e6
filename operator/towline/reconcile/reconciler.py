"""One pass of one repository, top to bottom: read, attempt or finalize, say what happened, and when to come again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from towline import log
from towline.errors import ClusterError, Reason
from towline.kube.repositories import Repositories
from towline.metrics import Metrics
from towline.model import Key
from towline.reconcile import result
from towline.reconcile.attempt import Attempts
from towline.reconcile.checkup import Checkups
from towline.reconcile.finalize import Finalizer
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.report import Reporter
from towline.reconcile.state import Attempt, Finalized, LastPass, Reached, Start
from towline.status import reasons, schedule
from towline.status.compute import PassResult
from towline.status.reasons import Again

_log = log.logger(__name__)

_SECRET_SECONDS = 2.0
"""How often to check whether refused credentials or keys have changed; the Git server is not asked."""

_OBSERVE_SECONDS = 600.0
"""How often a plan under Observe has its dry run again although nothing that is watched has changed."""

_INTERVAL = 60.0
"""Seconds; for a resource whose own interval cannot be read."""

_SOON = 1.0
"""Seconds until a pass is repeated whose status could not be written."""


class Reconciler:
    """Runs passes, for all repositories.

    Args:
        repositories: reads the resources.
        attempts: bring the cluster to what Git says.
        finalizer: ends the repositories that are being deleted.
        checkups: say how objects are.
        neighbours: what all repositories declare.
        reporter: tells of passes.
        passes: what the last ones left.
        metrics: counts.
        forget: is called with the key and the uid of a repository that is gone.
    """

    def __init__(  # noqa: PLR0913  the parts of a pass
        self,
        *,
        repositories: Repositories,
        attempts: Attempts,
        finalizer: Finalizer,
        checkups: Checkups,
        neighbours: Neighbours,
        reporter: Reporter,
        passes: LastPasses,
        metrics: Metrics,
        forget: Callable[[Key, str], None],
    ) -> None:
        self._repositories = repositories
        self._attempts = attempts
        self._finalizer = finalizer
        self._checkups = checkups
        self._neighbours = neighbours
        self._reporter = reporter
        self._passes = passes
        self._metrics = metrics
        self._forget = forget

    async def once(self, key: Key) -> float | None:
        """Run one pass; return the seconds until the next, infinity where only a trigger asks for one.

        It is None where the resource is gone. An API server that cannot be asked about the resource itself is asked
        again, with a growing pause.
        """
        try:
            repository = await self._repositories.read(key)
        except ClusterError as error:
            _log.warning("cannot read the resource", repository=str(key), error=error.message)
            return self._passes.unread(key, error.retry_after)
        if repository is None:
            self._gone(key)
            return None
        last = self._passes.last(key, repository.uid)
        start = Start(repository=repository, last=last, news=self._neighbours.news(key))
        with self._metrics.pass_seconds.time():
            attempt = await (self._finalized if repository.deleting else self._attempts.run)(start)
        if attempt is None:
            self._gone(key)
            return None
        if attempt.passed.reason is not Reason.SUSPENDED:
            self._neighbours.tried(repository)
        passed, due = self._passes.keep(start, attempt)
        if not repository.deleting:
            desired = attempt.reached.desired or last.desired
            fetched = attempt.reached.fetched or last.fetched
            passed = await self._checkups.checked(repository.label, desired, passed, fetched)
        await self._reporter.ignored(attempt.repository, attempt.reached.desired, last.desired)
        await self._reporter.set_back(attempt.repository, attempt.ended)
        look = await self._reporter.report(attempt.repository, passed, repository.status)
        if look is None:
            return _SOON
        return min(each for each in (due, attempt.again, look) if each is not None)

    async def _finalized(self, start: Start) -> Attempt | None:
        """Finalize; what goes wrong is an outcome, too. None where the repository has ended."""
        repository = start.repository
        try:
            passed = await self._finalizer.finalize(repository)
            if isinstance(passed, Finalized):
                await self._reporter.ended(repository, passed)
                return None
        except Exception as error:  # noqa: BLE001  a whole pass: a bug in one repository must not end the others
            passed = result.failed(repository, Reached(), result.told(error, repository.key))
        return Attempt(repository=repository, passed=passed)

    def _gone(self, key: Key) -> None:
        self._forget(key, self._passes.forget(key))


class LastPasses:
    """What the last pass of each repository left behind, and when the next one is due.

    Args:
        clock: monotonic seconds.
        jitter: random numbers from 0 to 1.
    """

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._kept: dict[Key, LastPass] = {}

    def last(self, key: Key, uid: str) -> LastPass:
        """Return what the last pass of this very resource left."""
        last = self._kept.get(key, LastPass())
        return last if last.uid == uid else LastPass(uid=uid)

    def unread(self, key: Key, at_least: float) -> float:
        """Count a pass that could not read its resource; return the seconds until the next try."""
        last = self._kept.get(key, LastPass())
        self._kept[key] = last = replace(last, failures=last.failures + 1)
        refused = {Reason.CLUSTER_UNAVAILABLE}
        return max(at_least, schedule.backoff(last.failures, self._jitter(), _INTERVAL / 2, refused))

    def forget(self, key: Key) -> str:
        """Forget a repository that is gone; return the uid that it had, empty where it had no pass."""
        last = self._kept.pop(key, None)
        return last.uid if last else ""

    def keep(self, start: Start, attempt: Attempt) -> tuple[PassResult, float | None]:
        """Keep what saves work; return the result as it is told, and the seconds until the next pass."""
        last, reached = start.last, attempt.reached
        interval = reached.spec.interval if reached.spec else _INTERVAL
        passed, retry_at = _told(start, attempt), last.retry_at
        if attempt.is_new:
            refused = {failure.reason for failure in passed.failures or ()} or {passed.reason}
            is_costly = passed.is_costly
            retry = schedule.backoff(passed.attempts, self._jitter(), interval, refused, is_costly=is_costly)
            passed = replace(passed, retry=retry if passed.attempts else 0.0)
            retry_at = self._clock() + (retry if passed.attempts else _rest(passed))
        self._kept[start.repository.key] = LastPass(
            uid=start.repository.uid,
            manual=start.manual,
            news=start.news,
            secret=reached.secret,
            spec=reached.spec,
            head=reached.head or last.head,
            looked_at=reached.fetched.head.seen_at if reached.fetched else -math.inf,
            fetched=reached.fetched or last.fetched,
            desired=reached.desired or last.desired,
            swept=reached.visible.swept if reached.visible else last.swept,
            grounds=reached.grounds,
            passed=passed,
            done=reached.desired if passed.reason is Reason.SUCCEEDED else last.done,
            done_at=reached.fetched if passed.reason is Reason.SUCCEEDED else last.done_at,
            failures=passed.attempts if attempt.is_new else last.failures,
            retry_at=retry_at,
        )
        if passed.reason is Reason.PROGRESSING:
            return passed, passed.wait
        retry = max(retry_at - self._clock(), 0.0)
        due = schedule.next_due(passed.reason, interval, retry, is_costly=passed.is_costly)
        if due and _waits_for_secret(passed, reached):
            due = min(due, _SECRET_SECONDS)
        return passed, schedule.before_the_end(due, start.repository)


def _waits_for_secret(passed: PassResult, reached: Reached) -> bool:
    """Tell whether a changed Secret may end what a pass has ended with."""
    if passed.reason in reasons.AUTHENTICATION:
        return bool(reached.spec and reached.spec.secret_name)
    found = reached.fetched.verification if reached.fetched else None
    return found is not None and not found.is_trusted


def _told(start: Start, attempt: Attempt) -> PassResult:
    """Return the result of a pass with the drift that was found, the newest record, and the tries in a row."""
    passed = attempt.passed
    own = passed.last_record if attempt.is_new else ""
    return replace(
        passed,
        drift=passed.drift if attempt.drift is None else attempt.drift,
        last_record=own or attempt.record or passed.last_record,
        attempts=_tries(start, attempt) if attempt.is_new else passed.attempts,
        handled="" if passed.reason is Reason.SUSPENDED else start.manual,
    )


def _tries(start: Start, attempt: Attempt) -> int:
    """Count the tries in a row that ended this way; a change of spec, Secret or head begins anew."""
    last, passed = start.last, attempt.passed
    refused = passed.reason is Reason.PLANNED and passed.failures
    if not refused and reasons.TABLE[passed.reason].again not in {Again.BACKOFF, Again.EITHER}:
        return 0
    is_other_secret = last.secret is not None and last.secret != attempt.reached.secret
    if last.passed is None or is_other_secret or start.is_asked_for:
        return 1
    before = (last.passed.reason, last.passed.generation, last.passed.observed)
    return last.failures + 1 if before == (passed.reason, passed.generation, passed.observed) else 1


def _rest(passed: PassResult) -> float:
    """Return for how long an outcome needs no second look: objects that a plan would adopt are not watched."""
    return _OBSERVE_SECONDS if passed.plan and passed.plan.entries else math.inf
