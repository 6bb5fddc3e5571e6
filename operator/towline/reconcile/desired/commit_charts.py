"""Render the charts of a commit with what its spec says and its cluster serves."""

from __future__ import annotations

from dataclasses import dataclass

from towline.api.gitrepository import Spec
from towline.errors import Reason, SpecError
from towline.kube.discovery import Discovery
from towline.reconcile.desired import commit_notes
from towline.reconcile.desired.head import Head
from towline.reconcile.values.treatments import Treated
from towline.render.documents import YamlLimits
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.helm.chart_options import Capabilities, ChartOptions
from towline.render.units.built_units import Built
from towline.render.units.unit_source import UnitSource


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitCharts:
    """Renders charts, for all repositories."""

    builder: ChartBuilder
    discovery: Discovery
    yaml: YamlLimits

    async def build(
        self, head: Head, spec: Spec, treated: Treated, source: UnitSource, folders: frozenset[str]
    ) -> Built:
        """Render the charts in some folders of a commit.

        Raises:
            SourceError: a file could not be read.
            ClusterError: the API server could not say what it serves.
        """
        served = await self.discovery.served()
        options = ChartOptions(
            asked=spec.helm,
            release=spec.helm.name or treated.key.name,
            namespace=spec.helm.namespace or spec.default_namespace,
            layers=treated.layers,
            capabilities=Capabilities(kube_version=served.version, api_versions=served.api_versions),
            treatment=treated.treatment,
            mark=treated.mark,
            limits=self.yaml,
        )
        found = await self.builder.build(source, folders, options)
        commit_notes.built(found.built, head.sha)
        commit_notes.lookups(found.lookups, head.sha)
        return found.built

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
