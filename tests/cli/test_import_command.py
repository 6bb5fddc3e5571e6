"""`towline import`, as a person or a script calls it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import click.testing
import pytest
import yaml
from towline.cli.imports import imports

URL = "https://git.example.com/acme/fleet"
KUSTOMIZATION = f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: fleet, namespace: apps}}
spec: {{url: {URL}, interval: 5m, ref: {{branch: main}}}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: web, namespace: apps}}
spec:
  path: ./web
  prune: true
  interval: 10m
  sourceRef: {{kind: GitRepository, name: fleet}}
"""
APPLICATION = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: web, namespace: argocd}}
spec:
  project: shop
  destination: {{server: 'https://kubernetes.default.svc', namespace: shop}}
  source: {{repoURL: {URL}, path: web, directory: {{recurse: true}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a clone with both of them."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", URL)
    write(tmp_path, "clusters/flux.yaml", KUSTOMIZATION)
    write(tmp_path, "clusters/argo.yaml", APPLICATION)
    write(tmp_path, "web/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n")
    write(tmp_path, "charts/web/templates/web.yaml", "{{ if .Values.on }}\nkind: [\n{{ end }}\n")
    git(tmp_path, "add", "--all")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(*arguments: str | Path, given: str = "") -> click.testing.Result:
    return click.testing.CliRunner().invoke(imports, [str(each) for each in arguments], input=given)


def made(result: click.testing.Result) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(result.stdout))


@pytest.mark.parametrize("tool", ["flux", "argocd"])
def test_what_is_printed_begins_under_observe_and_may_adopt_what_is_there(tool: str, folder: Path) -> None:
    result = run(tool, folder)
    assert result.exit_code == 0, result.stderr
    (repository,) = made(result)
    assert (repository["kind"], repository["metadata"]["name"]) == ("GitRepository", "web")
    spec = repository["spec"]
    assert (spec["url"], spec["path"], spec["mode"], spec["adopt"]) == (URL, "web", "Observe", "Any")


def test_each_resource_is_printed_under_where_it_comes_from(folder: Path) -> None:
    file = folder / "clusters" / "flux.yaml"
    assert f"---\n# from Kustomization apps/web ({file}:6)\napiVersion" in run("flux", file).stdout


def test_files_folders_and_standard_input_are_read(folder: Path) -> None:
    file = folder / "clusters" / "flux.yaml"
    expected = made(run("flux", file))
    assert made(run("flux", folder)) == expected
    assert made(run("flux", "-", given=KUSTOMIZATION)) == expected
    assert (
        made(
            run(
                "flux",
                "-",
                given=json.dumps({"kind": "List", "items": list(yaml.safe_load_all(KUSTOMIZATION))}),
            )
        )
        == expected
    )


def test_what_is_not_carried_over_has_its_file_and_line(folder: Path) -> None:
    result = run("argocd", folder / "clusters" / "argo.yaml")
    assert "argo.yaml:5: Application argocd/web: spec.project: not carried over: " in result.stderr


def test_json_holds_resources_notes_and_the_handover(folder: Path) -> None:
    found = json.loads(run("flux", folder, "-o", "json").stdout)
    assert [each["object"]["metadata"]["name"] for each in found["resources"]] == ["web"]
    assert {"kind", "resource", "field", "message", "file", "line"} == set(found["notes"][0])
    assert [step["title"] for step in found["handover"]] == [
        "Suspend there",
        "Observe here",
        "Compare",
        "Enforce here",
        "Remove there",
    ]


def test_the_handover_asks_and_compares_by_the_verbs_of_towline(folder: Path) -> None:
    steps = {
        each["title"]: each["commands"]
        for each in json.loads(run("flux", folder, "-o", "json").stdout)["handover"]
    }
    assert steps["Compare"] == [
        "towline sync web -n apps --wait",
        'towline show "$(towline log web -n apps -o name | sed -n 1p)" -n apps',
    ]
    assert steps["Enforce here"][-1] == "towline sync web -n apps --wait"


def test_nothing_is_deleted_before_it_is_suspended_and_orphaned(folder: Path) -> None:
    lines = [line for line in run("flux", folder).stderr.splitlines() if line.startswith("kubectl")]
    of = "kustomizations.kustomize.toolkit.fluxcd.io/web -n apps"
    orphaned = f'kubectl patch {of} --type=merge -p \'{{"spec":{{"suspend":true,"prune":false}}}}\''
    assert lines[0] == f'kubectl patch {of} --type=merge -p \'{{"spec":{{"suspend":true}}}}\''
    assert lines[-2:] == [orphaned, f"kubectl delete {of}"]


def test_a_release_is_deleted_while_it_is_suspended_and_its_secrets_are_listed(folder: Path) -> None:
    git_source = KUSTOMIZATION.partition("---")[0]
    chart = "chart: {spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: fleet}}}"
    release = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: apps}\n"
    )
    text = f"{git_source}---\n{release}spec: {{{chart}, targetNamespace: shop, storageNamespace: store}}\n"
    lines = [line for line in run("flux", "-", given=text).stderr.splitlines() if line.startswith("kubectl")]
    of = "helmreleases.helm.toolkit.fluxcd.io/web -n apps"
    assert lines[0] == f'kubectl patch {of} --type=merge -p \'{{"spec":{{"suspend":true}}}}\''
    assert lines[-2:] == [
        f"kubectl delete {of}",
        "kubectl get secrets -n store -l owner=helm,name=shop-web",
    ]


