"""`towline check` on real folders and a real Git repository."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from towline.cli.check import check

from tests.cli import documented
from tests.render.kubectl import KUBECTL

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations:
    towline.dev/prun: Disabled
spec:
  replicas: "2"
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          imagePullPolicy: Allways
          port: 80
"""
GATE = """\
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shopp}
spec: {minAvailable: 1}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: uploads, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\n"
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets}
  scope: Cluster
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {size: {type: integer}}}}
"""
WIDGET = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 1, sise: 2}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch=main")
    return tmp_path


def git(*arguments: str) -> None:
    who = {f"GIT_{role}_{part}": "ada" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    subprocess.run(
        ["git", "-c", "core.hooksPath=/dev/null", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(Path.cwd()), **who},
        check=True,
        capture_output=True,
    )


def write(files: Mapping[str, str | None]) -> None:
    for name, content in files.items():
        at = Path("deploy") / name
        at.parent.mkdir(exist_ok=True)
        at.unlink(missing_ok=True) if content is None else at.write_text(content)


def commit(files: Mapping[str, str | None]) -> None:
    write(files)
    git("add", "--all")
    git("commit", "--quiet", "--message", "Change")


def run(*flags: str) -> Result:
    return CliRunner().invoke(check, ["deploy", *flags])


def found(*flags: str) -> list[tuple[str, str, int, str]]:
    told = json.loads(run("-o", "json", *flags).stdout)
    return [(each["rule"], each["file"], each["line"], each["field"]) for each in told["findings"]]


def change_the_shop() -> None:
    """What the reference page checks."""
    commit({"namespace.yaml": NAMESPACE, "settings.yaml": SETTINGS, "uploads.yaml": CLAIM})
    write({"web.yaml": WEB, "gate.yaml": GATE, "settings.yaml": None, "uploads.yaml": None})


def test_the_reference_page_shows_what_a_terminal_and_a_workflow_show(folder: Path) -> None:
    change_the_shop()
    told = run("--against", "main")
    assert told.exit_code == 1
    assert told.stdout == documented.output("towline check deploy --against main")
    first = run("--against", "main", "-o", "github").stdout.partition("\n")[0]
    assert f"{first}\n" == documented.output("towline check deploy --against main -o github | head -n 1")


def test_every_finding_names_its_file_line_and_field(folder: Path) -> None:
    change_the_shop()
    assert found() == [
        ("RemovedAPI", "deploy/gate.yaml", 1, "/apiVersion"),
        ("NamespaceNotFound", "deploy/gate.yaml", 3, "/metadata/namespace"),
        ("MeaninglessAnnotation", "deploy/web.yaml", 7, "/metadata/annotations/towline.dev~1prun"),
        ("WrongType", "deploy/web.yaml", 9, "/spec/replicas"),
        ("Invalid", "deploy/web.yaml", 17, "/spec/template/spec/containers/0/imagePullPolicy"),
        ("UnknownField", "deploy/web.yaml", 18, "/spec/template/spec/containers/0/port"),
    ]


def test_good_manifests_have_no_finding_and_the_exit_code_is_zero(folder: Path) -> None:
    write({"namespace.yaml": NAMESPACE, "uploads.yaml": CLAIM})
    told = run()
    assert (told.exit_code, told.stdout) == (0, "2 objects, Kubernetes 1.37: nothing found\n")


def test_a_folder_or_version_or_revision_that_does_not_exist_gives_no_answer(folder: Path) -> None:
    commit({"namespace.yaml": NAMESPACE})
    assert CliRunner().invoke(check, ["nowhere"]).exit_code == 2
    assert run("--kube-version", "1.12").exit_code == 2
    told = run("--against", "no-such-branch")
    assert told.exit_code == 2
    assert "no-such-branch" in told.stderr


def test_a_version_that_was_removed_is_replaced_by_one_that_is_still_served(folder: Path) -> None:
    write(
        {
            "a.yaml": "apiVersion: flowcontrol.apiserver.k8s.io/v1beta2\nkind: FlowSchema\nmetadata: {name: a}\n"
        }
    )
    (one,) = json.loads(run("-o", "json").stdout)["findings"]
    assert one["message"] == (
        "flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema was removed in Kubernetes 1.29:"
        " use flowcontrol.apiserver.k8s.io/v1 FlowSchema"
    )


def test_what_is_deprecated_depends_on_the_version_of_kubernetes(folder: Path) -> None:
    write(
        {
            "a.yaml": "apiVersion: resource.k8s.io/v1beta1\nkind: ResourceClaim\nmetadata: {name: a}\nspec: {}\n"
        }
    )
    assert [rule for rule, *_ in found("--kube-version", "1.34")] == ["OptionalAPI"]
    assert [rule for rule, *_ in found("--kube-version", "1.37")] == ["DeprecatedAPI"]


def test_warnings_alone_may_be_made_to_count_not(folder: Path) -> None:
    write({"endpoints.yaml": "apiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\n"})
    assert found("--kube-version", "v1.34.2") == [
        ("DeprecatedAPI", "deploy/endpoints.yaml", 1, "/apiVersion")
    ]
    assert run("--fail-on", "error").exit_code == 0


def test_crds_of_the_folder_and_of_the_cluster_count(folder: Path) -> None:
    write({"widget.yaml": WIDGET})
    assert found() == [("UnknownKind", "deploy/widget.yaml", 2, "/kind")]
    Path("crds.yaml").write_text(CRD)
    expected = [("UnknownField", "deploy/widget.yaml", 4, "/spec/sise")]
    assert found("--crds", "crds.yaml") == expected
    write({"crd.yaml": CRD})
    assert found() == expected


def test_an_object_is_not_written_before_its_namespace(folder: Path) -> None:
    late = NAMESPACE.replace("name: shop", 'name: shop, annotations: {towline.dev/wave: "2"}')
    write({"namespace.yaml": late, "settings.yaml": SETTINGS})
    assert found() == [("WrittenTooLate", "deploy/settings.yaml", 3, "/metadata/namespace")]


def test_an_object_that_is_declared_with_and_without_its_namespace_is_declared_twice(folder: Path) -> None:
    named = SETTINGS.replace("shop", "default")
    write({"a.yaml": named, "b.yaml": named.replace(", namespace: default", "")})
    assert found() == [("DuplicateObject", "deploy/b.yaml", 3, "/metadata/name")]


def test_a_file_that_cannot_be_parsed_hides_no_finding_of_the_others_nor_moves_its_lines(
    folder: Path,
) -> None:
    write({"bad.yaml": f"a: [\n---\n{WIDGET}", "web.yaml": WEB, "namespace.yaml": NAMESPACE})
    rules = [(rule, file, line) for rule, file, line, _ in found()]
    assert ("BuildFailed", "deploy/bad.yaml", 2) in rules
    assert ("WrongType", "deploy/web.yaml", 9) in rules
    assert ("UnknownKind", "deploy/bad.yaml", 4) in rules


def test_annotations_that_mean_nothing_are_named(folder: Path) -> None:
    annotations = [
        "towline.dev/waves: '1'",
        "towline.io/prune: Disabled",
        "towline.dev/suspend: until=2026-12-24T18:00:00Z",
        "towline.dev/hosts: git.example",
        "example.com/anything: x",
        "towline.dev/rerun: x",
    ]
    written = "".join(f"    {each}\n" for each in annotations)
    write(
        {
            "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
            f"  labels: {{towline.dev/prune: Disabled}}\n  annotations:\n{written}"
        }
    )
    assert [(rule, line) for rule, _, line, _ in found()] == [
        ("MeaninglessAnnotation", line) for line in (5, 7, 8, 9, 10)
    ]


def test_a_value_that_an_annotation_does_not_have_is_refused(folder: Path) -> None:
    write({"a.yaml": SETTINGS.replace("shop", "default, annotations: {towline.dev/prune: Never}")})
    assert [(rule, field) for rule, _, _, field in found()] == [
        ("Invalid", "/metadata/annotations/towline.dev~1prune")
    ]


def test_a_git_repository_is_checked_by_the_rules_of_its_crd(folder: Path) -> None:
    spec = "{url: 'ftp://git.example/shop', ref: {branch: main, tag: v1}}"
    write(
        {
            "a.yaml": "apiVersion: towline.dev/v1alpha1\nkind: GitRepository\n"
            f"metadata: {{name: a, namespace: default}}\nspec: {spec}\n"
        }
    )
    assert {field for _, _, line, field in found() if line == 4} == {"/spec/url", "/spec/ref"}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ("ref: {branch: main}, verify: {mode: Tag, secretRef: {name: signers}}", "/spec/verify/mode"),
        ("ref: {semver: 1.x.y.z}", "/spec/ref/semver"),
    ],
)
def test_a_git_repository_is_checked_by_what_its_crd_cannot_say(folder: Path, more: str, field: str) -> None:
    spec = f"{{url: 'https://git.example/shop', {more}}}"
    write(
        {
            "a.yaml": "apiVersion: towline.dev/v1alpha1\nkind: GitRepository\n"
            f"metadata: {{name: a, namespace: default}}\nspec: {spec}\n"
        }
    )
    assert {field for _, _, line, field in found() if line == 4} == {field}


