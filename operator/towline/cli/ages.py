"""Write how long ago something was, as kubectl does."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def ago(moment: str, now: datetime) -> str:
    """Return the age of an RFC 3339 time: `9s`, `5m30s`, `3h12m`, `4d`, `2y`; empty for what is not a time.

    Args:
        moment: in the past; what lies in the future, as clocks differ, is `0s`.
        now: an aware time.
    """
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return lasted(max(0.0, (now - then).total_seconds()))


def lasted(seconds: float) -> str:
    """Return a duration in at most two units, the second one only where the first is small."""
    whole = int(seconds)
    for unit, small, name, below, most in (
        (_YEAR, _DAY, "y", "d", 8),
        (_DAY, _HOUR, "d", "h", 8),
        (_HOUR, _MINUTE, "h", "m", 8),
        (_MINUTE, 1, "m", "s", 10),
    ):
        count, rest = divmod(whole, unit)
        if count:
            part = rest // small
            return f"{count}{name}{part}{below}" if part and count < most else f"{count}{name}"
    return f"{whole}s"
