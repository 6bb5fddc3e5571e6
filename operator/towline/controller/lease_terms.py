"""How long a Lease holds.

Clocks of different machines are never compared. By our own clock a Lease has run out when it has not changed for as
long as it says, and whoever holds it stops writing some seconds before that could be seen anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from towline.model import Body

DURATION = 15
"""Seconds that a Lease holds after it was renewed."""

MARGIN = 3.0
"""Seconds at its end in which its holder writes no more: what was sent before may still be on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the spec of a Lease says, and since when, in monotonic seconds, it has said so."""

    spec: Body
    since: float

    def then(self, spec: Body, now: float) -> Sighting:
        """Return the next sighting: a Lease that says the same is as old as it was."""
        return self if spec == self.spec else Sighting(spec=spec, since=now)

    def is_held_by(self, holder: str) -> bool:
        """Tell whether it names this operator."""
        return self.spec.get("holderIdentity") == holder

    def runs_out(self) -> float:
        """Return the monotonic time from which anybody may take it."""
        if not self.spec.get("holderIdentity"):
            return -math.inf
        return self.since + (self.spec.get("leaseDurationSeconds") or DURATION)


def claim(spec: Body, holder: str, now: datetime) -> Body:
    """Return what a Lease says once `holder` has taken or renewed it; an empty holder gives it back.

    `now` has its zone, and is only shown.
    """
    moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    renewed = {"holderIdentity": holder, "leaseDurationSeconds": DURATION, "renewTime": moment}
    if spec.get("holderIdentity") == holder:
        return {**spec, **renewed}
    transitions = (spec.get("leaseTransitions") or 0) + bool(holder)
    return {**spec, **renewed, "acquireTime": moment, "leaseTransitions": transitions}


def writes_until(renewed: float) -> float:
    """Return until when a holder may write who began to renew the Lease at `renewed`, both monotonic."""
    return renewed + DURATION - MARGIN
