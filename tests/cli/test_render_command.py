"""`towline render`, as a person or a script calls it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click.testing
import pytest
from towline.cli.render import render

from e2e.scenes import sops_files
from tests.render.helm.charts import FIXTURES
from tests.render.helm.helm_cli import binary
from tests.render.kubectl import KUBECTL

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue}\n"
WEB = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with two good files."""
    write(tmp_path, "web/deployment.yaml", f"# web\n{WEB}")
    write(tmp_path, "settings.YML", SETTINGS)
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(folder: Path, *options: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(render, [str(folder), *options])


def faults(folder: Path) -> list[str]:
    result = run(folder)
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr.splitlines()


def lines(folder: Path) -> list[Any]:
    result = run(folder, "-o", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_field_that_its_controller_writes_is_named_and_not_printed(tmp_path: Path) -> None:
    revision = '  annotations: {deployment.kubernetes.io/revision: "7"}'
    write(
        tmp_path, "web.yaml", f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n{revision}\n"
    )
    result = run(tmp_path, "-o", "json")
    field = "/metadata/annotations/deployment.kubernetes.io~1revision"
    told = f"web.yaml:5: {field} is not applied: the deployment controller writes it\n"
    assert (result.exit_code, result.stderr) == (0, told)
    assert json.loads(result.stdout)["object"]["metadata"] == {"name": "web"}


def test_json_has_no_character_that_a_terminal_obeys_or_hides(folder: Path) -> None:
    (folder / "marks.yaml").write_text(
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: marks}\ndata: {a: "\\u202Eevil\\u009B2J\\x7F"}\n'
    )
    printed = run(folder, "-o", "json").stdout
    assert printed.replace("\n", "").isprintable()
    assert "\u202eevil\x9b2J\x7f" in [
        json.loads(line)["object"].get("data", {}).get("a") for line in printed.splitlines()
    ]


def test_json_is_one_line_for_each_object_with_its_file_and_line(folder: Path) -> None:
    assert lines(folder) == [
        {
            "object": {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "settings"},
                "data": {"colour": "blue"},
            },
            "file": "settings.YML",
            "line": 1,
        },
        {
            "object": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web", "namespace": "shop"},
            },
            "file": "web/deployment.yaml",
            "line": 2,
        },
    ]