def test_what_only_the_operator_can_decrypt_is_named_and_is_no_error(folder: Path) -> None:
    write(
        {
            "a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
            "sops: {mac: 'ENC[AES256_GCM,data:x]', version: 3.9.0}\n"
        }
    )
    assert run().exit_code == 1
    Path("shop.yaml").write_text(
        "apiVersion: towline.dev/v1alpha1\nkind: GitRepository\nmetadata: {name: shop, namespace: shop}\n"
        "spec: {url: 'https://git.example/shop', decryption: {provider: sops, secretRef: {name: keys}}}\n"
    )
    told = run("--spec", "shop.yaml")
    assert told.exit_code == 0
    assert "deploy/a.yaml:4: not checked: it is encrypted" in told.stderr


def test_a_file_with_crds_that_is_malformed_gives_no_answer(folder: Path) -> None:
    write({"widget.yaml": WIDGET})
    Path("crds.yaml").write_text(CRD.replace("properties:", "propertie:"))
    told = run("--crds", "crds.yaml")
    assert told.exit_code == 2
    assert "crds.yaml has a malformed CRD" in told.stderr
    assert run("--spec", "crds.yaml").exit_code == 2


def test_no_form_of_the_answer_shows_a_secret(folder: Path) -> None:
    write(
        {
            "a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: 7\n"
            "data: {a: 'hunter2!'}\nstringData: {b: hunter2}\n"
        }
    )
    for form in ("text", "json", "sarif", "github"):
        told = run("-o", form)
        assert told.exit_code == 1
        assert "hunter2" not in told.output


