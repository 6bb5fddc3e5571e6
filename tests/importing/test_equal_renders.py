"""What an imported resource renders is what Flux or Argo CD renders, object by object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.importing.clones import CHART, OVERLAID, URL, checked, cloned, config, run
from tests.importing.peer_cases import ARGO, FLUX, application, kustomization, release


@pytest.mark.parametrize("name", FLUX)
def test_what_flux_renders_is_rendered(name: str, tmp_path: Path) -> None:
    text, files, counts = FLUX[name]
    cloned(tmp_path, files)
    assert_equal(checked(tmp_path, "flux", text), counts)


@pytest.mark.parametrize("name", ARGO)
def test_what_argo_cd_renders_is_rendered(name: str, tmp_path: Path) -> None:
    text, files, counts = ARGO[name]
    cloned(tmp_path, files)
    assert_equal(checked(tmp_path, "argocd", text), counts)


def assert_equal(found: Any, counts: list[int]) -> None:
    """Assert that each GitRepository renders as many objects as the resource there, and the same ones."""
    told = [
        (each["differences"], each["errors"], each["skipped"], each["same"]) for each in found["comparison"]
    ]
    assert told == [([], [], "", count) for count in counts]


DIFFERENT: dict[str, tuple[str, str, Mapping[str, str], list[str]]] = {
    "a prefix over a prefix": (
        "flux",
        kustomization("path: apps/web\nnamePrefix: eu-\n"),
        {
            "apps/web/kustomization.yaml": "namePrefix: own-\nresources: [a.yaml]\n",
            "apps/web/a.yaml": config("a"),
        },
        ["ConfigMap apps/eu-a is declared there alone", "ConfigMap apps/eu-own-a is declared here alone"],
    ),
    "labels of selectors": (
        "argocd",
        application(f"source: {{repoURL: {URL}, path: apps/web, kustomize: {{commonLabels: {{a: b}}}}}}\n"),
        {
            "apps/web/kustomization.yaml": "resources: [service.yaml]\n",
            "apps/web/service.yaml": OVERLAID["base/service.yaml"],
        },
        ["Service shop/web: /spec/selector/a: 'b' there, None here"],
    ),
    "a password": (
        "argocd",
        application(
            f"source: {{repoURL: {URL}, path: apps/web, kustomize: {{commonAnnotations: {{password: hunter2}}}}}}\n"
        ),
        {
            "apps/web/kustomization.yaml": "resources: [deployment.yaml]\n",
            "apps/web/deployment.yaml": OVERLAID["base/deployment.yaml"],
        },
        ["Deployment.apps shop/web: /spec/template/metadata/annotations"],
    ),
    "values of its own that are not read there": (
        "flux",
        release("values: {replicas: 2}\n", "valuesFiles: [env/whole.yaml], "),
        {**CHART, "env/whole.yaml": "image: {name: a, tag: b}\nextra: {a: 1}\n"},
        ["ConfigMap apps/web-extra: /data/values: "],
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_told_by_object_and_field(name: str, tmp_path: Path) -> None:
    tool, text, files, told = DIFFERENT[name]
    cloned(tmp_path, files)
    result = run(tmp_path, tool, text)
    lines = [
        line.partition("/web: ")[2]
        for line in result.stderr.splitlines()
        if " there" in line or " here" in line
    ]
    found = [line for line in lines if line.startswith(tuple(told))]
    assert len(found) == len(told), result.stderr
    assert result.exit_code == 1
    assert "hunter2" not in result.stderr


def test_what_no_clone_holds_is_not_compared(tmp_path: Path) -> None:
    text = application("source: {repoURL: 'https://git.example.com/acme/other', path: a, directory: {}}\n")
    result = run(cloned(tmp_path, {}), "argocd", text)
    assert result.exit_code == 0
    assert (
        "argocd/web: not compared: there is no clone of https://git.example.com/acme/other" in result.stderr
    )


def test_what_cannot_be_rendered_is_told_for_each_side(tmp_path: Path) -> None:
    files = {"apps/web/kustomization.yaml": "resources: [gone.yaml]\n"}
    cloned(tmp_path, files)
    result = run(tmp_path, "flux", kustomization("path: apps/web\n"))
    assert result.exit_code == 1
    assert "apps/web: cannot be rendered there: " in result.stderr
    assert "apps/web: cannot be rendered here: apps/web/kustomization.yaml:1: gone.yaml" in result.stderr


MARKED = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  namespace: shop
  labels: {kustomize.toolkit.fluxcd.io/reconcile: disabled}
  annotations:
    kustomize.toolkit.fluxcd.io/prune: disabled
    kustomize.toolkit.fluxcd.io/substitute: disabled
    argocd.argoproj.io/sync-wave: "2"
    argocd.argoproj.io/sync-options: Prune=false,ServerSideApply=true,Replace=true
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
"""


def test_what_objects_say_to_the_other_tool_alone_is_named_with_what_to_write(tmp_path: Path) -> None:
    text = application(f"source: {{repoURL: {URL}, path: apps/web, directory: {{}}}}\n")
    cloned(tmp_path, {"apps/web/a.yaml": MARKED})
    result = run(tmp_path, "argocd", text)
    lines = [line for line in result.stderr.splitlines() if line.startswith("argocd/web: ")]
    of = "argocd/web: ConfigMap shop/a: "
    assert lines == [
        (
            f"{of}kustomize.toolkit.fluxcd.io/reconcile: disabled is not read: name its file in spec.exclude, or write "
            "towline.dev/drift: Ignore"
        ),
        f"{of}argocd.argoproj.io/sync-options: Replace=true is not read: see whether it matters",
        (
            "argocd/web: Application argocd/web: it is a resource of the other tool itself: import it, and remove it "
            "from Git before Enforce"
        ),
        "argocd/web: 2 objects the same, 0 different",
    ]
    assert result.exit_code == 1


def test_jsonnet_is_not_compared(tmp_path: Path) -> None:
    text = application(f"source: {{repoURL: {URL}, path: apps/web, directory: {{}}}}\n")
    cloned(tmp_path, {"apps/web/a.jsonnet": "{}"})
    assert "cannot be rendered there: a.jsonnet is Jsonnet" in run(tmp_path, "argocd", text).stderr
