"""When the wall clock may decide anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from towline.kube.clock_check import BOUND, STEADY_SECONDS, ClockCheck

START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


class Host:
    """The clocks of the operator and of the API server, and the check of them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.ahead = timedelta()
        self.server_ahead = timedelta()
        self.dates = True
        self.check = ClockCheck(self.now, lambda: self.seconds, self.date)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds) + self.ahead

    def date(self) -> tuple[str, float]:
        """Tell what the API server said two seconds ago."""
        heard_at = self.seconds - 2.0
        told = START + timedelta(seconds=heard_at) + self.server_ahead
        return (format_datetime(told, usegmt=True) if self.dates else ""), heard_at

    def passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.check()


@pytest.fixture
def host() -> Host:
    """A host that runs for long."""
    found = Host()
    found.passes(STEADY_SECONDS)
    return found


def test_a_clock_that_agrees_with_the_api_server_is_believed(host: Host) -> None:
    host.ahead = BOUND / 2
    assert host.check() == host.now()


@pytest.mark.parametrize("ahead", [YEAR, -YEAR, BOUND + timedelta(seconds=1)], ids=str)
def test_a_clock_that_is_earlier_or_later_than_the_api_servers_is_not(host: Host, ahead: timedelta) -> None:
    host.ahead = ahead
    assert host.check() is None
    assert host.check.agreed() is None


def test_no_clock_is_believed_before_the_api_server_has_told_its_own(host: Host) -> None:
    host.dates = False
    assert host.check() is None


def test_a_clock_that_was_set_for_the_whole_host_is_not_believed_for_an_hour(host: Host) -> None:
    host.ahead = host.server_ahead = YEAR
    assert host.check() is None
    assert host.check.agreed() == host.now()
    host.passes(STEADY_SECONDS - 1)
    assert host.check() is None
    host.passes(1)
    assert host.check() == host.now()


def test_a_clock_is_not_believed_right_after_the_start() -> None:
    assert Host().check() is None
