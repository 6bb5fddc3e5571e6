"""Build the units of revisions on this machine: one for each command, which remembers what it has rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from towline.render.offline.offline_tools import OfflineTools

if TYPE_CHECKING:  # what builds units takes long to import, and many revisions have none
    from towline.read.revisions.unit_workshop import UnitWorkshop
    from towline.render.sops.sops_binary import SopsBinary


class RevisionBuilds:
    """What builds units, traces their fields and decrypts files; it is made when it is needed first.

    Args:
        tools: the binaries.
    """

    def __init__(self, tools: OfflineTools) -> None:
        self._tools = tools
        self._made: UnitWorkshop | None = None

    def find_sops(self) -> SopsBinary | None:
        """Return what decrypts what Python does not; None where it is not installed."""
        return self.workshop().find_sops()

    def workshop(self) -> UnitWorkshop:
        """Return what builds, made now where nobody has asked for it yet: that takes long."""
        if self._made is None:
            from towline.read.revisions.unit_workshop import UnitWorkshop

            self._made = UnitWorkshop(self._tools)
        return self._made