def test_sarif_names_rule_level_file_and_line(folder: Path) -> None:
    change_the_shop()
    log: dict[str, Any] = json.loads(run("-o", "sarif").stdout)
    (one,) = log["runs"]
    rules = [each["id"] for each in one["tool"]["driver"]["rules"]]
    first = one["results"][0]
    place = first["locations"][0]["physicalLocation"]
    assert log["version"] == "2.1.0"
    assert (rules[first["ruleIndex"]], first["level"]) == ("RemovedAPI", "error")
    assert place["artifactLocation"]["uri"] == "deploy/gate.yaml"
    assert place["region"] == {"startLine": 1}


def test_sarif_has_what_its_schema_requires_and_relative_addresses(folder: Path) -> None:
    change_the_shop()
    write({"with space, 100%.yaml": WEB.replace("name: web\n  namespace", "name: other\n  namespace")})
    (one,) = json.loads(run("--against", "main", "-o", "sarif").stdout)["runs"]
    assert one["tool"]["driver"]["name"] == "towline check"
    rules = [each["id"] for each in one["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    addresses = set()
    for each in one["results"]:
        assert each["message"]["text"]
        assert rules[each["ruleIndex"]] == each["ruleId"]
        assert each["level"] in {"error", "warning", "note"}
        (location,) = each["locations"]
        place = location["physicalLocation"]
        assert place["region"]["startLine"] >= 1
        assert place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        addresses.add(place["artifactLocation"]["uri"])
    assert "deploy/with%20space%2C%20100%25.yaml" in addresses
    assert all(each.startswith("deploy/") for each in addresses)


def test_a_workflow_command_is_one_line_whatever_names_and_messages_hold(folder: Path) -> None:
    Path("crds.yaml").write_text(
        CRD.replace("{type: integer}", r'{type: string, pattern: "^100%,\n::error::$"}')
    )
    write({"a, 100% b:c.yaml": WIDGET.replace("size: 1, sise: 2", "size: x")})
    commands, *rest = run("-o", "github", "--crds", "crds.yaml").stdout.splitlines()
    assert rest == []
    place, _, message = commands.removeprefix("::error ").partition("::")
    assert place == "file=deploy/a%2C 100%25 b%3Ac.yaml,line=4,title=Invalid"
    assert message == "Widget.example.com a spec.size: must match ^100%25,%0A::error::$"


def test_what_kustomize_makes_of_a_file_has_the_lines_of_the_file_and_what_a_patch_brings_that_of_the_object(
    folder: Path,
) -> None:
    patch = (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replica: 3}}"
    )
    write(
        {
            "web.yaml": f"{SETTINGS}---\n{WEB}".replace("towline.dev/prun", "example.com/a"),
            "kustomization.yaml": f"resources: [web.yaml]\nnamePrefix: my-\npatches: [{{patch: '{patch}'}}]\n",
        }
    )
    told = found("--kustomize", str(KUBECTL), "--known-namespace", "shop")
    assert [(rule, file, line, field.rpartition("/")[2]) for rule, file, line, field in told] == [
        ("UnknownField", "deploy/web.yaml", 5, "replica"),
        ("WrongType", "deploy/web.yaml", 13, "replicas"),
        ("Invalid", "deploy/web.yaml", 21, "imagePullPolicy"),
        ("UnknownField", "deploy/web.yaml", 22, "port"),
    ]