def test_yaml_names_the_file_and_line_of_each_object(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 0
    assert result.stdout == (
        "---\n# settings.YML:1\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n"
        "data:\n  colour: blue\n---\n# web/deployment.yaml:2\napiVersion: apps/v1\nkind: Deployment\n"
        "metadata:\n  name: web\n  namespace: shop\n"
    )


def test_what_yaml_prints_is_a_folder_that_declares_the_same(folder: Path, tmp_path: Path) -> None:
    objects, text = [one["object"] for one in lines(folder)], run(folder).stdout
    printed = write(tmp_path, ".printed/all.yaml", text).parent
    assert [one["object"] for one in lines(printed)] == objects


def test_with_a_fault_only_the_faults_are_printed_each_with_its_file_and_line(folder: Path) -> None:
    write(folder, "b.yaml", "a: [\n---\nkind: x\nmetadata: {name: b}\n")
    write(folder, "a.json", '{"a": 1,\n"a": 2}')
    assert faults(folder) == [
        'a.json:2: the key "a" is in line 1 already: remove one of them',
        "b.yaml:2: did not find expected node content while parsing a flow node",
        "b.yaml:3: apiVersion is missing",
    ]


def test_an_object_that_is_declared_twice_is_named_with_both_places(folder: Path) -> None:
    write(folder, "web/more.yaml", f"---\n{WEB.replace('apps/v1', 'apps/v1beta1')}---\n{SETTINGS}")
    assert faults(folder) == [
        "web/more.yaml:2: Deployment shop/web is declared already at web/deployment.yaml:2: remove one of them",
        "web/more.yaml:6: ConfigMap settings is declared already at settings.YML:1: remove one of them",
    ]


def test_a_fault_takes_one_line_whatever_the_file_holds(tmp_path: Path) -> None:
    one = 'kind: A\napiVersion: v1\nmetadata: {name: "x\\ny\\e[2K"}\n'
    (tmp_path / "a.yaml").write_text(f"{one}---\n{one}")
    answer = click.testing.CliRunner().invoke(render, [str(tmp_path)], color=True)
    assert answer.exit_code == 1
    assert answer.stderr == "a.yaml:5: A x y [2K is declared already at a.yaml:1: remove one of them\n"


def test_the_same_name_in_another_namespace_is_another_object(folder: Path) -> None:
    write(folder, "other.yaml", WEB.replace("shop", "other"))
    assert len(lines(folder)) == 3


def test_hidden_files_other_files_and_empty_ones_declare_nothing(folder: Path) -> None:
    for name in (
        ".hidden.yaml",
        ".git/config.yaml",
        "web/.old/x.yaml",
        "readme.md",
        "web/yaml",
        "x.yaml.bak",
    ):
        write(folder, name, "a: [")
    write(folder, "empty.yaml", "# nothing\n")
    assert len(lines(folder)) == 2


def test_a_symlink_that_leads_out_or_in_a_circle_is_refused(folder: Path) -> None:
    secret = write(folder.parent, "outside.yaml", "password: hunter2")
    (folder / "passwd.yaml").symlink_to(secret)
    (folder / "up.yaml").symlink_to("../outside.yaml")
    (folder / "loop").symlink_to(".")
    (folder / "web" / "gone.yaml").symlink_to("nothing")
    told = faults(folder)
    assert [line.partition(" in spec.exclude")[0] for line in told] == [
        f"{name}: this symlink {why}: correct it, commit the files themselves, or name it"
        for name, why in (
            ("loop", "leads in a circle"),
            ("passwd.yaml", "leads out of the repository"),
            ("up.yaml", "leads out of the repository"),
            ("web/gone.yaml", "does not lead to a file or folder of this commit"),
        )
    ]
    assert "hunter2" not in str(told)


def test_a_symlink_may_lead_to_other_folders_of_the_repository(folder: Path) -> None:
    write(folder, ".git/HEAD", "ref: refs/heads/main")
    write(folder, "prod/own.yaml", SETTINGS.replace("settings", "own"))
    (folder / "prod" / "settings.yaml").symlink_to("../settings.YML")
    (folder / "prod" / "web").symlink_to("../web")
    found = [(each["object"]["metadata"]["name"], each["file"]) for each in lines(folder / "prod")]
    assert found == [("own", "own.yaml"), ("settings", "../settings.YML"), ("web", "../web/deployment.yaml")]


def test_a_fault_of_a_file_behind_a_symlink_names_both_paths(folder: Path) -> None:
    write(folder, ".git/HEAD", "ref: refs/heads/main")
    write(folder, "values.yaml", "a: 1")
    write(folder, "prod/own.yaml", SETTINGS)
    (folder / "prod" / "b.yaml").symlink_to("../values.yaml")
    first, advice = faults(folder / "prod")
    assert first.startswith("../values.yaml:1: not a Kubernetes object")
    assert first.endswith("(read as b.yaml, through a symlink)")
    assert "spec.exclude: ['/b.yaml']" in advice


def test_a_symlink_to_a_file_that_is_no_manifest_is_nobodys_concern(folder: Path) -> None:
    write(folder, "docs/readme.md", "x")
    (folder / "readme.md").symlink_to("docs/readme.md")
    assert len(lines(folder)) == 2


def test_pipes_are_not_opened_and_other_repositories_not_entered(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    write(folder, "module/.git", "gitdir: elsewhere")
    write(folder, "module/x.yaml", "a: [")
    assert len(lines(folder)) == 2


def test_a_file_that_is_too_large_and_a_chart_without_helm_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    write(folder, "large.yaml", "#" * (10 * 1024**2 + 1))
    write(folder, "base/Chart.yaml", "name: base")
    write(folder, "base/patch.yaml", "a: [")
    told = faults(folder)
    assert [line.partition(":")[0] for line in told] == ["base/Chart.yaml", "large.yaml"]
    assert "helm is not installed" in told[0]


def test_a_chart_is_rendered_with_values_from_files_and_flags(tmp_path: Path) -> None:
    files = FIXTURES["helpers and values"]
    for name, text in files.items():
        write(tmp_path, name, text)
    values = write(tmp_path, "values.yaml.prod", "replicas: 4\nimage: {tag: '1.0'}\n")
    flags = ("--values", str(values), "--set", "image.tag=2.0", "--release", "shop", "--helm", str(binary()))
    result = run(tmp_path / "app", *flags, "-o", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert (found["file"], found["line"]) == ("templates/web.yaml", 2)
    assert found["via"] == ["Chart.yaml", "templates/web.yaml"]
    assert found["object"]["metadata"]["name"] == "shop-app"
    assert found["object"]["spec"]["replicas"] == 4
    assert found["object"]["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:2.0"


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--set", "a"), "--set a: a has no value"),
        (("--set", "a=1"), "values are for one chart, and DIR has none: name the folder of the chart"),
        (("--values", "absent"), "absent: No such file or directory"),
    ],
)
def test_values_that_cannot_be_used_are_refused(folder: Path, flags: tuple[str, ...], why: str) -> None:
    result = run(folder, *flags)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"{why}\n")


def test_how_large_a_file_may_be_is_a_flag(folder: Path) -> None:
    write(folder, "large.yaml", SETTINGS.replace("settings", "large") + "#" * 1024)
    assert run(folder, "--max-file-size", "2Ki").exit_code == 0
    refused = run(folder, "--max-file-size", "1Ki")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "large.yaml: the file has" in refused.stderr
    assert run(folder, "--max-file-size", "1Gi").exit_code == 2


def test_files_without_an_object_are_faults_with_one_pattern_for_all_or_passed_over(folder: Path) -> None:
    for name in ("a", "b"):
        write(folder, f"web/boards/{name}.json", '{"panels": []}')
    assert faults(folder) == [
        "web/boards/a.json:1: not a Kubernetes object: name it in spec.exclude",
        "web/boards/b.json:1: not a Kubernetes object: name it in spec.exclude",
        "2 files hold no Kubernetes object: write spec.exclude: ['/web/boards/'], or spec.skipNonManifests: true",
    ]
    assert run(folder, "--skip-non-manifests").exit_code == 0


def test_a_folder_that_holds_nothing_prints_nothing(tmp_path: Path) -> None:
    assert lines(tmp_path) == []
    assert run(tmp_path).stdout == ""


def test_a_folder_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    assert run(tmp_path / "nothing").exit_code == 2


def test_a_kustomization_is_built_with_bases_next_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, "base/kustomization.yaml", "resources: [settings.yaml]")
    write(tmp_path, "base/settings.yaml", SETTINGS)
    write(tmp_path, "prod/app/kustomization.yaml", "resources: [../../base]\nnamePrefix: prod-\n")
    write(tmp_path, "prod/web.yaml", WEB)
    result = run(tmp_path / "prod", "-o", "json", "--kustomize", str(KUBECTL))
    assert (result.exit_code, result.stderr) == (0, "")
    built, plain = (json.loads(line) for line in result.stdout.splitlines())
    assert built["object"]["metadata"]["name"] == "prod-settings"
    assert (built["file"], built["line"]) == ("../base/settings.yaml", 1)
    assert built["via"] == ["app/kustomization.yaml", "../base/kustomization.yaml"]
    assert (plain["file"], "via" in plain) == ("web.yaml", False)


