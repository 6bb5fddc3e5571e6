"""Clones on disk, with the files that resources of Flux and Argo CD speak of."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click.testing
from towline.cli.imports import imports

from tests.render.helm import helm_cli
from tests.render.kubectl import KUBECTL

URL = "https://git.example.com/acme/fleet"

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'registry.example/web:1.0', env: [{name: COLOUR, value: blue}]}]}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {from: NAME}\n"
OVERLAID = {
    "base/kustomization.yaml": "resources: [deployment.yaml, service.yaml]\n",
    "base/deployment.yaml": DEPLOYMENT,
    "base/service.yaml": SERVICE,
    "apps/web/kustomization.yaml": """\
resources: [../../base]
images: [{name: registry.example/web, newTag: '1.1'}]
configMapGenerator: [{name: settings, literals: [a=b]}]
labels: [{pairs: {tier: front}}]
""",
    "components/debug/kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - target: {kind: Deployment}
    patch: |
      - {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: DEBUG, value: "1"}}
""",
}
CHART = {
    "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.2.3\n",
    "charts/web/values.yaml": "replicas: 1\nimage: {name: registry.example/web, tag: '1.0'}\nextra: {a: 1, b: 2}\n",
    "charts/web/crds/cart.yaml": """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: carts.shop.example}
spec:
  group: shop.example
  scope: Namespaced
  names: {kind: Cart, plural: carts, singular: cart, listKind: CartList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
""",
    "charts/web/templates/web.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  namespace: {{ .Release.Namespace }}
  labels: {app: {{ .Release.Name }}, chart: {{ .Chart.Name }}-{{ .Chart.Version }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers:
        - name: web
          image: "{{ .Values.image.name }}:{{ .Values.image.tag }}"
""",
    "charts/web/templates/extra.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-extra}
data:
  values: {{ toJson .Values.extra | quote }}
  kube: {{ .Capabilities.KubeVersion.Version | quote }}
""",
    "charts/web/templates/tests/probe.yaml": """\
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}-probe, annotations: {helm.sh/hook: test}}
spec: {containers: [{name: probe, image: busybox}]}
""",
    "env/prod.yaml": "replicas: 3\nextra: {b: null, c: 3}\n",
    "env/eu.yaml": "image: {tag: '1.1'}\n",
}


def cloned(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a clone of `URL` with some files, all of them known to Git."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    for command in (("init", "-q"), ("config", "remote.origin.url", URL), ("add", "--all")):
        subprocess.run(["git", "-C", folder, *command], check=True)
    return folder


def config(name: str) -> str:
    """Return a ConfigMap as a file."""
    return CONFIG.replace("NAME", name)


def checked(folder: Path, tool: str, text: str) -> Any:
    """Import resources that a file of a clone describes, compare both sides, and return what is told as JSON."""
    return json.loads(run(folder, tool, text, "-o", "json").stdout)


def run(folder: Path, tool: str, text: str, *options: str) -> click.testing.Result:
    """Import resources that a file of a clone describes, and compare both sides."""
    file = cloned(folder, {"clusters/resources.yaml": text}) / "clusters" / "resources.yaml"
    tools = ("--kustomize", str(KUBECTL), "--helm", str(helm_cli.binary()))
    runner = click.testing.CliRunner()
    return runner.invoke(imports, [tool, str(file), "--check", *options, *tools], catch_exceptions=False)