def test_an_application_loses_its_finalizer_before_it_is_deleted(folder: Path) -> None:
    lines = [line for line in run("argocd", folder).stderr.splitlines() if line.startswith("kubectl")]
    of = "applications.argoproj.io/web -n argocd"
    assert (
        lines[0] == f'kubectl patch {of} --type=merge -p \'{{"spec":{{"syncPolicy":{{"automated":null}}}}}}\''
    )
    assert lines[-2:] == [
        f'kubectl patch {of} --type=merge -p \'{{"metadata":{{"finalizers":null}}}}\'',
        f"kubectl delete {of}",
    ]


def test_a_file_that_cannot_be_read_is_named_with_its_line_and_the_rest_is_imported(folder: Path) -> None:
    bad = write(folder, "bad.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: [\n")
    result = run("argocd", folder)
    assert result.exit_code == 1
    assert len(made(result)) == 1
    assert f"{bad}:3: " in result.stderr
    assert "templates/web.yaml" not in result.stderr


def test_a_resource_that_is_refused_ends_with_exit_code_1_and_the_others_are_printed(folder: Path) -> None:
    write(
        folder,
        "clusters/prod.yaml",
        APPLICATION.replace("name: web", "name: prod").replace(
            "https://kubernetes.default.svc", "https://prod"
        ),
    )
    result = run("argocd", folder)
    assert (result.exit_code, len(made(result))) == (1, 1)
    assert "prod.yaml:6: Application argocd/prod: spec.destination: not imported: " in result.stderr


def test_a_git_repository_that_the_crd_refuses_is_not_printed(folder: Path) -> None:
    write(folder, "clusters/flux.yaml", KUSTOMIZATION.replace("./web", "../web"))
    result = run("flux", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "spec.path: must not hold .." in result.stderr


def test_two_of_one_name_are_told_apart(folder: Path) -> None:
    other = KUSTOMIZATION.replace("namespace: apps", "namespace: other")
    result = run("flux", "-", "--namespace", "all", given=f"{KUSTOMIZATION}---\n{other}")
    assert [each["metadata"] for each in made(result)] == [
        {"name": "web", "namespace": "all"},
        {"name": "other-web", "namespace": "all"},
    ]
    assert "it is called other-web" in result.stderr


def test_a_chart_from_elsewhere_is_at_home_where_its_release_is_and_no_token_is_printed(folder: Path) -> None:
    git(folder, "config", "remote.origin.url", "https://me:hunter2@git.example.com/acme/fleet")
    text = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: apps}
spec: {url: 'https://charts.example.com'}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: podinfo, namespace: apps}
spec: {chart: {spec: {chart: podinfo, version: 6.5.0, sourceRef: {kind: HelmRepository, name: charts}}}}
"""
    result = run("flux", write(folder, "releases/podinfo.yaml", text))
    (repository,) = made(result)
    assert (repository["spec"]["url"], repository["spec"]["path"]) == (URL, "releases")
    assert repository["spec"]["helm"]["chart"]["name"] == "podinfo"
    assert "hunter2" not in result.output


def test_a_repository_of_values_alone_is_suspended_and_nothing_waits_for_it(folder: Path) -> None:
    write(folder, "charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
    git(folder, "add", "--all")
    config = "https://git.example.com/acme/config"
    sources = f"""\
  sources:
    - {{repoURL: {URL}, path: charts/web, helm: {{valueFiles: [$config/prod.yaml]}}}}
    - {{repoURL: {config}, ref: config}}