def test_what_a_kustomization_must_not_read_is_refused_in_its_line(tmp_path: Path) -> None:
    write(tmp_path, "app/kustomization.yaml", "resources:\n- https://example.com/x.yaml\n- ../../x\n")
    remote, outside = faults(tmp_path)
    assert remote.startswith("app/kustomization.yaml:2: remote resource")
    assert outside == "app/kustomization.yaml:3: ../../x leads out of the repository"


def unit(folder: Path) -> Path:
    """Make a unit with a variable in it, next to a file that it does not name."""
    write(folder, ".git/HEAD", "ref: refs/heads/main\n")
    write(folder, "app/kustomization.yaml", "resources: [map.yaml]\n")
    write(folder, "app/map.yaml", f"{SETTINGS}  place: ${{PLACE}}\n".replace("{colour: blue}", ""))
    write(folder, "app/notes.yaml", SETTINGS)
    return folder / "app"


def test_variables_of_the_command_line_are_filled_in(tmp_path: Path) -> None:
    flags = ("--kustomize", str(KUBECTL), "-o", "json")
    result = run(unit(tmp_path), *flags, "--var", "PLACE=north=west")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["object"]["data"] == {"place": "north=west"}
    assert result.stderr == "notes.yaml: not applied: no kustomization names it\n"
    result = run(tmp_path / "app", *flags, "--var", "OTHER=x")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("map.yaml:5: variable PLACE is not set")
    assert "'1A=b' must be NAME=VALUE" in run(tmp_path / "app", "--var", "1A=b").stderr


