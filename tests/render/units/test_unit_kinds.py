"""Which folders kustomize builds, and which are charts."""

from __future__ import annotations

import pytest
from towline.api.gitrepository import Render
from towline.render.units import unit_kinds

from tests.render.units.trees import entry

K, C = "kustomization.yaml", "Chart.yaml"


def split(*paths: str, render: Render = Render.AUTO) -> tuple[list[str], list[str]]:
    found = unit_kinds.split([entry(path, "") for path in paths], render)
    assert found.failures == ()
    return sorted(found.kustomizations), sorted(found.charts)


def test_a_chart_in_a_chart_is_no_unit() -> None:
    assert split(f"a/{C}", f"a/charts/b/{C}", f"ab/{C}") == ([], ["a", "ab"])


def test_what_is_in_the_folder_of_another_unit_belongs_to_that() -> None:
    assert split(f"a/{K}", f"a/charts/b/{C}", f"c/{C}", f"c/example/{K}", f"c/x/y/{C}") == (["a"], ["c"])


def test_a_chart_at_the_root_holds_everything() -> None:
    assert split(C, f"a/{C}", f"b/{K}") == ([], [""])


def test_a_folder_that_is_both_is_refused_until_the_spec_says_what_it_is() -> None:
    paths = (f"a/{K}", f"a/{C}", f"b/{C}")
    (failure,) = unit_kinds.split([entry(path, "") for path in paths], Render.AUTO).failures
    assert (failure.file, "set spec.render to Kustomize or Helm" in failure.message) == (f"a/{C}", True)
    assert split(*paths, render=Render.HELM) == ([], ["a", "b"])
    assert split(*paths, render=Render.KUSTOMIZE) == (["a"], ["b"])


@pytest.mark.parametrize("render", Render)
def test_without_markers_there_are_no_units(render: Render) -> None:
    assert split(render=render) == ([], [])
