"""Hold what opens what a repository builds on elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from towline.api.gitrepository import Spec
from towline.api.pins import Pin
from towline.api.remoting import RemotePolicy
from towline.kube.client import Client
from towline.model import Key
from towline.reconcile.remotes.pin_book import Recorded

if TYPE_CHECKING:  # what opens them takes long to import, and most repositories have none
    from towline.reconcile.remotes.remote_parts import PinnedParts


async def _nothing_recorded() -> tuple[Pin, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserParts:
    """What one repository builds on elsewhere.

    Attributes:
        key: the repository.
        uid: its uid.
        spec: its spec.
        pins: what its names were resolved to, as its status or a record says.
        recorded: returns that of records, where the status has lost it.
        accepted: the token by which a person has accepted that some of these have moved.
        client: reads the Secrets of its servers; None without a cluster.
        offline: whether no server is asked.
        notes: what the user may not read, in sentences for them.
    """

    key: Key
    uid: str = ""
    spec: Spec
    pins: tuple[Pin, ...] = ()
    recorded: Recorded = _nothing_recorded
    accepted: str = ""
    client: Client | None = None
    offline: bool = False
    notes: list[str] = field(default_factory=list)

    def begin(self, *, was_applied: bool) -> PinnedParts | None:
        """Return what opens the remote parts of one reading; None where the spec refuses them.

        Args:
            was_applied: whether tags are what they were when that was; else their servers say what they are now.
        """
        if self.spec.remote is not RemotePolicy.PINNED:
            return None
        from towline.read.revisions import opened_parts

        return opened_parts.opened(self, was_applied=was_applied)
