"""Render the charts of a commit with what its spec says and its cluster serves."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from towline.api.gitrepository import Spec
from towline.errors import Reason, SpecError
from towline.kube.discovery import Served
from towline.model import Key
from towline.reconcile.desired import commit_notes
from towline.reconcile.desired.charts_elsewhere import GatheredCharts
from towline.reconcile.desired.head import Head
from towline.reconcile.values.treatments import Treated
from towline.render.documents import YamlLimits
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.helm.chart_options import Capabilities, ChartOptions
from towline.render.overlays.chart_overlay import ChartOverlayer
from towline.render.units.built_units import Built
from towline.render.units.unit_settings import UnitSettings

_LONGEST = 53
"""Characters of a release, as for Helm."""


class CommitCharts:
    """Renders charts, for all repositories, and knows what of the cluster each of them depends on.

    Args:
        builder: renders them.
        overlayer: reads what the overlay of a spec needs.
        served: returns what the cluster serves.
        yaml: how much of a file is read.
    """

    def __init__(
        self,
        builder: ChartBuilder,
        overlayer: ChartOverlayer,
        served: Callable[[], Awaitable[Served]],
        yaml: YamlLimits,
    ) -> None:
        self._builder = builder
        self._overlayer = overlayer
        self._served = served
        self._yaml = yaml
        self._asked: dict[Key, frozenset[str] | None] = {}

    async def build(
        self, head: Head, spec: Spec, treated: Treated, charts: GatheredCharts, how: UnitSettings
    ) -> Built:
        """Render charts with all that they need, and change what they declare as the spec says.

        Raises:
            SpecError: InvalidSpec, where the spec must name the release.
            SourceError: a file could not be read.
            ClusterError: the API server could not say what it serves.
        """
        served = await self._served()
        options = ChartOptions(
            asked=spec.helm,
            release=_release(spec, treated.key),
            namespace=spec.helm.namespace or spec.default_namespace,
            layers=treated.layers,
            capabilities=Capabilities(kube_version=served.version, api_versions=served.api_versions),
            treatment=treated.treatment,
            mark=f"{treated.files_mark}{treated.layers_mark}",
            overlay=await self._overlayer.prepare(charts.source, how),
            limits=self._yaml,
        )
        found = await self._builder.build(charts.source, charts.folders, options)
        self._asked[treated.key] = found.versions
        built = charts.named(found.built)
        commit_notes.built(built, head.sha)
        commit_notes.lookups(found.lookups, head.sha)
        return built.plus(Built(failures=charts.failures))

    async def mark(self, key: Key) -> str:
        """Return what tells the cluster, as far as the charts of a repository ask for it, from another one.

        It is empty where a repository has no charts.

        Raises:
            ClusterError: the API server could not say what it serves.
        """
        if key not in self._asked:
            return ""
        asked, served = self._asked[key], await self._served()
        known = served.api_versions if asked is None else served.api_versions & asked
        return hashlib.sha256(repr((served.version, sorted(known))).encode()).hexdigest()

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone, or has no charts any more."""
        self._asked.pop(key, None)

    @staticmethod
    def check(spec: Spec, charts: int) -> None:
        """Refuse a spec that names a release or values where there is not exactly one chart.

        Raises:
            SpecError: InvalidSpec.
        """
        if spec.helm.is_of_one_chart and charts != 1:
            found = f"{charts} charts" if charts else "no chart"
            message = (
                "spec.helm: releaseName, valuesFiles, valuesFrom, values and parameters are for one chart, and "
                f"{spec.path} has {found}: set spec.path to the folder of the chart, or remove them"
            )
            raise SpecError(Reason.INVALID_SPEC, message)


def _release(spec: Spec, key: Key) -> str:
    """Return the name of the release.

    Raises:
        SpecError: InvalidSpec, where there is none and the name of the GitRepository is too long.
    """
    name = spec.helm.name or key.name
    if len(name) > _LONGEST:
        message = f"spec.helm.releaseName: {key.name} is longer than the {_LONGEST} characters of a release: set a name"
        raise SpecError(Reason.INVALID_SPEC, message)
    return name
