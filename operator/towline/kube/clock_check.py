"""Tell whether the wall clock can be believed: it agrees with the API server's, and nobody has just set it.

A clock that was set is found by the monotonic one, which nobody sets. That helps where the operator and the API server
share a host and its clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from towline import log

_log = log.logger(__name__)

BOUND = timedelta(minutes=5)
"""How far two clocks may be apart; more is no matter of slow networks."""

STEADY_SECONDS = 3600.0
"""For how long nobody may have set the clock; most are set right soon after their host has started."""


class ClockCheck:
    """Checks one wall clock.

    Args:
        now: the current time by that clock, with its zone.
        clock: monotonic seconds.
        server: the `Date` of the API server's newest answer, empty before the first, and when it came by `clock`.
    """

    def __init__(
        self, now: Callable[[], datetime], clock: Callable[[], float], server: Callable[[], tuple[str, float]]
    ) -> None:
        self._now = now
        self._clock = clock
        self._server = server
        self._base = (now(), clock())
        self._set_at = clock()
        self._differs = False

    def __call__(self) -> datetime | None:
        """Return the current time, None where the clock cannot be believed."""
        now, agrees = self._now(), self._agrees()
        is_steady = self._steady_seconds(now) >= STEADY_SECONDS
        return now if agrees and is_steady else None

    def agreed(self) -> datetime | None:
        """Return the current time, None where the API server's clock tells another one."""
        return self._now() if self._agrees() else None

    def _agrees(self) -> bool:
        """Compare with the API server's clock, and say in the log when that begins to tell another time."""
        told, heard_at = self._server()
        server = _moment(told)
        if server is None:
            return False
        ahead = self._now() - server - timedelta(seconds=self._clock() - heard_at)
        differs = abs(ahead) > BOUND
        if differs and not self._differs:
            seconds = round(ahead.total_seconds())
            _log.warning("the clock differs from the API server's", seconds_ahead=seconds)
        self._differs = differs
        return not differs

    def _steady_seconds(self, now: datetime) -> float:
        """Return how long nobody has set the clock, as far as is known."""
        at, (began, began_at) = self._clock(), self._base
        if abs(now - began - timedelta(seconds=at - began_at)) > BOUND:
            self._set_at = at
        self._base = (now, at)
        return at - self._set_at


def _moment(told: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(told)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
