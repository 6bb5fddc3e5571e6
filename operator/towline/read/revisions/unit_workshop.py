"""Put together what builds units on this machine; it is imported where there are any, because that takes long."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from towline.kube.discovery import Served
from towline.reconcile.desired.commit_charts import CommitCharts
from towline.reconcile.desired.commit_files import RevisionFiles
from towline.reconcile.desired.commit_manifests import ManifestReader
from towline.reconcile.rendered_fields import RenderedFields
from towline.render.cache import Cache
from towline.render.chart_lines.chart_tracer import ChartTracer
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.helm import helm_tool
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.helm.chart_recipes import ChartRecipes
from towline.render.marks.field_place import ProofEffort
from towline.render.marks.unit_tracer import UnitTracer
from towline.render.offline.offline_tools import OfflineTools
from towline.render.overlays.chart_overlay import ChartOverlayer
from towline.render.sops import sops_binary
from towline.render.sops.sops_binary import SopsBinary
from towline.render.units import kustomize
from towline.render.units.base_door import RemoteBases
from towline.render.units.inputs import InputReader
from towline.render.units.unit_builds import UnitBuilder
from towline.shares.pools import Pools
from towline.source.access import Remote

_MEMORY = Path("/dev/shm")  # noqa: S108  a folder of its own is made there, which no other user can read


class UnitWorkshop:
    """What builds units, traces their fields and decrypts files; its copies of files are gone with it.

    Args:
        tools: the binaries.
        limits: how much of a file is read.
    """

    def __init__(self, tools: OfflineTools, limits: YamlLimits = YamlLimits()) -> None:  # noqa: B008  a frozen value
        place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        folder = tempfile.mkdtemp(prefix="towline-", dir=place)
        self._end = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        jail = Jail(Path(folder), Pools.here())
        inputs, recipes = InputReader(limits), ChartRecipes()
        find_kustomize, find_helm = (
            partial(kustomize.find, tools.kustomize),
            partial(helm_tool.find, tools.helm),
        )
        self._limits = limits
        self._cache = Cache()
        self._units = UnitBuilder(jail, find_kustomize, inputs, find_helm)
        self._overlayer = ChartOverlayer(jail, find_kustomize, inputs)
        self._charts = ChartBuilder(jail, find_helm, self._overlayer, recipes)
        self._unit_tracer = UnitTracer(jail, find_kustomize, inputs)
        self._chart_tracer = ChartTracer(limits, recipes)
        self.find_sops: Callable[[], SopsBinary | None] = partial(sops_binary.find, jail, tools.sops)

    def reader(self, files: RevisionFiles, served: Callable[[], Awaitable[Served]]) -> ManifestReader:
        """Return what reads the manifests of revisions.

        Args:
            files: list and read them.
            served: returns what the cluster serves.
        """
        charts = CommitCharts(self._charts, self._overlayer, served, self._limits)
        return ManifestReader(
            files=files, cache=self._cache, units=self._units, charts=charts, yaml=self._limits
        )

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
        return RenderedFields(files, self._unit_tracer, self._chart_tracer, bases, effort)
