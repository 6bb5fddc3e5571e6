"""Contests: an object that another field manager changes again and again is restored less often."""

from __future__ import annotations

from dataclasses import dataclass

REPAIRS = 5
"""So many repairs within `SECONDS` are nothing unusual; they are forgotten steadily."""

SECONDS = 60.0

PAUSE = 600.0
"""Seconds between two writes to a contested object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The repairs of one object: `level` of them not forgotten at `at` (monotonic seconds), and who made them due.

    `until` is when it may be written again, 0 if it is not contested.
    """

    level: float = 0.0
    at: float = 0.0
    until: float = 0.0
    rival: str = ""


def repaired(before: Contest | None, rival: str, now: float) -> Contest:
    """Count one more repair; `rival` is the field manager whose change it undid, empty where unknown."""
    was = before or Contest(at=now)
    level = _left(was, now) + 1.0
    fought = level > REPAIRS or (was.until > 0.0 and now < was.until + SECONDS)
    return Contest(level=level, at=now, until=now + PAUSE if fought else 0.0, rival=rival or was.rival)


def is_paused(contest: Contest, now: float) -> bool:
    """Say whether the object is left alone at this moment."""
    return now < contest.until


def is_over(contest: Contest, now: float) -> bool:
    """Say whether the repairs are so long ago that they mean nothing any more."""
    return now >= contest.until + SECONDS and _left(contest, now) <= 0.0


def advice(contest: Contest) -> str:
    """Say what happens, and what to do about it."""
    whom = f"field manager {contest.rival!r}" if contest.rival else "another field manager"
    return (
        f"{whom} keeps changing what Git declares; restored every {PAUSE / 60:.0f} min only. "
        "Stop the other writer, or leave the field to it: remove it from Git (an autoscaler needs no replicas), "
        "or name it in spec.ignoreFields"
    )


def _left(contest: Contest, now: float) -> float:
    return max(0.0, contest.level - (now - contest.at) * REPAIRS / SECONDS)
