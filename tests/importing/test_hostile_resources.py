"""Whatever a field of a resource holds, an import ends with GitRepositories and notes, and never in the middle."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.importing.draft import NoteKind
from towline.importing.homes import Home, Homes
from towline.importing.importer import Import, Importer
from towline.importing.peer_resource import PeerResource
from towline.read import crd_schema

from tests.importing import peer_cases
from tests.importing.peers import FLEET, clone, resources

VALUES: list[Any] = [
    *(
        None,
        "",
        "x",
        "a: [",
        "\x00",
        0,
        -1,
        1.5,
        True,
        [],
        {},
        ["a"],
        [None],
        [[1]],
        [{}],
        {"a": 1},
        {"name": ["x"]},
    ),
    *(
        "../..",
        "https://me:pw@example.com/x",
        "x" * 2000,
        {"": None},
        [{"name": None, "path": 7, "kind": []}],
    ),
]
KNOWN = clone(
    {
        "apps/web/kustomization.yaml": "resources: {a: 1}\nimages: x\n",
        "charts/web/Chart.yaml": "",
        "env/a.yaml": "a: [",
    }
)
HOMES = Homes(given=None, of_files={"apps.yaml": Home(url=FLEET)}, trees=KNOWN.trees)
IMPORTER = Importer(known=HOMES, schema=crd_schema.load())
TEXTS = {
    **{f"flux: {name}": text for name, (text, _, _) in peer_cases.FLUX.items()},
    **{f"argocd: {name}": text for name, (text, _, _) in peer_cases.ARGO.items()},
    "flux: a chart from elsewhere": """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: web, namespace: apps}
spec: {url: 'oci://registry.example.com/charts/web', ref: {tag: 1.0.0}, secretRef: {name: a}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: apps}
spec:
  chartRef: {kind: OCIRepository, name: web}
  valuesFrom: [{kind: Secret, name: a}]
  driftDetection: {mode: enabled, ignore: [{paths: [/spec/replicas], target: {kind: Deployment}}]}
  dependsOn: [{name: other}]
  install: {crds: Skip, remediation: {retries: 3}}
status: {history: [{chartVersion: 1.0.0}]}
""",
    "argocd: differences": f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: web, namespace: argocd, ownerReferences: [{{kind: ApplicationSet, name: all}}]}}
spec:
  source: {{repoURL: {FLEET}, path: apps/web, kustomize: {{patches: [{{path: a.yaml}}], commonAnnotations: {{a: b}}}}}}
  ignoreDifferences: [{{kind: Deployment, jqPathExpressions: [.spec.replicas], jsonPointers: [/spec/replicas]}}]
  syncPolicy: {{syncOptions: [Replace=true], automated: {{}}}}
""",
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value in a resource, but for what makes it one."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    )
    for step, child in children:
        if (*path, step) not in {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name")}:
            yield (*path, step)
            yield from places(child, (*path, step))


def changed(found: list[PeerResource], number: int, path: tuple[Any, ...], value: Any) -> list[PeerResource]:
    """Return the resources, one of them with another value."""
    body = copy.deepcopy(dict(found[number].body))
    at: Any = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return [*found[:number], PeerResource(body=body, file=found[number].file, first=1), *found[number + 1 :]]


def run(name: str, found: list[PeerResource]) -> Import:
    return IMPORTER.flux(found) if name.startswith("flux") else IMPORTER.argo(found)


@pytest.mark.parametrize("name", TEXTS)
@settings(max_examples=60, deadline=None)
@given(choice=st.data())
def test_a_field_with_any_value_is_carried_over_or_named(name: str, choice: st.DataObject) -> None:
    found = resources(TEXTS[name])
    number = choice.draw(st.integers(0, len(found) - 1))
    path = choice.draw(st.sampled_from(list(places(found[number].body))))
    value = choice.draw(st.sampled_from(VALUES))
    result = run(name, changed(found, number, path, value))
    refused = [note for note in result.notes if note.kind is NoteKind.REFUSED]
    assert result.made or refused
