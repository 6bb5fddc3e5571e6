"""What a manifest may not say: each fault with its line, its reason, and no value."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from towline.errors import Failure
from towline.model import Manifest
from towline.render import plain
from towline.render.documents import YamlLimits

SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: shop
data:
  colour: blue
"""


def declared(text: str) -> tuple[Manifest, ...]:
    manifests, failures = plain.manifests("app/all.yaml", "b10b", text.encode(), YamlLimits())
    assert failures == ()
    return manifests


def failures(text: str) -> tuple[Failure, ...]:
    return plain.manifests("app/all.yaml", "b10b", text.encode(), YamlLimits())[1]


def told(text: str) -> list[tuple[int, str, str]]:
    return [(failure.line, str(failure.reason), failure.message) for failure in failures(text)]


NOT_AN_OBJECT = "not a Kubernetes object: name it in spec.exclude"


@pytest.mark.parametrize(
    "text",
    ["- a", "text", "5", "'x'", "[]", "{}", "image: {tag: v1}\nreplicas: 2\n---\nmore: true\n---\n- 1"],
)
def test_a_file_that_holds_no_object_has_one_fault(text: str) -> None:
    assert told(f"# x\n{text}") == [(2, "BuildFailed", NOT_AN_OBJECT)]


@pytest.mark.parametrize("stray", ["- a", "replicas: 2"])
def test_what_is_no_object_among_some_that_are_is_named_with_its_line(stray: str) -> None:
    ((line, reason, message),) = told(f"{SETTINGS}---\n{stray}\n")
    assert (line, reason) == (9, "BuildFailed")
    assert message.startswith("not a Kubernetes object, among some that are: remove it")


@pytest.mark.parametrize(
    "head",
    [
        SETTINGS,
        "apiVersion: ENC[AES256_GCM,data:1]\nkind: ENC[data:2]\nmetadata: {name: 5}\nx: y\na: b\nc: d\ne: f\n",
        "password: ENC[AES256_GCM,data:1]\n#\n#\n#\n#\n#\n#\n",
    ],
)
def test_what_sops_has_encrypted_is_named_as_such(head: str) -> None:
    ((line, reason, message),) = told(f"{head}sops:\n  mac: ENC[AES256_GCM,data:1]\n  version: 3.9.0\n")
    assert (line, reason) == (8, "BuildFailed")
    assert message.startswith("encrypted by SOPS, and spec.decryption is not set: ")


def test_a_field_that_is_only_called_sops_is_left_to_the_cluster() -> None:
    assert told(f"{SETTINGS}sops: {{mode: strict}}\n") == []


@pytest.mark.parametrize(
    ("annotation", "way_out"),
    [
        (
            "argocd.argoproj.io/hook: PreSync",
            'write towline.dev/wave: "-1" and towline.dev/wave-gate: Healthy instead',
        ),
        (
            "helm.sh/hook: pre-install,pre-upgrade",
            'write towline.dev/wave: "-1" and towline.dev/wave-gate: Healthy instead',
        ),
        ("argocd.argoproj.io/hook: PostSync", 'write towline.dev/wave: "1" instead'),
        ("helm.sh/hook: post-install", 'write towline.dev/wave: "1" instead'),
        ("argocd.argoproj.io/hook: Sync", "remove the annotation"),
        ("helm.sh/hook: test", "name the file in spec.exclude"),
        ("argocd.argoproj.io/hook: Skip", "name the file in spec.exclude"),
    ],
)
def test_a_hook_of_another_tool_is_refused_with_the_line_to_write(annotation: str, way_out: str) -> None:
    hook = SETTINGS.replace("\ndata:", f"\n  annotations:\n    {annotation}\ndata:")
    ((line, reason, message),) = told(hook)
    assert (line, reason) == (7, "Invalid")
    assert "is not supported yet, and the object would be applied at once: " in message
    assert way_out in message
    assert told(hook.replace("/hook:", "/hook-delete-policy:")) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("apiVersion: v1\n", "", 1, "apiVersion is missing"),
        ("apiVersion: v1", "apiVersion: ''", 1, "apiVersion is missing"),
        ("apiVersion: v1", "apiVersion: 1", 1, "apiVersion must be a string; quote it"),
        ("apiVersion: v1", "apiVersion: a/b/v1", 1, "apiVersion is neither version nor group/version"),
        ("apiVersion: v1", "apiVersion: apps/", 1, "apiVersion is neither version nor group/version"),
        ("kind: ConfigMap", "kind:", 2, "kind is missing"),
        ("kind: ConfigMap", "kind: yes", 2, "kind must be a string; quote it"),
        ("name: settings", "nome: settings", 3, "metadata.name is missing"),
        ("name: settings", "name: 007", 4, "metadata.name must be a string; quote it"),
        ("name: settings", "name: {a: b}", 4, "metadata.name must be a string; quote it"),
        (
            "name: settings",
            "generateName: settings-",
            4,
            "metadata.generateName would create another object with every apply: set metadata.name",
        ),
        (
            "metadata:\n  name: settings\n  namespace: shop\n",
            "",
            1,
            "metadata is missing: write it, or name the file in spec.exclude",
        ),
        ("metadata:\n  name: settings\n  namespace: shop\n", "metadata: [a]\n", 3, "metadata must be a map"),
    ],
)
def test_an_object_without_a_name_is_refused(old: str, new: str, line: int, message: str) -> None:
    assert told(SETTINGS.replace(old, new)) == [(line, "BuildFailed", message)]