"""
    head = APPLICATION.partition("  source:")[0]
    result = run("argocd", write(folder, "clusters/argo.yaml", f"{head}{sources}"))
    chart, values = made(result)
    assert chart["spec"]["helm"]["valuesFrom"] == [
        {"gitRepository": {"name": "web-config", "path": "prod.yaml"}}
    ]
    assert (values["metadata"]["name"], values["spec"]["url"]) == ("web-config", config)
    assert values["spec"]["suspend"] is True
    assert result.exit_code == 0
    assert not [
        line for line in result.stderr.splitlines() if line.startswith("kubectl") and "web-config" in line
    ]


def test_a_set_and_its_applications_from_a_cluster_are_one_import(folder: Path) -> None:
    owned = APPLICATION.replace(
        "namespace: argocd}", "namespace: argocd, ownerReferences: [{kind: ApplicationSet, name: all}]}"
    )
    of_a_set = (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all, namespace: argocd}\n"
    )
    text = f"{owned}---\n{of_a_set}spec: {{generators: [{{clusters: {{}}}}]}}\n"
    result = run("argocd", "-", given=text)
    assert (result.exit_code, len(made(result))) == (0, 1)
    lines = [line for line in result.stderr.splitlines() if line.startswith("kubectl")]
    frozen = '{"spec":{"syncPolicy":{"applicationsSync":"create-only","preserveResourcesOnDeletion":true}}}'
    assert lines[0] == f"kubectl patch applicationsets.argoproj.io/all -n argocd --type=merge -p '{frozen}'"
    assert lines[-3:] == [
        "kubectl delete applicationsets.argoproj.io/all -n argocd --cascade=orphan",
        'kubectl patch applications.argoproj.io/web -n argocd --type=merge -p \'{"metadata":{"finalizers":null}}\'',
        "kubectl delete applications.argoproj.io/web -n argocd",
    ]


def test_one_that_is_there_twice_is_imported_once_and_both_places_are_named(folder: Path) -> None:
    second = write(folder, "clusters/staging.yaml", KUSTOMIZATION.replace("./web", "./staging"))
    result = run("flux", folder)
    assert result.exit_code == 1
    assert [each["spec"]["path"] for each in made(result)] == ["web"]
    told = f"{second}:6: Kustomization apps/web: not imported: it is in {folder}/clusters/flux.yaml:6, too"
    assert told in result.stderr


def test_a_patch_of_a_resource_is_not_read_and_named(folder: Path) -> None:
    head = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: web}\n"
    file = write(folder, "overlay/patch.yaml", f"{head}spec: {{force: true}}\n")
    result = run("flux", folder)
    assert (result.exit_code, len(made(result))) == (0, 1)
    told = f"Kustomization apps/web: spec: not carried over: {file} patches it, which is not read"
    assert told in result.stderr


def test_a_resource_without_a_namespace_is_put_into_the_one_that_is_named_or_assumed() -> None:
    text = KUSTOMIZATION.replace(", namespace: apps", "")
    assumed = run("flux", "-", given=text)
    assert made(assumed)[0]["metadata"]["namespace"] == "default"
    assert "it names no namespace, so default is taken" in assumed.stderr
    named = run("flux", "-", "--namespace", "shop", given=text)
    assert made(named)[0]["metadata"]["namespace"] == "shop"
    assert "names no namespace" not in named.stderr


def test_resources_of_the_other_tool_in_the_path_are_named(folder: Path) -> None:
    write(folder, "clusters/flux.yaml", KUSTOMIZATION.replace("./web", "./"))
    told = "its path declares GitRepository apps/fleet and 1 more, imported by itself"
    assert told in run("flux", folder / "clusters" / "flux.yaml").stderr
    write(folder, "clusters/flux.yaml", KUSTOMIZATION)
    assert "its path declares" not in run("flux", folder).stderr


def test_what_must_be_copied_to_another_namespace_is_named() -> None:
    fields = "  decryption: {provider: sops, secretRef: {name: age}}\n"
    fields += "  postBuild: {substituteFrom: [{kind: ConfigMap, name: vars}, {kind: Secret, name: more}]}\n"
    text = KUSTOMIZATION.replace("{branch: main}}", "{branch: main}, secretRef: {name: git}}") + fields
    result = run("flux", "-", "--namespace", "shop", given=text)
    assert "metadata: different: ConfigMap vars, Secret age, Secret git, Secret more: " in result.stderr
    assert "so copy them to shop" in result.stderr
    assert "copy them" not in run("flux", "-", given=text).stderr


def test_dependencies_that_are_not_imported_are_named(folder: Path) -> None:
    write(folder, "clusters/flux.yaml", f"{KUSTOMIZATION}  dependsOn: [{{name: gone}}]\n")
    result = run("flux", folder)
    assert "dependsOn" not in made(result)[0]["spec"]
    assert "Kustomization apps/gone is not imported" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("flux",),
        ("flux", "nothing.yaml"),
        ("flux", "-", "-n", "apps"),
        ("flux", "-", "--path", "a"),
        ("flux", "-"),
    ],
)
def test_a_wrong_call_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_what_a_note_repeats_of_a_file_stays_on_one_line(folder: Path) -> None:
    write(folder, "clusters/argo.yaml", APPLICATION.replace("name: web", 'name: "a\\nb\\e[2K"'))
    result = run("argocd", folder)
    assert result.exit_code == 1
    assert "\x1b" not in result.output
