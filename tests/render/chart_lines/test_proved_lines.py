"""Of which lines of a chart it is proved that a field comes from there, with Helm itself as the judge."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from towline.model import Manifest
from towline.reconcile.desired import charts_elsewhere
from towline.reconcile.desired.charts_elsewhere import GatheredCharts
from towline.render.chart_lines.chart_tracer import ChartKey, ChartTracer
from towline.render.chart_lines.proved_chart import ProvedChart
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.helm import helm_tool
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.helm.chart_recipes import ChartRecipes
from towline.render.marks import likelihood
from towline.render.units.unit_source import UnitSource
from towline.shares.pools import Pools
from towline.source.helm_charts.chart_name import ChartName

from e2e import chart_provenance
from e2e.found_lines import FoundLines
from tests.render.helm import helm_cli
from tests.render.helm.charts import FIXTURES, chart
from tests.render.helm.test_chart_origins import packed
from tests.render.helm.yard import options, told
from tests.render.units.trees import Commit, CountingJail

PROD = "values/prod.yaml"
WEB = ChartName(repository="https://charts.example", name="web", version="1.2.3")
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n"


class Proofs:
    """A tracer of charts, and how many children have been started."""

    def __init__(self, folder: Path) -> None:
        self.jail = CountingJail(folder / "renders", Pools.here())
        self._recipes = ChartRecipes()
        helm = str(helm_cli.binary())
        self._builder = ChartBuilder(self.jail, lambda: helm_tool.find(helm), None, self._recipes)
        self._tracer = ChartTracer(YamlLimits(), self._recipes)

    async def chart(
        self,
        files: Mapping[str, str],
        helm: Mapping[str, Any] | None = None,
        binaries: Mapping[str, bytes] | None = None,
        elsewhere: Mapping[str, bytes] | None = None,
        dependencies: Mapping[str, bytes] | None = None,
    ) -> tuple[ProvedChart, Mapping[str, Manifest]]:
        """Return the chart in `app`, or that from elsewhere, and what it declares by name."""
        commit = Commit({**files, **{path: content.hex() for path, content in (binaries or {}).items()}})
        commit.contents |= binaries or {}
        source = UnitSource(name="repository", tree=commit.tree, read=commit.read)
        given = {"valuesFiles": [PROD]} if PROD in files else {}
        gathered = GatheredCharts(source=source, folders=frozenset({"app"}))
        if dependencies:
            gathered = replace(gathered, source=charts_elsewhere.with_files(source, dependencies))
        if elsewhere:
            source = charts_elsewhere.with_files(source, elsewhere)
            gathered = GatheredCharts(source=source, folders=frozenset({".git/chart"}), chart=WEB)
        built = await self._builder.build(
            gathered.source, gathered.folders, options({**given, **(helm or {})})
        )
        assert told(built) == []
        manifests = gathered.named(built.built).manifests
        origin = manifests[0].origin
        key = ChartKey("repository", "", origin.via[0], origin.values, origin.render)
        opened = self._tracer.recalled(key) or await self._tracer.traced(gathered.source, key)
        assert opened
        return opened, {one.ref.name: one for one in manifests}

    async def place(
        self,
        files: Mapping[str, str],
        pointer: str,
        name: str = "settings",
        **given: Any,
    ) -> str:
        opened, made = await self.chart(files, **given)
        field = likelihood.field_at(made[name].body, made[name].origin, pointer)
        assert field
        found = await opened.place(field, confirm=True)
        return f"{found.file}:{found.line} {found.certainty}"


@pytest.fixture
def proofs(tmp_path: Path) -> Proofs:
    return Proofs(tmp_path)


def settings(template: str, **files: str) -> dict[str, str]:
    """Return a chart with one ConfigMap; its template goes on after HEAD."""
    return chart(templates__s_yaml=HEAD + template, **files)


EXACT: Mapping[str, tuple[str, str, str]] = {
    "a text": ("colour: {{ .Values.colour }}", "colour: red", f"{PROD}:1"),
    "a number": ("count: {{ .Values.count | quote }}", "count: 3", f"{PROD}:1"),
    "a boolean": ("open: {{ .Values.open | quote }}", "open: true", f"{PROD}:1"),
    "a tag": ('image: "{{ .Values.n }}:{{ .Values.tag }}"', "n: nginx\ntag: '1.27'", f"{PROD}:2"),
    "what is encoded": ("word: {{ .Values.word | b64enc }}", "word: hello", f"{PROD}:1"),
    "a template in values": ("host: {{ tpl .Values.host . }}", "host: '{{ .Release.Name }}.example'", f"{PROD}:1"),
    "what is written as a whole": ("{{- toYaml .Values.all | nindent 2 }}", "all:\n  a: b\n  it: c1", f"{PROD}:3"),
    "a text of several lines": ("it: |\n    {{- .Values.long | nindent 4 }}", "long: |\n  a\n  b", f"{PROD}:1"),
    "a literal": ("it: word", "", "app/templates/s.yaml:6"),
    "a literal in quotes": ('it: "7"  # of people', "", "app/templates/s.yaml:6"),
    "a literal text": ("it: |\n    first\n    second", "", "app/templates/s.yaml:6"),
    "the name of the release": ("it: {{ .Release.Name }}-main", "", "app/templates/s.yaml:6"),
}  # fmt: skip


@pytest.mark.parametrize("what", EXACT)
async def test_a_field_names_the_line_that_changes_it(proofs: Proofs, what: str) -> None:
    template, values, place = EXACT[what]
    key = template.partition(":")[0] if template[0].isalpha() else "it"
    found = await proofs.place(settings(f"data:\n  {template}\n") | {PROD: f"{values}\n"}, f"/data/{key}")
    assert found == f"{place} exact"


async def test_of_two_lines_that_may_have_written_a_field_the_one_that_changes_it_is_named(
    proofs: Proofs,
) -> None:
    template = "data:\n  {{- if .Values.x }}\n  it: same\n  {{- else }}\n  it: same\n  {{- end }}\n"
    assert await proofs.place(settings(template), "/data/it") == "app/templates/s.yaml:9 exact"


UNPROVED: Mapping[str, tuple[str, str, str]] = {
    "a switch that takes the field away": (
        '{{- if eq .Values.mode "on" }}\n  it: {{ .Values.mode | upper }}\n  {{- end }}',
        'mode: "on"',
        "app/templates/s.yaml:7 likely",
    ),
    "a value that comes out otherwise": (
        "it: {{ mul .Values.size 1000 | quote }}",
        "size: 2",
        "app/templates/s.yaml:6 likely",
    ),
    "a value that a schema of one word allows": ("it: {{ .Values.word }}", "word: only", f"{PROD}:1 likely"),
    "a default in the template": (
        "it: {{ .Values.none | default 7 | quote }}",
        "",
        "app/templates/s.yaml:6 likely",
    ),
}


@pytest.mark.parametrize("what", UNPROVED)
async def test_what_a_render_does_not_confirm_is_only_likely(proofs: Proofs, what: str) -> None:
    template, values, place = UNPROVED[what]
    schema = '{"properties": {"word": {"const": "only"}}}'
    files = settings(f"data:\n  {template}\n", values_schema_json=schema)
    assert await proofs.place(files | {PROD: f"{values}\n"}, "/data/it") == place


async def test_what_the_spec_sets_over_all_files_has_the_line_of_the_template(proofs: Proofs) -> None:
    files = settings("data:\n  it: {{ .Values.it }}\n", values_yaml="it: a\n")
    found = await proofs.place(files, "/data/it", helm={"values": {"it": "b"}})
    assert found == "app/templates/s.yaml:6 likely"


@pytest.mark.parametrize("random", ["Refuse", "Once"])
async def test_what_chance_has_made_is_never_proved(proofs: Proofs, random: str) -> None:
    template = (
        "data:\n  {{- if eq .Values.random `Once` }}\n  it: {{ randInt 1000 999999 | quote }}\n  {{- end }}\n"
    )
    template += "  fixed: {{ .Values.count | quote }}\n  random: {{ .Values.random }}\n"
    files = settings(template, values_yaml=f"count: 3\nrandom: {random}\n")
    helm = {"random": random}
    assert await proofs.place(files, "/data/fixed", helm=helm) == "app/values.yaml:1 exact"
    if random == "Once":
        assert await proofs.place(files, "/data/it", helm=helm) == "app/templates/s.yaml:7 likely"


async def test_a_chart_is_rendered_once_for_each_line_that_is_confirmed(proofs: Proofs) -> None:
    files = settings("data:\n  a: {{ .Values.tag }}\n  b: {{ .Values.tag }}\n", values_yaml="tag: v1\n")
    await proofs.chart(files)
    started = proofs.jail.started
    for _ in range(20):
        assert await proofs.place(files, "/data/a") == "app/values.yaml:1 exact"
        assert await proofs.place(files, "/data/b") == "app/values.yaml:1 exact"
    assert (started, proofs.jail.started) == (1, 2)


async def test_a_file_that_is_both_of_the_chart_and_of_the_spec_is_changed_in_both(proofs: Proofs) -> None:
    files = settings("data:\n  it: {{ .Values.it }}\n", values_yaml="it: a\n")
    found = await proofs.place(files, "/data/it", helm={"valuesFiles": ["app/values.yaml"]})
    assert found == "app/values.yaml:1 exact"


DEPENDENCY = "dependencies:\n- {name: db, version: 1.0.0, alias: store}\n"
DB = "data:\n  size: {{ .Values.size | quote }}\n  colour: {{ .Values.colour }}\n  mode: literal\n"


async def test_a_packed_chart_has_lines_in_its_archive_and_in_the_values_around_it(proofs: Proofs) -> None:
    inner = chart(name="db", folder="db", templates__db_yaml=HEAD + DB, values_yaml="size: 1\ncolour: red\n")
    files = chart(more=DEPENDENCY, values_yaml="# of the store\nstore:\n  size: 3\n")
    archives = {"app/charts/db-1.0.0.tgz": packed(inner)}
    found = [
        await proofs.place(files, f"/data/{key}", binaries=archives) for key in ("size", "colour", "mode")
    ]
    assert found == [
        "app/values.yaml:3 exact",
        "app/charts/db-1.0.0.tgz!values.yaml:2 exact",
        "app/charts/db-1.0.0.tgz!templates/db.yaml:8 exact",
    ]


async def test_a_chart_from_elsewhere_has_lines_in_the_values_of_the_commit_and_in_its_own_files(
    proofs: Proofs,
) -> None:
    inner = chart(folder="", templates__s_yaml=HEAD + DB, values_yaml="size: 1\ncolour: red\n")
    elsewhere = {f".git/chart{path}": text.encode() for path, text in inner.items()}
    files = {PROD: "# of production\nsize: 3\n"}
    found = [
        await proofs.place(files, f"/data/{key}", elsewhere=elsewhere) for key in ("size", "colour", "mode")
    ]
    assert found == [
        f"{PROD}:2 exact",
        "https://charts.example/web//values.yaml@1.2.3:2 exact",
        "https://charts.example/web//templates/s.yaml@1.2.3:8 exact",
    ]


async def test_a_dependency_from_elsewhere_has_lines_in_its_archive(proofs: Proofs) -> None:
    inner = chart(name="db", folder="db", templates__db_yaml=HEAD + DB, values_yaml="size: 1\ncolour: red\n")
    files = chart(more="dependencies:\n- {name: db, version: 1.0.0}\n", values_yaml="db:\n  size: 3\n")
    fetched = {"app/charts/db-1.0.0.tgz": packed(inner)}
    opened, _ = await proofs.chart(files, dependencies=fetched)
    found = [
        await proofs.place(files, f"/data/{key}", dependencies=fetched) for key in ("size", "colour", "mode")
    ]
    assert found == [
        "app/values.yaml:2 exact",
        "app/charts/db-1.0.0.tgz!values.yaml:2 exact",
        "app/charts/db-1.0.0.tgz!templates/db.yaml:8 exact",
    ]
    assert opened.traced.sources.committed == {"app/values.yaml"}  # what has a history in this repository


async def test_a_crd_has_the_line_in_its_file(proofs: Proofs) -> None:
    crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.a.example\n"
    files = chart(crds__thing_yaml=f"{crd}spec:\n  group: a.example\n  scope: Namespaced\n")
    found = await proofs.place(files, "/spec/scope", "things.a.example")
    assert found == "app/crds/thing.yaml:7 exact"


LABELS = """
{{- define "app.labels" -}}
{{ include "app.selector" . }}
chart: web-1
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- define "app.selector" -}}
app: {{ .Release.Name }}
{{- end }}
{{- define "app.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{ printf "%s:%s" .Values.image.name $tag }}
{{- end }}
"""


async def test_what_a_helper_writes_has_the_line_of_the_helper_or_of_the_value_that_it_reads(
    proofs: Proofs,
) -> None:
    template = 'data:\n  {{- include "app.labels" . | nindent 2 }}\n  image: {{ include "app.image" . }}\n'
    files = settings(template, values_yaml="image:\n  name: nginx\n  tag: v1\nlabels:\n  mine: word\n")
    files["app/templates/_helpers.tpl"] = LABELS
    found = [await proofs.place(files, f"/data/{key}") for key in ("app", "chart", "mine", "image")]
    assert found == [
        "app/templates/_helpers.tpl:10 exact",
        "app/templates/_helpers.tpl:4 exact",
        "app/values.yaml:5 exact",
        "app/values.yaml:3 exact",
    ]


async def test_lines_of_the_fixtures_are_causally_right(tmp_path: Path) -> None:
    total = FoundLines()
    for files in FIXTURES.values():
        commit = Commit(files)
        source = UnitSource(name="repository", tree=commit.tree, read=commit.read)
        found = await chart_provenance.measured(
            source,
            "app",
            Jail(tmp_path / "renders", Pools.here()),
            1,
            random.Random(1),  # noqa: S311  a sample
        )
        assert isinstance(found, FoundLines), found
        total.add(found)
    assert total.with_line > 0.9, str(total)
    assert total.right >= 0.95, "\n".join(total.wrong)
    assert total.confirmed["exact"] > 4, str(total)
