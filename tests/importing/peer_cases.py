"""Resources of Flux and Argo CD with the files that they speak of, and how many objects each of them renders."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from tests.importing.clones import CHART, OVERLAID, URL, config

GIT = f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: fleet, namespace: flux-system}}
spec:
  interval: 1m
  url: {URL}
  ref: {{branch: main}}
  ignore: |
    /*
    !/apps
    !/base
    !/components
    !/charts
    !/env
    *.draft.yaml
    /apps/plain/old/
---
"""
PLAIN = {
    "apps/plain/a.yaml": config("a"),
    "apps/plain/b.draft.yaml": "a: [",
    "apps/plain/more/c.yaml": config("c"),
    "apps/plain/old/d.yaml": config("d"),
    "apps/plain/unit/kustomization.yaml": "resources: [e.yaml]\nnamePrefix: x-\n",
    "apps/plain/unit/e.yaml": config("e"),
}


def kustomization(spec: str) -> str:
    head = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: web, namespace: apps}\n"
    source = "sourceRef: {kind: GitRepository, name: fleet, namespace: flux-system}"
    return f"{GIT}{head}spec:\n  prune: true\n  {source}\n{textwrap.indent(textwrap.dedent(spec), '  ')}"


def release(spec: str, chart: str = "") -> str:
    head = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: apps}\n"
    )
    reference = "sourceRef: {kind: GitRepository, name: fleet, namespace: flux-system}"
    named = f"chart: {{spec: {{chart: ./charts/web, {chart}{reference}}}}}"
    return f"{GIT}{head}spec:\n  interval: 10m\n  {named}\n{textwrap.indent(textwrap.dedent(spec), '  ')}"


def application(spec: str) -> str:
    head = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\n"
    destination = "destination: {server: 'https://kubernetes.default.svc', namespace: shop}"
    return f"{head}spec:\n  project: default\n  {destination}\n{textwrap.indent(textwrap.dedent(spec), '  ')}"


def application_set(generators: str, source: str) -> str:
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: all, namespace: argocd}}
spec:
  goTemplate: true
  generators: {generators}
  template:
    metadata: {{name: '{{{{.name}}}}'}}
    spec:
      project: default
      destination: {{name: in-cluster, namespace: shop}}
      source: {{repoURL: {URL}, targetRevision: main, {source}}}
"""


FLUX: dict[str, tuple[str, Mapping[str, str], list[int]]] = {
    "an overlay with images, patches, a component and metadata": (
        kustomization("""\
            path: ./apps/web
            targetNamespace: shop
            commonMetadata: {labels: {team: web}, annotations: {owner: team-web}}
            images: [{name: registry.example/web, newName: mirror.example/web, newTag: '2.0'}]
            components: [../../components/debug]
            patches:
              - target: {kind: Deployment, name: web}
                patch: |
                  - {op: replace, path: /spec/replicas, value: 4}
              - patch: |
                  apiVersion: v1
                  kind: Service
                  metadata: {name: web}
                  spec: {type: LoadBalancer}
            """),
        OVERLAID,
        [3],
    ),
    "a prefix and a suffix over a generated ConfigMap": (
        kustomization("path: apps/web\nnamePrefix: eu-\nnameSuffix: -v2\n"),
        OVERLAID,
        [3],
    ),
    "plain files, with a unit among them and files that are left out": (
        kustomization("path: ./apps/plain\nwait: true\n"),
        PLAIN,
        [3],
    ),
    "a chart with files of values, values and a null": (
        release(
            "targetNamespace: shop\nvalues: {extra: {d: 4, a: null}, replicas: 5}\n",
            "valuesFiles: [charts/web/values.yaml, env/prod.yaml, env/eu.yaml], ",
        ),
        CHART,
        [3],
    ),
    "a chart without its CRDs": (
        release("releaseName: front\ninstall: {crds: Skip}\nupgrade: {crds: Skip}\n"),
        CHART,
        [2],
    ),
    "a chart with a long name, metadata and post renderers": (
        release(f"""\
            releaseName: {"a" * 60}
            values: {{replicas: 2}}
            commonMetadata: {{labels: {{team: web}}, annotations: {{owner: team-web}}}}
            postRenderers:
              - kustomize:
                  images: [{{name: registry.example/web, newTag: '3.0'}}]
              - kustomize:
                  patches:
                    - target: {{kind: Deployment}}
                      patch: |
                        - {{op: replace, path: /spec/replicas, value: 7}}
            """),
        CHART,
        [3],
    ),
}

ARGO: dict[str, tuple[str, Mapping[str, str], list[int]]] = {
    "an overlay with images, replicas and labels": (
        application(f"""\
            source:
              repoURL: {URL}
              path: apps/web
              targetRevision: main
              kustomize:
                namespace: shop
                nameSuffix: -blue
                images: ['registry.example/web=mirror.example/web:2.0']
                replicas: [{{name: web, count: 3}}]
                commonLabels: {{team: $ARGOCD_APP_NAME}}
                labelWithoutSelector: true
                components: [../../components/debug]
            syncPolicy: {{automated: {{prune: true, selfHeal: true}}}}
            """),
        OVERLAID,
        [3],
    ),
    "a chart with globs of files, values and parameters": (
        application(f"""\
            source:
              repoURL: {URL}
              path: charts/web
              helm:
                releaseName: front
                valueFiles: [/env/*.yaml, missing.yaml]
                ignoreMissingValueFiles: true
                values: |
                  replicas: 2
                parameters:
                  - {{name: extra.list, value: '{{x,y}}'}}
                  - {{name: extra.text, value: 'a,b'}}
                  - {{name: extra.number, value: '7', forceString: true}}
                kubeVersion: 1.35.0
            """),
        CHART,
        [3],
    ),
    "plain files of one folder, some of them left out": (
        application(
            f"source: {{repoURL: {URL}, path: apps/plain, directory: {{exclude: '{{b.draft,x}}.yaml'}}}}\n"
        ),
        PLAIN,
        [1],
    ),
    "a chart with values by reference, and a folder of its own": (
        application(f"""\
            sources:
              - {{repoURL: {URL}, path: charts/web, helm: {{valueFiles: [$values/env/eu.yaml], skipCrds: true}}}}
              - {{repoURL: {URL}, ref: values, targetRevision: HEAD}}
              - {{repoURL: {URL}, path: apps/web, name: more}}
            """),
        {**CHART, **OVERLAID},
        [2, 3],
    ),
    "a set of a list": (
        application_set(
            "[{list: {elements: [{name: eu, count: '2'}, {name: us, count: '5'}]}}]",
            "path: charts/web, helm: {values: 'replicas: {{.count}}', skipCrds: true}",
        ),
        CHART,
        [2, 2],
    ),
    "a set of the folders of a repository": (
        application_set(
            f"[{{git: {{repoURL: {URL}, revision: main, directories: [{{path: apps/*}}], values: {{a: b}}}}}}]",
            "path: '{{.path.path}}', directory: {recurse: true, exclude: '*.draft.yaml'}",
        ).replace("{{.name}}", "{{.path.basename}}"),
        {"apps/one/a.yaml": config("a"), "apps/two/b.yaml": config("b"), "apps/two/x/c.yaml": config("c")},
        [1, 2],
    ),
}
