"""Read a point in time as people write it: a date, a time, or how long ago."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, TypeVar

import click

from towline import text
from towline.api import durations

Command = TypeVar("Command", bound=Callable[..., Any])

_AGE = re.compile(r"(?:(?P<weeks>[0-9]{1,4})w)?(?:(?P<days>[0-9]{1,5})d)?(?P<rest>.*)")


def parse(given: str, now: datetime, zone: tzinfo | None = None) -> str:
    """Return a moment as records write it, in UTC.

    Args:
        given: `2026-11-30`, `2026-11-30T18:00:00Z` (local time where no zone is given), or an age: `90m`, `24h`, `7d`,
            `2w`.
        now: with a time zone.
        zone: of what is given without one; None for that of this machine, with its summer time.

    Raises:
        ValueError: it is none of these.
    """
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
            moment = datetime.combine(date.fromisoformat(given), time())
        else:
            moment = datetime.fromisoformat(given)
    except ValueError:
        return text.timestamp(_back(now, _age(given)))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
    return text.timestamp(moment)


def option(name: str, told: str) -> Callable[[Command], Command]:
    """Give a command an option that takes a moment; empty where it is not given."""
    return click.option(name, default="", metavar="TIME", callback=_moment, help=told)


def _moment(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        return parse(value, datetime.now(UTC)) if value else ""
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _age(given: str) -> timedelta:
    found = _AGE.fullmatch(given)
    try:
        weeks, days = (int(found[part] or 0) if found else 0 for part in ("weeks", "days"))
        rest = found["rest"] if found and (weeks or days) else given
        return timedelta(weeks=weeks, days=days, seconds=durations.parse(rest) if rest else 0)
    except (ValueError, OverflowError) as error:
        told = f"{given!r} must be a date (2026-11-30), a time (2026-11-30T18:00:00Z) or an age (90m, 24h, 7d, 2w)"
        raise ValueError(told) from error


def _back(now: datetime, span: timedelta) -> datetime:
    """Return an earlier moment, the first one that calendars have at the earliest."""
    try:
        return now - span
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