def test_what_a_change_deletes_is_a_note_at_the_place_that_declared_it(folder: Path) -> None:
    commit(
        {
            "namespace.yaml": NAMESPACE,
            "settings.yaml": SETTINGS,
            "more.yaml": SETTINGS.replace("settings", "m"),
        }
    )
    write({"settings.yaml": None})
    told = run("--against", "HEAD")
    assert told.exit_code == 0
    assert found("--against", "HEAD") == [("Pruned", "deploy/settings.yaml", 1, "/metadata/name")]


def test_a_folder_that_the_older_revision_does_not_have_removes_nothing(folder: Path) -> None:
    git("commit", "--quiet", "--allow-empty", "--message", "Begin")
    write({"namespace.yaml": NAMESPACE})
    assert run("--against", "HEAD").exit_code == 0


def test_nothing_is_removed_by_a_commit_that_cannot_be_read(folder: Path) -> None:
    commit({"namespace.yaml": NAMESPACE, "settings.yaml": SETTINGS})
    write({"settings.yaml": "a: ["})
    told = run("--against", "HEAD", "-o", "json")
    assert [each["rule"] for each in json.loads(told.stdout)["findings"]] == ["BuildFailed"]
    assert "removes nothing" in told.stderr


def test_a_namespace_that_the_cluster_has_is_no_finding(folder: Path) -> None:
    write({"settings.yaml": SETTINGS})
    assert run().exit_code == 1
    assert run("--known-namespace", "shop").exit_code == 0
