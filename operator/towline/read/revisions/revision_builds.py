"""Build the units of revisions on this machine: one for each command, which remembers what it has rendered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from towline.render.offline.offline_tools import OfflineTools

if TYPE_CHECKING:  # what builds units takes long to import, and many revisions have none
    from towline.kube.discovery import Served
    from towline.read.revisions.unit_workshop import UnitWorkshop
    from towline.reconcile.desired.commit_files import RevisionFiles
    from towline.reconcile.desired.commit_manifests import ManifestReader
    from towline.reconcile.rendered_fields import RenderedFields
    from towline.render.marks.field_place import ProofEffort
    from towline.render.sops.sops_binary import SopsBinary
    from towline.render.units.base_door import RemoteBases
    from towline.source.access import Remote


class RevisionBuilds:
    """What builds units, traces their fields and decrypts files; it is made when it is needed first.

    Args:
        tools: the binaries.
    """

    def __init__(self, tools: OfflineTools) -> None:
        self._tools = tools
        self._made: UnitWorkshop | None = None

    def reader(self, files: RevisionFiles, served: Callable[[], Awaitable[Served]]) -> ManifestReader:
        """Return what reads the manifests of revisions.

        Args:
            files: list and read them.
            served: returns what the cluster serves.
        """
        return self._workshop().reader(files, served)

    def fields(
        self,
        files: RevisionFiles,
        bases: Callable[[Remote, str], RemoteBases | None],
        effort: ProofEffort,
    ) -> RenderedFields:
        """Return what traces fields of what was rendered.

        Args:
            files: list and read revisions.
            bases: opens the remote bases of a revision.
            effort: how much is spent on proofs.
        """
        return self._workshop().fields(files, bases, effort)

    def find_sops(self) -> SopsBinary | None:
        """Return what decrypts what Python does not; None where it is not installed."""
        return self._workshop().find_sops()

    def _workshop(self) -> UnitWorkshop:
        if self._made is None:
            from towline.read.revisions.unit_workshop import UnitWorkshop

            self._made = UnitWorkshop(self._tools)
        return self._made
