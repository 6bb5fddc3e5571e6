"""Annotations of other tools that mean what Towline's own mean."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from towline.api import labels
from towline.model import ObjectRef, Origin
from towline.plan import manifest, waves

REF = ObjectRef("", "ConfigMap", "shop", "a")


def asked(annotations: Mapping[str, str]) -> Mapping[str, object]:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "annotations": dict(annotations)},
    }
    return manifest.declare(body, REF, "v1:x", Origin("a.yaml", 1)).directives


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        ("kustomize.toolkit.fluxcd.io/prune", "Disabled"),
        ("helm.sh/resource-policy", "keep"),
        ("argocd.argoproj.io/sync-options", "ServerSideApply=true, Prune=false"),
        ("argocd.argoproj.io/sync-options", "Delete=confirm"),
    ],
)
def test_an_object_that_another_tool_would_keep_is_kept(name: str, value: str) -> None:
    assert asked({name: value}) == {labels.PRUNE: "Disabled"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("kustomize.toolkit.fluxcd.io/force", "enabled"), ("argocd.argoproj.io/sync-options", "Force=true")],
)
def test_an_object_that_another_tool_would_replace_is_replaced(name: str, value: str) -> None:
    assert asked({name: value}) == {labels.FORCE: "Enabled"}


def test_a_sync_wave_is_a_wave() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "annotations": {"argocd.argoproj.io/sync-wave": "-5"}},
    }
    assert waves.step(waves.wave(manifest.declare(body, REF, "v1:x", Origin("a.yaml", 1)))) == -5


@pytest.mark.parametrize("wave", ["soon", "1.5", "", "99999"])
def test_a_sync_wave_that_is_no_number_is_nothing(wave: str) -> None:
    assert asked({"argocd.argoproj.io/sync-wave": wave}) == {}


def test_what_towline_itself_is_asked_wins() -> None:
    both = {
        "helm.sh/resource-policy": "keep",
        labels.PRUNE: "Enabled",
        labels.WAVE: "1",
        "argocd.argoproj.io/sync-wave": "7",
    }
    assert asked(both) == {labels.PRUNE: "Enabled", labels.WAVE: "1"}


def test_nothing_of_it_counts_as_an_old_spelling() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "annotations": {"helm.sh/resource-policy": "keep"}},
    }
    assert manifest.old_spellings(manifest.declare(body, REF, "v1:x", Origin("a.yaml", 1))) == ()
