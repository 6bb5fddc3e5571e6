"""Charts of commits, and the cluster that they ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from towline.api.bound_hosts import BoundHosts
from towline.api.gitrepository import Spec
from towline.errors import Reason, SpecError
from towline.kube.discovery import Discovery
from towline.model import Key
from towline.reconcile.desired.charts_elsewhere import GatheredCharts
from towline.reconcile.desired.commit_charts import CommitCharts
from towline.reconcile.desired.head import Head
from towline.reconcile.values.treatments import Treated
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.helm import helm_tool
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.overlays.chart_overlay import ChartOverlayer
from towline.render.units.built_units import Built
from towline.render.units.inputs import InputReader
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.shares.pools import Pools
from towline.source import access

from tests.api.test_gitrepository import specify
from tests.kube.loopback import Server, served
from tests.kube.test_discovery import Api, group, resource
from tests.render.helm import helm_cli
from tests.render.helm.charts import chart
from tests.render.units.trees import Commit

APP = Key("shop", "app")
MONITOR = """\
{{- if .Capabilities.APIVersions.Has "watch.example/v1/Monitor" }}
apiVersion: watch.example/v1
kind: Monitor
metadata: {name: web}
{{- end }}
"""


class Scene(NamedTuple):
    """Charts of a cluster whose kinds can change."""

    charts: CommitCharts
    discovery: Discovery
    api: Api

    async def build(self, spec: Spec, files: dict[str, str]) -> Built:
        commit = Commit(files)
        source = UnitSource(name="repository", tree=commit.tree, read=commit.read)
        remote = access.remote(spec, None, allow_http=True, bound=BoundHosts(value=None, is_required=False))
        head = Head(remote=remote, name="main", sha="a" * 40, seen_at=0.0)
        charts = GatheredCharts(source=source, folders=frozenset({"app"}))
        return await self.charts.build(head, spec, Treated(key=APP), charts, UnitSettings())

    def serve(self, name: str, kind: str) -> None:
        self.api.groups.append(group(name, ("v1", [resource(kind, f"{kind.lower()}s")])))
        self.discovery.invalidate()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    api = Api()

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.35.2"})
        return await api.handle(request)

    async with served(Server(handle)) as client:
        discovery = Discovery(client)
        jail = Jail(tmp_path, Pools.here())
        overlayer = ChartOverlayer(jail, lambda: None, InputReader(YamlLimits()))
        builder = ChartBuilder(jail, lambda: helm_tool.find(str(helm_cli.binary())), overlayer)
        yield Scene(CommitCharts(builder, overlayer, discovery.served, YamlLimits()), discovery, api)


async def test_a_chart_is_rendered_again_when_the_cluster_serves_what_it_asks_for(scene: Scene) -> None:
    files, spec = chart(templates__monitor_yaml=MONITOR), specify()
    assert await scene.charts.mark(APP) == ""
    assert (await scene.build(spec, files)).manifests == ()
    mark = await scene.charts.mark(APP)
    assert mark != ""

    scene.serve("other.example", "Thing")
    assert await scene.charts.mark(APP) == mark
    assert (await scene.build(spec, files)).runs == ()

    scene.serve("watch.example", "Monitor")
    assert await scene.charts.mark(APP) != mark
    assert [one.ref.kind for one in (await scene.build(spec, files)).manifests] == ["Monitor"]

    scene.charts.forget(APP)
    assert await scene.charts.mark(APP) == ""


async def test_objects_without_a_namespace_go_to_that_of_the_release(scene: Scene) -> None:
    files = chart(
        templates__map_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Namespace }}'}\n"
    )
    for helm, namespace in ((None, "shop"), ({"namespace": "other"}, "other")):
        given: dict[str, Any] = {"helm": helm} if helm else {}
        (one,) = (await scene.build(specify(**given), files)).manifests
        assert (one.ref.name, one.release_namespace) == (namespace, namespace)


@pytest.mark.parametrize(("charts", "found"), [(0, "no chart"), (2, "2 charts")])
@pytest.mark.parametrize(
    "helm",
    [
        {"releaseName": "a"},
        {"valuesFiles": ["a.yaml"]},
        {"valuesFrom": [{"kind": "Secret", "name": "a"}]},
        {"values": {"a": 1}},
        {"parameters": [{"name": "a", "value": "1"}]},
    ],
)
def test_values_for_one_chart_are_refused_where_there_is_another_number(
    helm: dict[str, Any], charts: int, found: str
) -> None:
    with pytest.raises(SpecError, match=rf"are for one chart, and \. has {found}: ") as raised:
        CommitCharts.check(specify(helm=helm), charts)
    assert raised.value.reason is Reason.INVALID_SPEC
    CommitCharts.check(specify(helm=helm), 1)


def test_what_is_for_all_charts_may_be_said_of_any_number() -> None:
    CommitCharts.check(specify(helm={"namespace": "a", "crds": "Skip", "hooks": "Skip", "random": "Once"}), 0)
