"""Read until when a person wants something: a time, a date, or a while from now."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from towline import text

_WHILE = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)")
_FORM = "write 2h, 3d, 18:00, tomorrow, 2026-12-24 or 2026-12-24T18:00:00+01:00"


def parse(value: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the time that a person means.

    A time of day is the next one; a date, or `tomorrow`, is the beginning of that day. Where no zone is given it is
    that of the person.

    Args:
        value: as it was typed.
        now: an aware time.
        zone: of the person; None for that of this machine.

    Raises:
        ValueError: it cannot be read, or is over; the message says what to write.
    """
    word = value.strip().lower()
    try:
        found = (
            _after(word, now) or _of_day(word, now.astimezone(zone), zone) or _written(value.strip(), zone)
        )
    except (ValueError, OverflowError):
        shown = text.printable(value, 60)
        raise ValueError(f"{shown!r} is not a time: {_FORM}") from None
    if found <= now:
        raise ValueError(f"{text.timestamp(found)} is over already: {_FORM}")
    return found


def _after(word: str, now: datetime) -> datetime | None:
    found = _WHILE.fullmatch(word)
    if not word or found is None:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return now + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _of_day(word: str, now: datetime, zone: tzinfo | None) -> datetime | None:
    """Return the next time of day, or the beginning of tomorrow, by the clock of the person, also where it is reset."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if word == "tomorrow":
        return _placed(midnight + timedelta(days=1), zone)
    clock = _CLOCK.fullmatch(word)
    if clock is None:
        return None
    today = midnight.replace(hour=int(clock[1]), minute=int(clock[2]))
    found = _placed(today, zone)
    return found if found > now else _placed(today + timedelta(days=1), zone)


def _written(value: str, zone: tzinfo | None) -> datetime:
    return _placed(datetime.fromisoformat(value), zone)


def _placed(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return a time with its zone; one that has none has that of the person."""
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=zone) if zone else moment.astimezone()
