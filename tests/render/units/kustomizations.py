"""Repositories that use what kustomize offers: each is a folder to build, and its files."""

from __future__ import annotations

from collections.abc import Mapping

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {tier: front}
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx:1.20
        env:
        - {name: MODE, value: slow}
        envFrom:
        - configMapRef: {name: settings}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
"""
BASE: Mapping[str, str] = {
    "base/kustomization.yaml": "resources: [web.yaml, service.yaml]\n",
    "base/web.yaml": WEB,
    "base/service.yaml": SERVICE,
}
FASTER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        env:
        - {name: MODE, value: fast}
"""


def over(kustomization: str, **files: str) -> tuple[str, Mapping[str, str]]:
    """Return a kustomization, and the base if it names that; the names of its files have `_` for their dot."""
    named = {f"prod/{name.replace('_', '.')}": text for name, text in files.items()}
    base = BASE if "../base" in kustomization else {}
    return "prod", {**base, "prod/kustomization.yaml": kustomization, **named}


FIXTURES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "a base": ("base", BASE),
    "a prefix, a suffix and a namespace": over(
        "resources: [../base]\nnamePrefix: prod-\nnameSuffix: -v2\nnamespace: shop\n"
    ),
    "images": over(
        "resources: [../base]\nimages:\n- {name: nginx, newName: registry/nginx, newTag: '1.27'}\n"
    ),
    "an image by digest": over(
        f"resources: [../base]\nimages:\n- {{name: nginx, digest: 'sha256:{'a' * 64}'}}\n"
    ),
    "replicas": over("resources: [../base]\nreplicas:\n- {name: web, count: 7}\n"),
    "labels": over(
        "resources: [../base]\nlabels:\n- pairs: {team: blue}\n  includeSelectors: true\n- pairs: {cost: 'one'}\n"
    ),
    "common labels and annotations": over(
        "resources: [../base]\ncommonLabels: {team: blue}\ncommonAnnotations: {note: 'yes'}\n"
    ),
    "a strategic patch in a file": over(
        "resources: [../base]\npatches:\n- path: faster.yaml\n", faster_yaml=FASTER
    ),
    "a strategic patch of the old kind": over(
        "resources: [../base]\npatchesStrategicMerge: [faster.yaml]\n", faster_yaml=FASTER
    ),
    "a strategic patch written inline": over(
        "resources: [../base]\npatches:\n- patch: |\n    kind: Deployment\n    apiVersion: apps/v1\n"
        "    metadata: {name: web}\n    spec: {replicas: 4}\n"
    ),
    "a JSON patch in a file": over(
        "resources: [../base]\npatches:\n- path: replicas.json\n  target: {kind: Deployment}\n",
        replicas_json='[{"op": "replace", "path": "/spec/replicas", "value": 9}]',
    ),
    "a JSON patch written inline": over(
        "resources: [../base]\npatches:\n- target: {kind: Service}\n  patch: |-\n"
        "    - {op: add, path: /metadata/annotations, value: {a: b}}\n"
    ),
    "a JSON patch of the old kind": over(
        "resources: [../base]\npatchesJson6902:\n- path: p.yaml\n"
        "  target: {group: apps, version: v1, kind: Deployment, name: web}\n",
        p_yaml="- {op: remove, path: /spec/replicas}\n",
    ),
    "a patch that deletes": over(
        "resources: [../base]\npatches:\n- patch: |\n    $patch: delete\n    apiVersion: v1\n    kind: Service\n"
        "    metadata: {name: web}\n"
    ),
    "generators with a hash": over(
        "resources: [../base]\nconfigMapGenerator:\n- name: settings\n"
        "  files: [app.ini, other=app.ini]\n  envs: [vars.env]\n"
        "secretGenerator:\n- name: login\n  literals: [user=me, password=secret]\n  type: Opaque\n",
        app_ini="colour = blue\n",
        vars_env="A=1\n# comment\nB=two\n",
    ),
    "generators without a hash": over(
        "resources: [../base]\ngeneratorOptions:\n  disableNameSuffixHash: true\n  labels: {made: here}\n"
        "configMapGenerator:\n- name: settings\n  literals: [a=b]\n"
    ),
    "a generator that merges": (
        "prod",
        {
            "base/kustomization.yaml": "configMapGenerator:\n- name: settings\n  literals: [a=1, b=2]\n",
            "prod/kustomization.yaml": "resources: [../base]\nconfigMapGenerator:\n- name: settings\n"
            "  behavior: merge\n  literals: [b=3]\n",
        },
    ),
    "replacements": over(
        "resources: [../base]\nreplacements:\n- path: replacement.yaml\n- source: {kind: Service, name: web}\n"
        "  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [metadata.annotations.service]\n"
        "    options: {create: true}\n",
        replacement_yaml="source: {kind: Service, name: web, fieldPath: 'spec.ports.0.port'}\ntargets:\n"
        "- select: {kind: Deployment}\n"
        "  fieldPaths: ['spec.template.spec.containers.[name=web].env.[name=MODE].value']\n",
    ),
    "components": (
        "prod",
        {
            **BASE,
            "prod/kustomization.yaml": "resources: [../base]\ncomponents: [../parts/monitored]\n",
            "parts/monitored/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            "resources: [monitor.yaml]\npatches:\n- path: port.yaml\n",
            "parts/monitored/monitor.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: monitor}\n",
            "parts/monitored/port.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
            "spec:\n  ports: [{port: 9090, name: metrics}]\n",
        },
    ),
    "transformers as files": over(
        'resources: [../base]\ntransformers: [labels.yaml, ./more, "apiVersion: builtin\\nkind: PrefixTransformer\\n'
        'metadata: {name: p}\\nprefix: x-\\nfieldSpecs: [{path: metadata/name}]\\n"]\n',
        labels_yaml="apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: l}\nlabels: {made: by-file}\n"
        "fieldSpecs: [{path: metadata/labels, create: true}]\n",
        **{
            "more/kustomization_yaml": "resources: [notes.yaml]\n",
            "more/notes_yaml": "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: n}\n"
            "annotations: {made: by-folder}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n",
        },
    ),
    "generators as files": over(
        "generators: [generator.yaml]\n",
        generator_yaml="apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made}\nfiles: [app.ini]\n",
        app_ini="colour = blue\n",
    ),
    "a CRD of custom resources": over(
        "resources: [custom.yaml]\nnamePrefix: p-\ncrds: [crd.json]\nconfigMapGenerator:\n- name: settings\n"
        "  literals: [a=b]\n",
        custom_yaml="apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\n"
        "spec:\n  settingsRef: {name: settings}\n",
        crd_json='{"example.com/v1.Thing": {"Schema": {"properties": {"spec": {"$ref": "example.com/v1.ThingSpec"}}}},'
        '"example.com/v1.ThingSpec": {"Schema": {"properties": {"settingsRef": {'
        '"x-kubernetes-object-ref-api-version": "v1",'
        '"x-kubernetes-object-ref-kind": "ConfigMap", "x-kubernetes-object-ref-name-key": "name"}}}}}',
    ),
    "an openapi schema of custom resources": over(
        "resources: [custom.yaml]\nopenapi: {path: schema.json}\npatches:\n- patch: |\n    apiVersion: example.com/v1\n"
        "    kind: Thing\n    metadata: {name: thing}\n    spec:\n      parts: [{name: a, size: 2}]\n",
        custom_yaml="apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\nspec:\n"
        "  parts: [{name: a, size: 1}, {name: b, size: 1}]\n",
        schema_json='{"definitions": {"v1.Thing": {"properties": {"spec": {"properties": {"parts": {"type": "array",'
        '"items": {"type": "object"}, "x-kubernetes-patch-merge-key": "name",'
        '"x-kubernetes-patch-strategy": "merge"}}}},'
        '"x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Thing", "version": "v1"}]}}}',
    ),
    "configurations of name references": over(
        "resources: [custom.yaml]\nnamePrefix: p-\nconfigurations: [names.yaml]\n"
        "configMapGenerator:\n- name: settings\n  literals: [a=b]\n",
        custom_yaml="apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\nspec: {settings: settings}\n",
        names_yaml="nameReference:\n- kind: ConfigMap\n  fieldSpecs: [{path: spec/settings, kind: Thing}]\n",
    ),
    "a file of a sibling folder": (
        "prod",
        {"prod/kustomization.yaml": "resources: [../shared/web.yaml]\n", "shared/web.yaml": WEB},
    ),
    "a list, and several documents in a file": over(
        "resources: [all.yaml]\n",
        all_yaml="apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n"
        "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
    ),
    "origins that the author asks for": over("resources: [../base]\nbuildMetadata: [originAnnotations]\n"),
    "another name of the kustomization": (
        "app",
        {"app/Kustomization": "resources: [web.yaml]\n", "app/web.yaml": WEB},
    ),
}