@pytest.mark.parametrize(
    "field", ["uid: x", "resourceVersion: '7'", "deletionTimestamp: x", "ownerReferences: []"]
)
def test_what_belongs_to_one_live_object_is_refused_with_its_line(field: str) -> None:
    name = field.partition(":")[0]
    (failure,) = failures(SETTINGS.replace("  namespace:", f"  {field}\n  namespace:"))
    assert (failure.line, failure.reason, failure.object) == (5, "Invalid", "ConfigMap/shop/settings")
    assert f"metadata.{name} " in failure.message
    assert failure.field == f"/metadata/{name}"
    assert declared(SETTINGS.replace("  namespace:", f"  {name}:\n  namespace:"))


@pytest.mark.parametrize(
    ("fields", "line", "message"),
    [
        ("annotations: {a: x, b: 1}", 4, 'metadata.annotations: the value of "b" must be a string; quote it'),
        ("labels:\n    a: x\n    b: yes", 6, 'metadata.labels: the value of "b" must be a string; quote it'),
        ("labels: [a]", 4, "metadata.labels must be a map"),
        ("annotations: x", 4, "metadata.annotations must be a map"),
    ],
)
def test_labels_and_annotations_are_maps_of_text(fields: str, line: int, message: str) -> None:
    assert told(SETTINGS.replace("  name: s", f"  {fields}\n  name: s")) == [(line, "WrongType", message)]


def test_a_namespace_that_is_no_text_is_refused() -> None:
    expected = [(5, "WrongType", "metadata.namespace must be a string; quote it")]
    assert told(SETTINGS.replace("namespace: shop", "namespace: 12")) == expected


@pytest.mark.parametrize("name", ["repository", "owner", "digest", "commit", "source", "adopted"])
@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_what_towline_writes_on_objects_cannot_be_declared(field: str, name: str) -> None:
    text = SETTINGS.replace("  name:", f"  {field}:\n    towline.dev/{name}: x\n  name:")
    assert told(text) == [(5, "Invalid", f"towline.dev/{name} is written by Towline alone; remove it")]