def test_a_repository_in_a_file_says_how_the_folder_is_read(tmp_path: Path) -> None:
    folder = unit(tmp_path)
    resource = write(
        tmp_path,
        "app.txt",
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n---\n"
        "apiVersion: towline.dev/v1alpha1\nkind: GitRepository\nmetadata: {name: app}\nspec:\n"
        "  url: https://git.example/app\n  path: app\n  kustomize: {namePrefix: a-}\n"
        "  substitute: {variables: {PLACE: south}}\n",
    )
    flags = ("--kustomize", str(KUBECTL), "-o", "json", "--spec", str(resource))
    found = json.loads(run(folder, *flags).stdout)
    assert found["object"]["metadata"]["name"] == "a-settings"
    assert found["object"]["data"] == {"place": "south"}
    assert found["via"] == ["kustomization.yaml"]
    assert json.loads(run(folder, *flags, "--var", "PLACE=east").stdout)["object"]["data"] == {
        "place": "east"
    }
    resource.write_text(resource.read_text().replace("namePrefix: a-", "namePrefix: A-"))
    result = run(folder, *flags)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{resource}: spec.kustomize.namePrefix: must match " in result.stderr
    resource.write_text(SETTINGS)
    assert f"{resource} has 0 GitRepositories of towline.dev" in run(folder, *flags).stderr


def test_a_chart_of_another_server_is_not_asked_for(tmp_path: Path) -> None:
    resource = write(
        tmp_path,
        "app.txt",
        "apiVersion: towline.dev/v1alpha1\nkind: GitRepository\nmetadata: {name: app}\nspec:\n"
        "  url: https://git.example/app\n  remote: Pinned\n"
        "  helm: {chart: {repo: 'oci://h.example/charts', name: web, version: 1.0.0}}\n",
    )
    result = run(unit(tmp_path), "--spec", str(resource))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{resource}: spec.helm.chart is on another server" in result.stderr


def test_a_repository_in_a_file_says_how_a_chart_is_rendered(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, "web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
    write(tmp_path, "web/values.yaml", "a: chart\nb: chart\nc: chart\n")
    write(tmp_path, "env/prod.yaml", "b: file\nc: file\n")
    write(
        tmp_path,
        "web/templates/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"
        "data: {{ toJson .Values }}\n",
    )
    resource = write(
        tmp_path,
        "app.yaml",
        "apiVersion: towline.dev/v1alpha1\nkind: GitRepository\nmetadata: {name: app}\nspec:\n"
        "  url: https://git.example/app\n  helm:\n    releaseName: shop\n    valuesFiles: [env/prod.yaml]\n"
        "    values: {c: spec}\n",
    )
    flags = ("-o", "json", "--spec", str(resource), "--helm", str(binary()))
    found = json.loads(run(tmp_path / "web", *flags).stdout)["object"]
    assert found["metadata"]["name"] == "shop"
    assert found["data"] == {"a": "chart", "b": "file", "c": "spec"}
    found = json.loads(run(tmp_path / "web", *flags, "--set", "c=flag").stdout)["object"]
    assert found["data"]["c"] == "flag"


def test_private_keys_of_a_file_decrypt_what_is_encrypted(tmp_path: Path) -> None:
    folder = unit(tmp_path)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "b"}}
    write(tmp_path, "app/map.yaml", sops_files.yaml_file(secret))
    key = write(tmp_path, "key.txt", sops_files.PRIVATE)
    flags = ("--kustomize", str(KUBECTL), "-o", "json")
    refused = run(folder, *flags).stderr
    assert refused.startswith("map.yaml:1: encrypted by SOPS, and spec.decryption is not set")
    assert refused.endswith("(here, --age-key names the private key)\n")
    found = json.loads(run(folder, *flags, "--age-key", str(key)).stdout)
    assert found["object"]["data"] == {"a": "Yg=="}
    assert "line 1 of the key map.yaml" in run(folder, *flags, "--age-key", str(folder / "map.yaml")).stderr
