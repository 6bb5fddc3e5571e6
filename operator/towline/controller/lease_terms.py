"""Decide how long a Lease is valid.

Clocks of different machines are never compared. A replica takes a Lease for expired when, by its own clock, it has not
changed for as long as it says; its holder stops writing some seconds before any other replica can think so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from towline.model import Body

DURATION = 15
"""Seconds for which a Lease is valid after a renewal."""

MARGIN = 3.0
"""Seconds before the end in which the holder no longer writes: earlier requests may still be in flight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the spec of a Lease says, and since when, in monotonic seconds, it has said so."""

    spec: Body
    since: float

    def then(self, spec: Body, now: float) -> Sighting:
        """Return the next sighting; an unchanged Lease keeps the time at which it was first seen."""
        return self if spec == self.spec else Sighting(spec=spec, since=now)

    def is_held_by(self, holder: str) -> bool:
        """Tell whether it names this holder."""
        return self.spec.get("holderIdentity") == holder

    def runs_out(self) -> float:
        """Return the monotonic time from which any replica may take it."""
        if not self.spec.get("holderIdentity"):
            return -math.inf
        return self.since + (self.spec.get("leaseDurationSeconds") or DURATION)


def claim(spec: Body, holder: str, now: datetime) -> Body:
    """Return what a Lease says once `holder` has taken or renewed it; an empty holder releases it.

    `now` has its zone, and is only for people to read.
    """
    moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    renewed = {"holderIdentity": holder, "leaseDurationSeconds": DURATION, "renewTime": moment}
    if spec.get("holderIdentity") == holder:
        return {**spec, **renewed}
    transitions = (spec.get("leaseTransitions") or 0) + bool(holder)
    return {**spec, **renewed, "acquireTime": moment, "leaseTransitions": transitions}


def writes_until(renewed: float) -> float:
    """Return until when a holder may write that began to renew the Lease at `renewed`, both monotonic."""
    return renewed + DURATION - MARGIN
