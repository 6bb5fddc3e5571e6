"""Builders of charts, and how many children they have started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from towline.api.helm_spec import helm_release
from towline.render.documents import YamlLimits
from towline.render.helm import helm_tool
from towline.render.helm.chart_builds import BuiltCharts, ChartBuilder
from towline.render.helm.chart_options import Capabilities, ChartOptions
from towline.render.overlays.chart_overlay import ChartOverlayer
from towline.render.units import kustomize
from towline.render.units.inputs import InputReader
from towline.render.units.unit_source import UnitSource
from towline.shares.pools import Pools

from tests.render.helm import helm_cli
from tests.render.kubectl import KUBECTL
from tests.render.units.trees import Commit, CountingJail

VERSION = "v1.35.2"


def options(helm: Mapping[str, Any] | None = None, **more: Any) -> ChartOptions:
    """Return how charts are rendered, from what `spec.helm` says."""
    capabilities = Capabilities(
        kube_version=VERSION, api_versions=frozenset({"apps/v1", "example.com/v1/Thing"})
    )
    given = {"release": "web", "namespace": "shop", "capabilities": capabilities, **more}
    return ChartOptions(asked=helm_release.parse(helm), **given)


class Yard:
    """A builder that counts its children."""

    def __init__(self, folder: Path, binary: str = "", seconds: float = 60) -> None:
        self.renders = folder / "renders"
        self._jail = CountingJail(self.renders, Pools.here(), seconds)
        self.overlayer = ChartOverlayer(
            self._jail, lambda: kustomize.find(str(KUBECTL)), InputReader(YamlLimits())
        )
        found = binary or str(helm_cli.binary())
        self.builder = ChartBuilder(self._jail, lambda: helm_tool.find(found), self.overlayer)

    async def charts(
        self,
        files: Mapping[str, str],
        given: ChartOptions | None = None,
        folder: str = "app",
        binaries: Mapping[str, bytes] | None = None,
    ) -> BuiltCharts:
        commit = Commit({**files, **{path: content.hex() for path, content in (binaries or {}).items()}})
        commit.contents |= binaries or {}
        source = UnitSource(name="repository", tree=commit.tree, read=commit.read)
        return await self.builder.build(source, [folder], given or options())

    async def objects(self, files: Mapping[str, str], helm: Mapping[str, Any] | None = None) -> list[Any]:
        """Return the objects of a chart that is all right."""
        found = await self.charts(files, options(helm))
        assert told(found) == []
        return [orjson.loads(one.content) for one in found.built.manifests]

    async def refusals(self, files: Mapping[str, str], helm: Mapping[str, Any] | None = None) -> list[str]:
        """Return what is wrong with a chart that declares nothing."""
        found = await self.charts(files, options(helm))
        assert found.built.manifests == ()
        return told(found)

    @property
    def children(self) -> int:
        return self._jail.started

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left of what its children read."""
        return not list(self.renders.iterdir())


def told(found: BuiltCharts) -> list[str]:
    return [f"{one.file}:{one.line}: {one.message}" for one in found.built.failures]
