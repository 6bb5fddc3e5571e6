"""Hold what one commit declares for one spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.api.gitrepository import Spec
from towline.api.pins import Pin
from towline.api.value_sources import ValuesCommit
from towline.errors import Failure
from towline.model import GroupKind, Manifest, ObjectRef
from towline.plan.snapshot import differing
from towline.plan.verdicts import Verdicts
from towline.render.declared import DeclaredFiles
from towline.status.survey import Surveys
from towline.status.unit_times import UnitTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What one commit declares for one spec.

    `declared` are the manifests by object, with their namespaces; `failures` are those of objects that cannot be placed
    or read. `submodules` are paths that were skipped.
    `memo` keeps what plans found out about these manifests, `health` what looks at their objects did. `files` is what
    each file declares, None where another commit cannot be read by what differs. `mark` tells how files were treated.
    `pins` are what names of remote parts were resolved to; `kept_pins` are also those of earlier commits.
    `sources` are the commits of other repositories that values came from.
    `units` tell how long its units took.
    """

    sha: str
    spec: Spec
    declared: Mapping[ObjectRef, Manifest]
    failures: tuple[Failure, ...] = ()
    mark: str = ""
    submodules: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    kept_pins: tuple[Pin, ...] = ()
    sources: tuple[ValuesCommit, ...] = ()
    units: tuple[UnitTime, ...] = field(default=(), compare=False)
    files: DeclaredFiles | None = field(default=None, compare=False)
    memo: Verdicts = field(default_factory=Verdicts, compare=False)
    health: Surveys = field(default_factory=Surveys, compare=False)

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """All manifests."""
        return tuple(self.declared.values())

    @property
    def refs(self) -> frozenset[ObjectRef]:
        """All objects."""
        if self.files:
            return self.files.refs
        return frozenset(self.declared)

    @property
    def kinds(self) -> frozenset[GroupKind]:
        """The kinds of all objects."""
        if self.files:
            return self.files.kinds
        return frozenset(ref.group_kind for ref in self.declared)

    def replaced_by(self, now: Desired) -> frozenset[tuple[str, str]]:
        """Return path and blob of the files that another commit no longer has, as far as they declared anything."""
        moved = differing(self.declared, now.declared)
        old, new = (
            frozenset((each[ref].origin.file, each[ref].origin.blob) for ref in moved if ref in each)
            for each in (self.declared, now.declared)
        )
        return old - new
