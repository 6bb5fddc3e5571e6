"""What a planned deletion rested on, asked once more of an object that was written since.

A deletion that a person confirmed, or that needed no confirmation, was planned for one owner and one set of marks. So
the second look asks for exactly these: whatever else the object has become is for the next plan to decide.
"""

from __future__ import annotations

from towline.errors import Refusal
from towline.model import Live
from towline.plan.ownership import OWN, Policy, missing, ownership
from towline.plan.vetoes import Veto

_SINCE = "since the deletion was planned"


def veto(planned: Live, now: Live, policy: Policy) -> Veto | None:
    """Say why an object must not be deleted any more; None where it is what the deletion was planned for.

    Args:
        planned: the object that the plan saw.
        now: the object of its name as it is.
        policy: how the objects of the repository are known.
    """
    if now.uid != planned.uid:
        return Veto(
            Refusal.NOT_OURS,
            "was deleted and created again meanwhile, by another client of the API server",
        )
    whose = ownership(now, policy)
    if whose not in OWN:
        what = f": it has {lacks}" if (lacks := missing(now, policy)) else ""
        return Veto(Refusal.NOT_OURS, f"no longer belongs to this GitRepository{what}")
    if (now.owner, whose) != (planned.owner, ownership(planned, policy)):
        message = f"kept: its towline.dev/owner was changed {_SINCE}, and names GitRepository uid {now.owner}"
        return Veto(Refusal.INHERITED, message)
    if now.prune_disabled:
        return Veto("", "kept: towline.dev/prune is Disabled on it")
    if (now.prune_enabled, now.adopted) != (planned.prune_enabled, planned.adopted):
        return Veto("", f"kept: its towline.dev annotations were changed {_SINCE}")
    return None
