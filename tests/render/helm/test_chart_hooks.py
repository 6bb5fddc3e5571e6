"""What becomes of hooks, and of resources that Helm keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.render.helm.charts import chart
from tests.render.helm.yard import Yard


def hook(kind: str, name: str, events: str, more: str = "") -> str:
    version = {"Job": "batch/v1"}.get(kind, "v1")
    return (
        f"apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n"
        f'  annotations: {{helm.sh/hook: "{events}"{more}}}\n'
    )


WEB = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"
FILES = chart(
    templates__first_yaml=hook("Job", "first", "pre-install, pre-upgrade", ', helm.sh/hook-weight: "-5"'),
    templates__second_yaml=hook(
        "Job", "second", "pre-upgrade", ", helm.sh/hook-delete-policy: hook-succeeded"
    ),
    templates__account_yaml=hook("ServiceAccount", "account", "pre-install", ', helm.sh/hook-weight: "-5"'),
    templates__last_yaml=hook("Job", "last", "post-install,post-upgrade,post-rollback"),
    templates__test_yaml=hook("Pod", "test", "test"),
    templates__web_yaml=WEB,
)


def marks_of(found: list[Any]) -> Mapping[str, Mapping[str, str]]:
    return {one["metadata"]["name"]: one["metadata"].get("annotations", {}) for one in found}


async def test_hooks_have_their_place_before_and_after_all_else_by_weight(tmp_path: Path) -> None:
    runs = {"towline.dev/wave-gate": "Healthy", "towline.dev/force": "Enabled"}
    assert marks_of(await Yard(tmp_path).objects(FILES)) == {
        "first": {"towline.dev/wave": "-2", **runs},
        "account": {"towline.dev/wave": "-2"},
        "second": {"towline.dev/wave": "-1", **runs},
        "web": {},
        "last": {"towline.dev/wave": "1", **runs},
    }


async def test_hooks_come_before_and_after_the_waves_of_a_chart(tmp_path: Path) -> None:
    waves = "".join(
        f"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: w{wave}\n"
        f'  annotations: {{towline.dev/wave: "{wave}"}}\n'
        for wave in (-3, 4)
    )
    found = marks_of(await Yard(tmp_path).objects({**FILES, "app/templates/waves.yaml": waves}))
    assert [found[name]["towline.dev/wave"] for name in ("first", "second", "last")] == ["-5", "-4", "5"]


async def test_what_hooks_of_both_sides_need_is_there_from_the_first_one_on(tmp_path: Path) -> None:
    both = "post-install,post-upgrade,pre-install,pre-upgrade"
    files = {**FILES, "app/templates/both.yaml": hook("ServiceAccount", "both", both)}
    assert marks_of(await Yard(tmp_path).objects(files))["both"] == {"towline.dev/wave": "-1"}


async def test_hooks_may_be_left_out(tmp_path: Path) -> None:
    found = await Yard(tmp_path).objects(FILES, {"hooks": "Skip"})
    assert list(marks_of(found)) == ["web"]


async def test_hooks_may_be_refused_by_name_and_line(tmp_path: Path) -> None:
    failures = await Yard(tmp_path).refusals(FILES, {"hooks": "Refuse"})
    assert (
        "app/templates/last.yaml:1: Job/last is a Helm hook (post-install, post-rollback, post-upgrade): "
        in (" ".join(failures))
    )
    assert len(failures) == 4


async def test_hooks_that_have_no_place_in_a_plan_are_refused_by_name_and_line(tmp_path: Path) -> None:
    files = chart(
        templates__gone_yaml=hook("Job", "gone", "pre-delete"),
        templates__back_yaml=hook("Job", "back", "pre-rollback"),
        templates__both_yaml=hook("Job", "both", "post-install,pre-upgrade"),
        templates__web_yaml=WEB,
    )
    assert sorted(await Yard(tmp_path).refusals(files)) == [
        "app/templates/back.yaml:1: Job/back is a Helm hook (pre-rollback): choose spec.helm.hooks",
        "app/templates/both.yaml:1: Job/both is a Helm hook (post-install, pre-upgrade): choose spec.helm.hooks",
        "app/templates/gone.yaml:1: Job/gone is a Helm hook (pre-delete): choose spec.helm.hooks",
    ]


async def test_what_helm_keeps_is_not_pruned_unless_the_chart_says_so_to_towline(tmp_path: Path) -> None:
    kept = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n"
        "  annotations: {{helm.sh/resource-policy: keep{}}}\n"
    )
    files = chart(
        templates__a_yaml=kept.format("a", ""),
        templates__b_yaml=kept.format("b", ", towline.dev/prune: Enabled"),
    )
    found = (await Yard(tmp_path).charts(files)).built.manifests
    assert {one.ref.name: one.directives["towline.dev/prune"] for one in found} == {
        "a": "Disabled",
        "b": "Enabled",
    }


async def test_crds_may_be_left_out(tmp_path: Path) -> None:
    files = chart(
        crds__thing_yaml="apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "metadata: {name: things.example.com}\n",
        templates__web_yaml=WEB,
    )
    assert sorted(marks_of(await Yard(tmp_path).objects(files))) == ["things.example.com", "web"]
    assert list(marks_of(await Yard(tmp_path / "x").objects(files, {"crds": "Skip"}))) == ["web"]
