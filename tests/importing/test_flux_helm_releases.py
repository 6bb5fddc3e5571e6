"""A HelmRelease of Flux becomes a GitRepository that renders the same chart."""

from __future__ import annotations

import pytest
from towline.importing.draft import Draft
from towline.importing.flux import helm_releases
from towline.importing.flux.flux_sources import Resources
from towline.importing.homes import Home, Homes

from tests.importing.peers import FLEET, clone, message, resources, told

SOURCES = f"""\
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: fleet, namespace: apps}}
spec: {{interval: 5m, url: {FLEET}, ref: {{branch: main}}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {{name: charts, namespace: apps}}
spec: {{url: https://charts.example.com, secretRef: {{name: charts}}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {{name: podinfo, namespace: apps}}
spec: {{url: oci://registry.example.com/charts/podinfo, ref: {{tag: 6.5.0}}, interval: 10m}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmChart
metadata: {{name: podinfo, namespace: apps}}
spec: {{chart: podinfo, version: 6.5.0, sourceRef: {{kind: HelmRepository, name: charts}}}}
"""
IN_GIT = "{spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: fleet}}}"
ELSEWHERE = "{spec: {chart: podinfo, version: 6.5.0, sourceRef: {kind: HelmRepository, name: charts}}}"
AT_HOME = Homes(of_files={"apps.yaml": Home(url=FLEET, path="releases")})


def release(
    spec: str = "", chart: str = f"chart: {IN_GIT}", known: Homes | None = None, more: str = ""
) -> Draft:
    """Convert a HelmRelease, whose spec goes on in line 6, with all sources."""
    text = f"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: web, namespace: apps}}
spec:
  {chart}
{spec}
{more}
{SOURCES}"""
    found = resources(text)
    return helm_releases.convert(found[0], Resources(found), known or Homes())


def test_a_chart_in_git_is_rendered_from_its_folder() -> None:
    draft = release()
    assert draft.spec == {
        "path": "charts/web",
        "url": FLEET,
        "ref": {"branch": "main"},
        "interval": "5m",
        "render": "Helm",
        "defaultNamespace": "apps",
        "helm": {"releaseName": "web", "namespace": "apps"},
        "drift": "Report",
    }


@pytest.mark.parametrize(
    ("chart", "named"),
    [
        (
            f"chart: {ELSEWHERE}",
            {"repo": "https://charts.example.com", "name": "podinfo", "version": "6.5.0"},
        ),
        (
            "chartRef: {kind: OCIRepository, name: podinfo}",
            {"repo": "oci://registry.example.com/charts", "name": "podinfo", "version": "6.5.0"},
        ),
        (
            "chartRef: {kind: HelmChart, name: podinfo}",
            {"repo": "https://charts.example.com", "name": "podinfo", "version": "6.5.0"},
        ),
    ],
)
def test_a_chart_from_elsewhere_is_pinned_and_at_home_where_its_release_is_described(
    chart: str, named: dict[str, str]
) -> None:
    spec = release(chart=chart, known=AT_HOME).spec
    assert (spec["url"], spec["path"], spec["remote"]) == (FLEET, "releases", "Pinned")
    assert spec["helm"]["chart"] == named


def test_the_credentials_of_a_chart_repository_are_named() -> None:
    spec = release(chart=f"chart: {ELSEWHERE}", known=AT_HOME).spec
    assert spec["remotes"] == [{"prefix": "https://charts.example.com", "secretRef": {"name": "charts"}}]


def test_a_release_without_a_repository_needs_one() -> None:
    draft = release(chart=f"chart: {ELSEWHERE}")
    assert draft.spec == {}
    assert "--repo and --path" in message(draft, "")
    given = Homes(given=Home(url=FLEET, path="values/web"))
    assert release(chart=f"chart: {ELSEWHERE}", known=given).spec["path"] == "values/web"


def test_a_range_of_versions_stays_at_what_runs() -> None:
    chart = f"chart: {ELSEWHERE.replace('6.5.0', '6.x')}"
    draft = release(chart=chart, known=AT_HOME)
    assert (draft.spec, told(draft)) == ({}, ["5 spec.chart.spec.version: not imported"])
    running = release(chart=chart, known=AT_HOME, more="status: {history: [{chartVersion: 6.5.4}]}")
    assert running.spec["helm"]["chart"]["version"] == "6.5.4"


@pytest.mark.parametrize(
    ("given", "name", "namespace"),
    [
        ("", "web", "apps"),
        ("  targetNamespace: shop", "shop-web", "shop"),
        ("  releaseName: other\n  targetNamespace: shop", "other", "shop"),
        ("  releaseName: " + "a" * 60, "a" * 40 + "-11ee391211c6", "apps"),
    ],
)
def test_the_release_has_the_name_and_namespace_that_flux_gives_it(
    given: str, name: str, namespace: str
) -> None:
    draft = release(given)
    assert draft.spec["helm"] == {"releaseName": name, "namespace": namespace}
    assert draft.spec["defaultNamespace"] == namespace


def test_values_are_carried_over_in_their_order() -> None:
    given = """\
  valuesFrom:
    - {kind: ConfigMap, name: a}
    - {kind: Secret, name: b, valuesKey: x, targetPath: db.password, optional: true}
  values: {replicas: 2, nothing: null}
