"""Charts that are refused before Helm sees them, and what Helm cannot do where it is confined."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from towline.errors import Reason
from towline.render.helm import chart_parts, template_text

from tests.render.helm.charts import FIXTURES, SETTINGS, chart
from tests.render.helm.test_chart_origins import packed
from tests.render.helm.yard import Yard, options, told

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n"

REFUSED: Mapping[str, tuple[Mapping[str, str], list[str]]] = {
    "dependencies that are missing, also one that is off": (
        chart(
            more="dependencies:\n- name: redis\n  version: 18.1.0\n- {name: db, condition: db.enabled}\n",
            values_yaml="db: {enabled: false}\n",
        ),
        [
            "app/Chart.yaml:6: redis 18.1.0 is not in charts/: run helm dependency build and commit what it adds there",
            "app/Chart.yaml:8: db is not in charts/: run helm dependency build and commit what it adds there",
        ],
    ),
    "schemas of other servers and other files": (
        chart(
            values_schema_json='{\n "$schema": "https://example.com/own",\n "properties": {\n'
            '  "a": {"$ref": "https://example.com/a"},\n  "b": {"$ref": "file:///etc/hostname"},\n'
            '  "c": {"\\u0024ref": "http://example.com/c"}\n }\n}\n'
        ),
        [
            "app/values.schema.json:2: a remote $schema is refused (https://example.com/own): copy",
            "app/values.schema.json:4: a remote $ref is refused (https://example.com/a): copy",
            "app/values.schema.json:5: a remote $ref is refused (file:///etc/hostname): copy",
            "app/values.schema.json:1: a remote $ref is refused (http://example.com/c): copy",
        ],
    ),
    "Git LFS pointers": (
        chart(templates__s_yaml=POINTER, charts__db_tgz=POINTER),
        [
            "app/charts/db.tgz:0: the archive is not a packed chart",
            "app/charts/db.tgz:1: the file is a Git LFS",
            "app/templates/s.yaml:1: the file is a Git LFS",
        ],
    ),
    "a symlink out of the repository": (
        {**chart(), "app/templates/s.yaml": "->/etc/hostname", "app/files": "->../../outside"},
        [
            "app/files:0: this symlink leads out of the repository",
            "app/templates/s.yaml:0: this symlink leads out of the repository",
        ],
    ),
    "symlinks in circles and to nothing": (
        {**chart(), "app/files/up": "->..", "app/self": "->self", "app/none": "->nowhere"},
        [
            "app/files/up:0: this symlink leads in a circle",
            "app/none:0: this symlink does not lead to a file or folder of this commit",
            "app/self:0: this symlink leads in a circle",
        ],
    ),
    "a Chart.yaml that cannot be read": (
        {**chart(), "app/Chart.yaml": "name: a\nname: b\n"},
        ["app/Chart.yaml:2: "],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_everything_that_is_wrong_with_a_chart_is_told_without_a_child(
    tmp_path: Path, name: str
) -> None:
    files, expected = REFUSED[name]
    yard = Yard(tmp_path)
    failures = sorted(await yard.refusals(files))
    assert len(failures) == len(expected), failures
    for failure, begin in zip(failures, sorted(expected), strict=True):
        assert failure.startswith(begin)
    assert yard.children == 0


async def test_a_symlink_out_of_the_repository_has_a_reason_of_its_own(tmp_path: Path) -> None:
    found = await Yard(tmp_path).charts({**chart(), "app/x": "->/etc"})
    assert [one.reason for one in found.built.failures] == [Reason.SYMLINK_REFUSED]


async def test_symlinks_to_files_and_folders_of_the_commit_are_followed(tmp_path: Path) -> None:
    files = {
        **chart(),
        "app/templates/one.yaml": "->../../shared/one.yaml",
        "app/templates/more": "->../../shared/folder",
        "shared/one.yaml": SETTINGS,
        "shared/folder/two.yaml": SETTINGS.replace("settings", "two"),
    }
    found = await Yard(tmp_path).objects(files)
    assert sorted(one["metadata"]["name"] for one in found) == ["settings", "two"]


@pytest.mark.parametrize(
    ("helm", "why"),
    [
        (
            {"valuesFiles": ["absent.yaml"]},
            "app/Chart.yaml:0: spec.helm.valuesFiles[0]: absent.yaml is not in this commit",
        ),
        ({"valuesFiles": ["list.yaml"]}, "list.yaml:1: values must be a map"),
        ({"valuesFiles": ["twice.yaml"]}, 'twice.yaml:2: the key "a" is in line 1 already'),
        ({"valuesFiles": ["bomb.yaml"]}, "bomb.yaml:"),
        ({"valuesFiles": ["pointer.yaml"]}, "pointer.yaml:1: the file is a Git LFS pointer"),
        (
            {"valuesFiles": ["sealed.yaml"]},
            "sealed.yaml:1: encrypted by SOPS, and spec.decryption is not set",
        ),
    ],
)
async def test_values_that_cannot_be_used_are_refused_at_their_place(
    tmp_path: Path, helm: dict[str, Any], why: str
) -> None:
    rows = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    files = {
        **chart(templates__s_yaml=SETTINGS),
        "list.yaml": "- a\n",
        "twice.yaml": "a: 1\na: 2\n",
        "bomb.yaml": f"l0: &l0 [x, x]\n{rows}",
        "pointer.yaml": POINTER,
        "sealed.yaml": "a: ENC[AES256_GCM,data:x]\nsops: {mac: x, version: 3.9.0}\n",
    }
    yard = Yard(tmp_path)
    (failure,) = await yard.refusals(files, helm)
    assert failure.startswith(why)
    assert yard.children == 0


async def test_an_endless_template_is_killed_and_leaves_nothing(tmp_path: Path) -> None:
    files = chart(
        templates__s_yaml='{{ define "more" }}{{ $x := repeat 1000000 "x" }}{{ range until 100000 }}{{ $x }}{{ end }}'
        '{{ end }}a: {{ include "more" . | quote }}\n'
    )
    yard = Yard(tmp_path)
    (failure,) = await yard.refusals(files)
    assert failure.startswith("app/Chart.yaml:0: the render ")
    assert yard.is_clean


async def test_what_takes_too_long_is_tried_again_and_known_to_be_costly(tmp_path: Path) -> None:
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    endless.chmod(0o755)
    yard = Yard(tmp_path, str(endless), seconds=1)
    files = chart(templates__s_yaml=SETTINGS)
    built, again = await yard.charts(files), await yard.charts(files)
    (failure,) = told(built)
    assert failure.startswith("app/Chart.yaml:0: the render took more than 1 s")
    assert (again.built.is_costly, yard.children) == (True, 2)


async def test_a_chart_sees_neither_environment_nor_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "ran"
    plugin = tmp_path / "plugins" / "evil"
    plugin.mkdir(parents=True)
    (plugin / "run.sh").write_text(f"#!/bin/sh\necho >{mark}\n")
    (plugin / "run.sh").chmod(0o755)
    (plugin / "plugin.yaml").write_text(
        "name: evil\nversion: 1.0.0\ncommand: $HELM_PLUGIN_DIR/run.sh\n"
        "downloaders:\n- {command: run.sh, protocols: [evil]}\n"
    )
    monkeypatch.setenv("HELM_PLUGINS", str(tmp_path / "plugins"))
    monkeypatch.setenv("HELM_DRIVER", "memory")
    monkeypatch.setenv("SECRET_OF_THE_OPERATOR", "hunter2hunter2")
    files = {
        **FIXTURES["tpl, fromYaml and files"],
        "app/plugin.yaml": "name: own\nversion: 1.0.0\ncommand: 'true'\n",
    }
    (one,) = await Yard(tmp_path).objects(files)
    assert one["data"]["outside"] == ""
    (failure,) = await Yard(tmp_path / "x").refusals(chart(templates__s_yaml='a: {{ env "HOME" }}\n'))
    assert 'function "env" not defined' in failure
    assert not mark.exists()


async def test_values_are_never_addresses_or_arguments(tmp_path: Path) -> None:
    files = {
        **chart(templates__s_yaml=SETTINGS),
        "--post-renderer=x.yaml": "a: 1\n",
        "evil:/x.yaml": "b: 2\n",
    }
    given = {"valuesFiles": ["--post-renderer=x.yaml", "evil:/x.yaml"], "values": {"--set": "c=1"}}
    (one,) = await Yard(tmp_path).objects(files, given)
    assert one["data"]["all"] == '{"--set":"c=1","a":1,"b":2}'


async def test_without_helm_a_chart_says_what_to_do(tmp_path: Path) -> None:
    yard = Yard(tmp_path, "/nonexistent/helm")
    (failure,) = await yard.refusals(chart(templates__s_yaml=SETTINGS))
    assert failure == (
        "app/Chart.yaml:0: helm is not installed where the operator runs: add helm 4 to its image, "
        "or name its path with --helm"
    )


async def test_a_chart_for_a_newer_cluster_names_both_versions(tmp_path: Path) -> None:
    (failure,) = await Yard(tmp_path).refusals(chart(more="kubeVersion: '>=1.99'\n"))
    assert ">=1.99" in failure
    assert "v1.35.2" in failure


async def test_a_library_declares_nothing(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    found = await yard.charts(chart(more="type: library\n", templates__s_yaml=SETTINGS), options())
    assert (found.built.manifests, told(found), yard.children) == ((), [], 0)
    assert "app/templates/s.yaml" in found.built.reads


async def test_only_what_a_chart_is_made_of_renders_it_again(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    files = {**FIXTURES["what the cluster is"], "values.yaml": "a: 1\n"}
    helm = {"valuesFiles": ["values.yaml"]}
    first = await yard.charts(files, options(helm))
    assert [(run.unit, run.objects, run.files) for run in first.built.runs] == [("app/Chart.yaml", 1, 3)]
    assert (
        await yard.charts({**files, "other.yaml": "news"}, options(helm))
    ).built.manifests == first.built.manifests
    assert yard.children == 1
    served = options(helm).capabilities
    for api_versions, children in (
        (served.api_versions | {"other.com/v1"}, 1),
        (served.api_versions | {"absent.com/v1"}, 2),
    ):
        changed = options(
            helm, capabilities=type(served)(kube_version=served.kube_version, api_versions=api_versions)
        )
        await yard.charts(files, changed)
        assert yard.children == children
    await yard.charts({**files, "values.yaml": "a: 2\n"}, options(helm))
    assert yard.children == 3
    await yard.charts(files, options({**helm, "values": {"a": 3}}))
    assert yard.children == 4
    await yard.charts(files, options(helm))
    assert yard.children == 4


def test_a_text_full_of_braces_is_read_in_time_that_grows_with_it() -> None:
    texts = {"a": b"{{" * 1_000_000, "b": b"}}" * 1_000_000, "c": b"{{ x }}" * 300_000}
    begun = time.process_time()
    assert template_text.mentions(texts).lookups == ()
    assert time.process_time() - begun < 30


def test_packed_charts_are_bounded_together_however_small_they_are_packed() -> None:
    inner = packed({"db/Chart.yaml": "name: db\n", "db/large": "x" * 8_000_000})
    files = {f"charts/db{number}.tgz": inner for number in range(100)}
    found = chart_parts.read({"Chart.yaml": b"name: app\n", **files})
    assert len(found.parts) < 20
    assert "packed charts have more than 128 MiB when unpacked" in [one.message for one in found.failures]
