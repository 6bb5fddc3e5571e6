"""Charts that a kustomization has Helm render: as kustomize does it, from the commit or pinned, and nothing else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from towline.render.units.mounts import ChartAddress

from tests.render.helm import helm_cli
from tests.render.kubectl import KUBECTL
from tests.render.units.trees import RemoteCommits, Yard, told

SETTINGS = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"
    "data: {colour: {{ .Values.colour }}, size: {{ .Values.size | quote }}}\n"
)
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.2.3\n",
    "values.yaml": "colour: grey\nsize: 1\n",
    "templates/settings.yaml": SETTINGS,
}
REPO = "https://h.example/charts"
ADDRESS = ChartAddress(REPO, "web", "1.2.3")


def committed(place: str = "app/charts/web") -> dict[str, str]:
    return {f"{place}/{path}": text for path, text in CHART.items()}


def entry(more: str = "", globals_: str = "") -> dict[str, str]:
    return {
        "app/kustomization.yaml": f"namePrefix: p-\n{globals_}helmCharts:\n- name: web\n  releaseName: shop\n{more}"
    }


def yard(folder: Path) -> Yard:
    return Yard(folder, helm=str(helm_cli.binary()))


def printed(place: Path, files: dict[str, str]) -> list[object]:
    """Return what kustomize itself prints."""
    helm_cli.written(place, files)
    command = [str(KUBECTL), "kustomize", "--enable-helm", "--helm-command", str(helm_cli.binary()), "app"]
    answer = subprocess.run(command, cwd=place, capture_output=True, check=True)
    return [one for one in yaml.safe_load_all(answer.stdout) if one]


@pytest.mark.parametrize(
    "files",
    [
        {**committed(), **entry()},
        {**committed(), **entry("  namespace: other\n  includeCRDs: true\n  valuesInline: {colour: red}\n")},
        {**committed(), **entry("  valuesFile: mine.yaml\n"), "app/mine.yaml": "colour: blue\nsize: 2\n"},
        {**committed(), **entry("  valuesMerge: merge\n  valuesInline: {size: 3}\n  apiVersions: [a/v1]\n")},
        {**committed("app/parts/web"), **entry(globals_="helmGlobals: {chartHome: parts}\n")},
        {
            **committed(),
            "app/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n",
            "app/kustomization.yaml": "resources: [more.yaml]\nhelmCharts:\n- {name: web, releaseName: a}\n"
            "- {name: web, releaseName: b, valuesInline: {colour: red}}\n",
        },
    ],
    ids=["plain", "inline values", "a file", "merged", "chartHome", "two releases"],
)
async def test_a_chart_of_the_commit_is_what_kustomize_makes_of_it(
    files: dict[str, str], tmp_path: Path
) -> None:
    found = await yard(tmp_path / "yard").build(files, {"app"})
    assert told(found) == []
    wanted = {one["metadata"]["name"]: one for one in printed(tmp_path, files)}  # type: ignore[index]
    made = {one.ref.name: json.loads(one.content) for one in found.manifests}
    assert made == wanted
    assert {one.origin.file for one in found.manifests} <= {"app/kustomization.yaml", "app/more.yaml"}


async def test_a_chart_of_another_server_is_rendered_as_one_of_the_commit(tmp_path: Path) -> None:
    remote = RemoteCommits({})
    remote.charts[ADDRESS] = CHART
    place = yard(tmp_path)
    files = entry(f"  repo: {REPO}\n  version: 1.2.3\n  valuesInline: {{colour: red}}\n")
    found = await place.build(files, {"app"}, remote=remote)
    assert told(found) == []
    (made,) = found.manifests
    assert json.loads(made.content)["data"] == {"colour": "red", "size": "1"}
    assert (made.origin.file, made.origin.line) == ("app/kustomization.yaml", 2)

    await place.build(files, {"app"}, remote=remote)
    assert place.children == 1
    remote.charts[ADDRESS] = {**CHART, "values.yaml": "colour: grey\nsize: 7\n"}
    (made,) = (await place.build(files, {"app"}, remote=remote)).manifests
    assert (json.loads(made.content)["data"]["size"], place.children) == ("7", 2)


async def test_a_chart_that_kustomize_has_pulled_into_the_commit_is_not_asked_for(tmp_path: Path) -> None:
    remote = RemoteCommits({})
    files = {**entry(f"  repo: {REPO}\n  version: 1.2.3\n"), **committed("app/charts/web-1.2.3/web")}
    assert len((await yard(tmp_path).build(files, {"app"}, remote=remote)).manifests) == 1
    assert remote.charted == []


async def test_a_new_file_of_a_chart_is_rendered(tmp_path: Path) -> None:
    place = yard(tmp_path)
    await place.build({**committed(), **entry()}, {"app"})
    more = {"app/charts/web/templates/more.yaml": SETTINGS.replace("}}}\ndata", "}}-more}\ndata")}
    found = await place.build({**committed(), **entry(), **more}, {"app"})
    assert (len(found.manifests), place.children) == (2, 2)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (entry(), 'app/kustomization.yaml:3: chart "web" is not in this commit: commit it to app/charts/web'),
        (entry(f"  repo: {REPO}\n  version: 1.2.3\n"), "or set spec.remote: Pinned"),
        ({"app/kustomization.yaml": "helmCharts:\n- {name: web}\n"}, "needs a releaseName"),
        (
            {
                "app/kustomization.yaml": "helmCharts:\n- {name: web, releaseName: '--post-renderer=/bin/sh'}\n"
            },
            "needs a releaseName",
        ),
        ({"app/kustomization.yaml": "helmCharts:\n- {name: ../../x, releaseName: a}\n"}, "needs a name"),
        (entry("  namespace: --kubeconfig=x\n"), "namespace must be letters and digits"),
        (entry("  apiVersions: [--post-renderer=x]\n"), "apiVersions must be a list"),
        (entry("  additionalValuesFiles: ['https://h.example/v.yaml']\n"), "is refused"),
        (entry("  valuesFile: ../../../etc/passwd\n"), "leads out of the repository"),
        (entry("  debug: true\n"), "debug is not supported"),
        (entry(globals_="helmGlobals: {configHome: x}\n"), "configHome is refused"),
        (entry(globals_="helmGlobals: {chartHome: ../../..}\n"), "leads out of the repository"),
        ({"app/kustomization.yaml": "helmChartInflationGenerator:\n- {chartName: x}\n"}, "write helmCharts"),
        ({"app/kustomization.yaml": "helmCharts: x\n"}, "helmCharts must be a list"),
        ({**committed(), **entry(), "app/charts/web/link": "->/etc/passwd"}, "in the chart is not a file"),
    ],
)
async def test_what_helm_must_not_be_told_is_refused_before_it_runs(
    files: dict[str, str], why: str, tmp_path: Path
) -> None:
    place = yard(tmp_path)
    found = await place.build(files, {"app"})
    assert any(why in line for line in told(found)), told(found)
    assert place.children == 0


async def test_a_chart_that_is_other_at_each_render_is_refused(tmp_path: Path) -> None:
    files = {**committed(), **entry()}
    files["app/charts/web/templates/settings.yaml"] = SETTINGS.replace(".Values.colour", "randAlphaNum 8")
    (line,) = told(await yard(tmp_path).build(files, {"app"}))
    assert "makes other values at each render" in line


async def test_without_helm_a_chart_is_refused_and_other_kustomizations_are_built(tmp_path: Path) -> None:
    files = {
        **committed(),
        **entry(),
        "b/kustomization.yaml": "configMapGenerator:\n- {name: b, literals: [a=b]}\n",
    }
    found = await Yard(tmp_path).build(files, {"app", "b"})
    (line,) = told(found)
    assert "helm is not installed" in line
    assert len(found.manifests) == 1