"""
    assert release(given).spec["helm"] == {
        "releaseName": "web",
        "namespace": "apps",
        "valuesFrom": [
            {"kind": "ConfigMap", "name": "a"},
            {"kind": "Secret", "name": "b", "valuesKey": "x", "targetPath": "db.password", "optional": True},
        ],
        "values": {"replicas": 2, "nothing": None},
    }


def test_values_files_are_from_the_root_and_the_charts_own_counts_too() -> None:
    files = "valuesFiles: [./charts/web/values.yaml, ./env/prod.yaml]"
    draft = release(chart=f"chart: {IN_GIT.replace('sourceRef', f'{files}, sourceRef')}")
    assert draft.spec["helm"]["valuesFiles"] == ["env/prod.yaml"]
    assert not [line for line in told(draft) if "valuesFiles" in line]
    other = release(chart=f"chart: {IN_GIT.replace('sourceRef', 'valuesFiles: [env/prod.yaml], sourceRef')}")
    assert "charts/web/values.yaml counts, too" in message(other, "spec.chart.spec.valuesFiles")


def test_a_null_over_another_file_of_values_is_named() -> None:
    chart = (
        f"chart: {IN_GIT.replace('sourceRef', 'valuesFiles: [charts/web/values.yaml, a.yaml], sourceRef')}"
    )
    assert "a null removes" in message(release("  values: {a: {b: null}}", chart=chart), "spec.values")
    assert not [line for line in told(release("  values: {a: {b: null}}")) if "spec.values" in line]


def test_values_files_that_may_be_missing_are_those_of_the_clone() -> None:
    files = "ignoreMissingValuesFiles: true, valuesFiles: [charts/web/values.yaml, env/gone.yaml, env/a.yaml]"
    chart = f"chart: {IN_GIT.replace('sourceRef', f'{files}, sourceRef')}"
    known = clone({"charts/web/values.yaml": "", "env/a.yaml": ""})
    assert release(chart=chart, known=known).spec["helm"]["valuesFiles"] == ["env/a.yaml"]


@pytest.mark.parametrize(
    ("given", "helm"),
    [
        ("  install: {crds: Skip}", {"crds": "Skip"}),
        ("  install: {skipCRDs: true}", {"crds": "Skip"}),
        ("  install: {crds: Skip}\n  upgrade: {crds: CreateReplace}", {}),
        ("  install: {disableHooks: true}\n  upgrade: {disableHooks: true}", {"hooks": "Skip"}),
        ("  install: {disableHooks: true}", {}),
    ],
)
def test_crds_and_hooks_are_left_out_where_flux_leaves_them_out(given: str, helm: dict[str, str]) -> None:
    assert release(given).spec["helm"] == {"releaseName": "web", "namespace": "apps", **helm}


@pytest.mark.parametrize(
    ("given", "drift"),
    [
        ("", "Report"),
        ("  driftDetection: {mode: warn}", "Report"),
        ("  driftDetection: {mode: enabled}", None),
    ],
)
def test_drift_is_repaired_only_where_flux_repairs_it(given: str, drift: str | None) -> None:
    assert release(given).spec.get("drift") == drift


def test_post_renderers_and_metadata_are_an_overlay() -> None:
    given = """\
  commonMetadata: {labels: {team: web}}
  postRenderers:
    - kustomize: {images: [{name: nginx, newTag: '1.27'}]}
    - kustomize: {patches: [{patch: 'a', target: {kind: Deployment}}]}
"""
    draft = release(given)
    assert draft.spec["kustomize"] == {
        "labels": {"team": "web"},
        "images": [{"name": "nginx", "newTag": "1.27"}],
        "patches": [{"patch": "a", "target": {"kind": "Deployment"}}],
    }
    assert "7 spec.postRenderers: different" in told(draft)


def test_what_has_no_equal_is_named_with_its_line() -> None:
    given = """\
  install:
    createNamespace: true
    remediation: {retries: 3}
    disableWait: true
  upgrade: {cleanupOnFail: false, force: true}
  test: {enable: true}
  driftDetection: {mode: enabled, ignore: [{paths: [/spec/replicas], target: {kind: Deploy.*}}]}
"""
    assert [line for line in told(release(given)) if "not carried over" in line] == [
        "7 spec.install.createNamespace: not carried over",
        "8 spec.install.remediation: not carried over",
        "10 spec.upgrade.force: not carried over",
        "11 spec.test: not carried over",
        "12 spec.driftDetection.ignore[0]: not carried over",
    ]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ("  kubeConfig: {secretRef: {name: a}}", "spec.kubeConfig"),
        ("  upgrade: {preserveValues: true}", "spec.upgrade.preserveValues"),
        ("  values: [a]", "spec.values"),
    ],
)
def test_what_cannot_be_rendered_from_git_is_refused(given: str, field: str) -> None:
    draft = release(given)
    assert (draft.spec, told(draft)) == ({}, [f"6 {field}: not imported"])


def test_a_field_of_the_wrong_shape_in_a_source_is_named_in_its_line() -> None:
    draft = release(
        chart="chart: {spec: {chart: a, version: 1.0.0, sourceRef: {kind: HelmRepository, name: bad}}}",
        more="---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\n"
        "metadata: {name: bad, namespace: apps}\nspec:\n  url: [a]\n",
    )
    assert (draft.spec, told(draft)) == ({}, ["12 spec.url: not imported"])
