"""Read until when a person wants something: a time, a date, or a while from now."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from towline import text

_WHILE = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?")
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
        found = _after(word, now) or _of_day(word, now.astimezone(zone)) or _written(value.strip(), zone)
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
    weeks, days, hours, minutes = (int(part or 0) for part in found.groups())
    return now + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)


def _of_day(word: str, now: datetime) -> datetime | None:
    """Return the next time of day, or the beginning of tomorrow, by the clock of the person."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if word == "tomorrow":
        return midnight + timedelta(days=1)
    clock = _CLOCK.fullmatch(word)
    if clock is None:
        return None
    today = midnight.replace(hour=int(clock[1]), minute=int(clock[2]))
    return today if today > now else today + timedelta(days=1)


def _written(value: str, zone: tzinfo | None) -> datetime:
    found = datetime.fromisoformat(value)
    if found.tzinfo is not None:
        return found
    return found.replace(tzinfo=zone) if zone else found.astimezone()
