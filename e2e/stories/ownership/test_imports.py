"""The plan that an import prints hands over what Flux and Argo CD have applied, and nothing is deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.harness.audit import AuditEvent, AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.scenes import manifests, other_tools
from e2e.scenes.guides import guide_reader
from e2e.scenes.guides.guide_reader import Desk
from tests.importing import clones
from tests.importing.peer_cases import ARGO as ARGO_CASES
from tests.importing.peer_cases import FLUX as FLUX_CASES

FILES = {
    "apps/web/kustomization.yaml": "resources: [settings.yaml, service.yaml]\nnamePrefix: a-\n",
    "apps/web/settings.yaml": manifests.text(manifests.config_map("settings", colour="blue")),
    "apps/web/service.yaml": """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}], selector: {app: web}}
""",
}

FLUX = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: fleet, namespace: {namespace}}}
spec: {{url: '{url}', ref: {{branch: main}}, interval: 5s}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: web, namespace: {namespace}}}
spec:
  path: ./apps/web
  prune: true
  interval: 10m
  targetNamespace: {namespace}
  commonMetadata: {{annotations: {{team: web}}}}
  sourceRef: {{kind: GitRepository, name: fleet}}
"""

ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
  namespace: {namespace}
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: default
  destination: {{server: 'https://kubernetes.default.svc', namespace: {namespace}}}
  source:
    repoURL: {url}
    path: apps/web
    targetRevision: main
    kustomize: {{namespace: {namespace}, commonLabels: {{team: web}}, labelWithoutSelector: true}}
  syncPolicy: {{automated: {{prune: true, selfHeal: true}}}}
"""

TOOLS = {
    "flux": (
        FLUX,
        "kustomize-controller",
        {"kustomize.toolkit.fluxcd.io/name": "web"},
        {"annotations": {"team": "web"}},
    ),
    "argocd": (
        ARGO,
        "argocd-controller",
        {"argocd.argoproj.io/instance": "web"},
        {"labels": {"team": "web"}},
    ),
}


@pytest.fixture
def tools(cluster: Cluster) -> Iterator[None]:
    """The kinds of Flux and Argo CD."""
    with other_tools.installed(cluster):
        yield


@pytest.fixture
def reader(cluster: Cluster, tmp_path: Path) -> Desk:
    """Where the person sits who moves."""
    return guide_reader.set_up(guide_reader.sit(tmp_path / "desk", cluster.kubectl))


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.usefixtures("tools")
def test_the_plan_of_an_import_hands_over_what_is_there_and_deletes_nothing(
    tool: str,
    repo: Repo,
    cluster: Cluster,
    namespace: str,
    audit: AuditLog,
    reader: Desk,
    plane: ControlPlane,
    private_operator: Callable[..., Operator],
) -> None:
    resource, manager, labels, marks = TOOLS[tool]
    repo.commit(FILES)
    private_operator("--kustomize", str(plane.kubectl)).start()
    cluster.kubectl("apply", "-f", "-", stdin=resource.format(namespace=namespace, url=repo.url))
    other_tools.applied(cluster, manager, objects(namespace, marks), labels)
    before, mark = live(cluster, namespace), audit.mark()

    found = json.loads(reader.paste(f"towline import {tool} -n {namespace} -o json", {}))
    (made,) = found["resources"]
    (reader.folder / "gitrepositories.yaml").write_text(json.dumps(made["object"]))
    stop, observe, compare, enforce, remove = ("\n".join(step["commands"]) for step in found["handover"])

    reader.paste(f"{stop}\n{observe}", {})
    told = reader.paste(compare, {})
    changes = told.partition("\nChanges:\n")[2].splitlines()
    assert [line.split()[:3] for line in changes if not line.startswith("    ")] == [
        ["adopt", "ConfigMap", f"{namespace}/a-settings"],
        ["adopt", "Service", f"{namespace}/a-web"],
    ]
    fields = {line.partition(": ")[0].strip() for line in changes if line.startswith("    ")}
    assert {field for field in fields if not field.startswith("metadata.labels")} == set()
    assert live(cluster, namespace) == before

    reader.paste(f"{enforce}\n{remove}", {})
    after = live(cluster, namespace)
    assert {name: body["metadata"]["uid"] for name, body in after.items()} == {
        name: body["metadata"]["uid"] for name, body in before.items()
    }
    assert {name: body.get("data", body.get("spec")) for name, body in after.items()} == {
        name: body.get("data", body.get("spec")) for name, body in before.items()
    }
    owners = {body["metadata"]["labels"]["towline.dev/repository"] for body in after.values()}
    assert owners == {f"{namespace}.web"}
    assert [event.resource for event in deletions(audit.since(mark), namespace)] == [
        "kustomizations" if tool == "flux" else "applications"
    ]


@pytest.mark.parametrize("tool", TOOLS)
def test_what_an_import_prints_is_accepted_by_the_api_server(
    tool: str, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    printed = []
    for number, (text, files, counts) in enumerate((FLUX_CASES if tool == "flux" else ARGO_CASES).values()):
        folder = clones.cloned(tmp_path / str(number), files)
        result = clones.run(folder, tool, text, "--namespace", namespace)
        assert result.stdout.count("kind: GitRepository") == len(counts)
        printed.append(result.stdout)
    cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin="".join(printed))


def objects(namespace: str, marks: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what both tools render of the repository."""
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a-settings", "namespace": namespace, **marks},
        "data": {"colour": "blue"},
    }
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a-web", "namespace": namespace, **marks},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}},
    }


def live(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Return the objects that are handed over, by name."""
    return {
        "a-settings": cluster.get("v1", "ConfigMap", "a-settings", namespace),
        "a-web": cluster.get("v1", "Service", "a-web", namespace),
    }


def deletions(events: tuple[AuditEvent, ...], namespace: str) -> list[AuditEvent]:
    """Return the requests that deleted something in a namespace."""
    return [
        event
        for event in events
        if event.verb in ("delete", "deletecollection") and event.namespace == namespace and not event.dry_run
    ]
