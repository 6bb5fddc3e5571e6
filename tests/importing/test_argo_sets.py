"""An ApplicationSet of Argo CD becomes the GitRepositories of the Applications that it makes."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from towline.importing.argo import application_sets, set_templates
from towline.importing.homes import Homes

from tests.importing.peers import FLEET, clone, resources

TREE = clone(
    {
        "apps/web/kustomization.yaml": "",
        "apps/My_App/kustomization.yaml": "",
        "apps/web/deep/a.yaml": "",
        "apps/old/a.yaml": "",
        ".github/apps/x.yaml": "",
        "clusters/eu/config.json": '{"cluster": {"name": "eu", "size": 3}, "path": "hidden"}',
        "clusters/us/config.json": '[{"cluster": {"name": "us-1"}}, {"cluster": {"name": "us-2"}}]',
        "clusters/bad/broken.yaml": "a: [",
    }
)


def made(
    generators: str, name: str, path: str, known: Homes = TREE, more: str = ""
) -> tuple[list[Any], list[str]]:
    """Return the names and paths of the Applications that a set makes, and what is refused."""
    text = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: all, namespace: argocd}}
spec:
  generators:
{textwrap.indent(textwrap.dedent(generators), "  ")}
  template:
    metadata: {{name: '{name}'}}
    spec: {{source: {{repoURL: {FLEET}, path: '{path}'}}, destination: {{namespace: '{name}'}}}}
{more}
"""
    (found,) = resources(text)
    result, draft = application_sets.applications(found, known)
    refused = [
        f"{note.line} {note.field}: {note.message}" for note in draft.notes if note.kind == "not imported"
    ]
    return [(one.name, one.spec["source"]["path"]) for one in result], refused


GO = "  goTemplate: true"


def test_a_list_makes_an_application_for_each_element() -> None:
    elements = """\
    - list:
        elements: [{cluster: eu, values: {tier: a}}, {cluster: us, values: {tier: b}}]
        elementsYaml: |
          - {cluster: ap, values: {tier: c}}
    """
    expected = [("web-eu", "apps/a"), ("web-us", "apps/b"), ("web-ap", "apps/c")]
    assert made(elements, "web-{{cluster}}", "apps/{{ values.tier }}") == (expected, [])
    assert made(elements, "web-{{.cluster}}", "apps/{{ .values.tier }}", more=GO) == (expected, [])


def test_folders_of_a_clone_make_an_application_each() -> None:
    git = f"""\
    - git:
        repoURL: {FLEET}
        directories: [{{path: apps/*}}, {{path: apps/old, exclude: true}}]
        values: {{team: 'of-{{{{path[1]}}}}'}}
    """
    expected = [("my-app-of-My_App", "apps/My_App"), ("web-of-web", "apps/web")]
    assert made(git, "{{path.basenameNormalized}}-{{values.team}}", "{{path}}") == (expected, [])
    go = git.replace("{{path[1]}}", "{{index .path.segments 1}}")
    assert made(go, "{{.path.basenameNormalized}}-{{.values.team}}", "{{.path.path}}", more=GO) == (
        expected,
        [],
    )


def test_files_of_a_clone_make_an_application_for_each_of_their_objects() -> None:
    git = f"- git: {{repoURL: {FLEET}, files: [{{path: 'clusters/**/config.json'}}]}}"
    expected = [("eu", "clusters/eu"), ("us-1", "clusters/us"), ("us-2", "clusters/us")]
    assert made(git, "{{cluster.name}}", "{{path}}") == (expected, [])
    assert made(git, "{{.cluster.name}}", "{{.path.path}}", more=GO) == (expected, [])


def test_a_prefix_of_parameters_counts() -> None:
    git = f"- git: {{repoURL: {FLEET}, directories: [{{path: apps/web}}], pathParamPrefix: app}}"
    assert made(git, "{{app.path.basename}}", "{{app.path}}") == ([("web", "apps/web")], [])
    assert made(git, "{{.app.path.basename}}", "{{.app.path.path}}", more=GO) == ([("web", "apps/web")], [])


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("{matchLabels: {env: prod}}", ["b"]),
        ("{matchExpressions: [{key: env, operator: In, values: [dev, prod]}]}", ["a", "b"]),
        ("{matchExpressions: [{key: env, operator: NotIn, values: [dev]}]}", ["b", "c"]),
        ("{matchExpressions: [{key: env, operator: Exists}]}", ["a", "b"]),
        ("{matchExpressions: [{key: env, operator: DoesNotExist}]}", ["c"]),
    ],
)
def test_a_selector_leaves_elements_out(selector: str, names: list[str]) -> None:
    elements = "[{name: a, env: dev}, {name: b, env: prod}, {name: c}]"
    generators = f"- {{list: {{elements: {elements}}}, selector: {selector}}}"
    found, refused = made(generators, "{{name}}", "apps/web")
    assert ([name for name, _ in found], refused) == (names, [])


@pytest.mark.parametrize(
    ("generators", "name", "more", "refused"),
    [
        (
            "- clusters: {}",
            "a",
            "",
            "6 spec.generators[0].clusters: it makes Applications for other clusters",
        ),
        ("- matrix: {generators: []}", "a", "", "6 spec.generators[0].matrix: which elements there are"),
        ("- surprise: {}", "a", "", "6 spec.generators[0]: this version of Towline does not know"),
        ("- list: {elements: [{a: 1}]}", "{{b}}", "", "7 spec.template: {{b}} is not a parameter"),
        ("- list: {elements: [{a: 1}]}", "{{.b}}", GO, "7 spec.template: {{.b}} is not a parameter"),
        ("- list: {elements: [{a: 1}]}", "{{ .a | upper }}", GO, "7 spec.template: {{.a | upper}}"),
        (
            "- list: {elements: [{a: 1}], template: {spec: {}}}",
            "a",
            "",
            "6 spec.generators[0].list: a template",
        ),
        ("- list: {elements: []}", "a", "", "5 spec.generators: its generators make no Application"),
        ("- list: {elements: [{a: 1}]}", "a", "  templatePatch: x", "10 spec.templatePatch: a patch"),
        ("- list: {elements: [a]}", "a", "", "6 spec.generators[0].list.elements[0]: must be a map"),
        (
            f"- git: {{repoURL: {FLEET}x, directories: [{{path: a}}]}}",
            "a",
            "",
            "6 spec.generators[0].git: which folders",
        ),
        (
            f"- git: {{repoURL: {FLEET}, files: [{{path: clusters/bad/*}}]}}",
            "a",
            "",
            "6 spec.generators[0].git.files: clusters/bad/broken.yaml:",
        ),
    ],
)
def test_a_set_that_cannot_be_known_is_refused_with_its_place(
    generators: str, name: str, more: str, refused: str
) -> None:
    found, (told,) = made(generators, name, "apps/web", more=more)
    assert found == []
    assert told.replace("{{ ", "{{").replace(" }}", "}}").startswith(refused)


def test_names_are_made_fit_as_argo_cd_does() -> None:
    assert set_templates.normalized("My_App.v1-") == "my-app.v1"