@pytest.mark.parametrize(
    ("name", "good", "bad", "allowed"),
    [
        ("prune", ["Disabled", "Enabled", "disabled"], ["disable", "enabled", ""], '"Disabled" or "Enabled"'),
        (
            "drift",
            ["Report", "Repair", "Ignore", "report", "ignore"],
            ["repair", "x"],
            '"Report" or "Repair" or "Ignore"',
        ),
        ("force", ["Enabled", "true"], ["false", "True"], '"Enabled"'),
        ("wave-gate", ["Healthy", "healthy"], ["ready"], '"Healthy"'),
        (
            "wave",
            ["0", "-3", "1000"],
            ["x", "1.5", "1001", "+1", "\u0661"],
            "a whole number from -1000 to 1000",
        ),
    ],
)
def test_an_annotation_of_ours_takes_only_what_it_knows(
    name: str, good: list[str], bad: list[str], allowed: str
) -> None:
    text = SETTINGS.replace("  name: s", f"  annotations: {{towline.dev/{name}: '%s'}}\n  name: s")
    assert all(declared(text % value) for value in good)
    for value in bad:
        assert told(text % value) == [(4, "Invalid", f"towline.dev/{name} must be {allowed}")]


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_lines() -> None:
    text = "a: [\n---\nkind: Pod\nmetadata:\n  uid: x\n  labels: {a: 1}\n---\n- x\n---\nb: 1\nb: 2\n"
    assert [(line, reason) for line, reason, _ in told(text)] == [
        (2, "BuildFailed"),
        (3, "BuildFailed"),
        (4, "BuildFailed"),
        (5, "Invalid"),
        (6, "WrongType"),
        (8, "BuildFailed"),
        (11, "BuildFailed"),
    ]


def test_an_lfs_pointer_is_named_for_what_it_is() -> None:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    assert told(text) == [(1, "BuildFailed", "the file is a Git LFS pointer: commit the manifest itself")]


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"


def test_string_data_that_is_no_text_is_refused_and_not_quoted() -> None:
    text = f"{SECRET}stringData:\n  user: admin\n  pin: 12345678\n"
    assert told(text) == [(6, "WrongType", 'stringData: the value of "pin" must be a string; quote it')]
    assert told(f"{SECRET}stringData: hunter2") == [(4, "WrongType", "stringData must be a map")]
    assert told(f"{SECRET}data: hunter2\nstringData: {{a: b}}") == [(4, "WrongType", "data must be a map")]


SPOILS: Mapping[str, str] = {
    "a duplicate key": "password: hunter2\npassword: hunter2\n",
    "a wrong type": f"{SECRET}stringData: {{password: 4711}}\n",
    "a name": "apiVersion: v1\nkind: Secret\nmetadata: {name: [hunter2]}\n",
    "a switch": SETTINGS.replace("  name:", "  annotations: {towline.dev/prune: hunter2}\n  name:"),
    "a tag": "password: !!int hunter2\n",
    "a syntax error": 'password: "hunter2\n',
    "a number": "password: 47114711471147114711\n",
    "a scalar": "hunter2",
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_no_failure_quotes_a_value(spoil: str) -> None:
    found = failures(SPOILS[spoil])
    assert found
    assert not re.search("hunter2|4711", " ".join(f"{one.message} {one.field} {one.object}" for one in found))


def test_a_failure_stays_short_and_printable_whatever_the_names_are() -> None:
    long = "k" * 900 + "\\e[31m\\u202e\\n"
    text = SETTINGS.replace("name: settings", f'labels: {{"{long}": 1, "{long}": 2}}\n  name: "{long}"')
    for failure in failures(text):
        assert len(failure.message.encode()) <= 1024
        assert failure.message.isprintable()
        assert failure.object.isprintable()


def test_a_generated_file_full_of_mistakes_is_reported_within_bounds() -> None:
    items = "".join(f"- {{kind: Pod, metadata: {{name: {index}}}}}\n" for index in range(20_000))
    assert len(failures(f"apiVersion: v1\nkind: List\nitems:\n{items}")) < 1100


@pytest.mark.parametrize("lead", ["# first\n---\n", "# first\n---\n" + SETTINGS + "---\n"])
def test_an_object_of_more_json_than_the_api_server_takes_is_refused_at_its_line(lead: str) -> None:
    large = SETTINGS.replace("blue", "b" * 3 * 1024**2)
    ((line, reason, message),) = told(lead + large)
    assert (line, reason) == (lead.count("\n") + 1, "TooLarge")
    assert message.startswith("the object has 31")
    assert message.endswith("more than the 3 MiB that the API server takes: split it")
    assert told(lead + SETTINGS.replace("blue", "b" * (3 * 1024**2 - 200))) == []
