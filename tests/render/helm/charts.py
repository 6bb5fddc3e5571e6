"""Charts that use what Helm offers: each is the files of a repository with its chart in `app`."""

from __future__ import annotations

from collections.abc import Mapping

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "app.name" . }}
  labels: {{- include "app.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: "{{ .Values.image.name }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
        {{- with .Values.resources }}
        resources: {{- toYaml . | nindent 10 }}
        {{- end }}
"""
HELPERS = """
{{- define "app.name" -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "app.labels" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
"""
SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  all: {{ toJson .Values | quote }}
"""


def chart(name: str = "app", folder: str = "app", more: str = "", **files: str) -> dict[str, str]:
    """Return a chart; in the names of its files `__` stands for a slash, and `_` for a dot."""
    head = f"apiVersion: v2\nname: {name}\nversion: 1.0.0\nappVersion: '1.27'\n{more}"
    named = {f"{folder}/{_path(path)}": text for path, text in files.items()}
    return {f"{folder}/Chart.yaml": head, **named}


def _path(name: str) -> str:
    return name.replace("__", "/").replace("_", ".")


FIXTURES: Mapping[str, Mapping[str, str]] = {
    "helpers and values": {
        **chart(
            templates__web_yaml=WEB, values_yaml="replicas: 2\nimage: {name: nginx, tag: ''}\nresources: {}\n"
        ),
        "app/templates/_helpers.tpl": HELPERS,
    },
    "a subchart with values of its own, and global ones": {
        **chart(
            more="dependencies:\n- {name: db, version: 0.1.0}\n",
            values_yaml="db: {size: 3}\nglobal: {zone: eu}\n",
            templates__settings_yaml=SETTINGS,
        ),
        **chart(
            name="db",
            folder="app/charts/db",
            values_yaml="size: 1\n",
            templates__db_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\n"
            "data: {size: {{ .Values.size | quote }}, zone: {{ .Values.global.zone }}}\n",
        ),
    },
    "an alias, a condition and values that are imported": {
        **chart(
            more="dependencies:\n- {name: db, version: 0.1.0, alias: store}\n"
            "- {name: db, version: 0.1.0, alias: cache, condition: cache.enabled}\n",
            values_yaml="cache: {enabled: false}\nstore: {size: 5}\n",
        ),
        **chart(
            name="db",
            folder="app/charts/db",
            templates__db_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Chart.Name }}'}\n",
        ),
    },
    "CRDs of a chart": chart(
        crds__thing_yaml="apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "metadata: {name: things.example.com}\nspec: {group: example.com}\n",
        templates__thing_yaml="apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\n",
    ),
    "a schema of values": chart(
        values_yaml="port: 80\n",
        values_schema_json='{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"port": '
        '{"$ref": "#/definitions/port"}}, "definitions": {"port": {"type": "integer"}}}',
        templates__settings_yaml=SETTINGS,
    ),
    "loops, and several documents in a file": chart(
        values_yaml="names: [a, b, c]\n",
        templates__all_yaml="{{- range .Values.names }}\n---\napiVersion: v1\nkind: ConfigMap\n"
        "metadata: {name: {{ . }}}\n{{- end }}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
    ),
    "tpl, fromYaml and files": {
        **chart(
            values_yaml="greeting: 'hello {{ .Release.Name }}'\nmore: |\n  a: 1\n  b: [x, y]\n",
            templates__settings_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n"
            "  greeting: {{ tpl .Values.greeting . | quote }}\n"
            '  b: {{ (fromYaml .Values.more).b | join "," | quote }}\n'
            '  file: {{ .Files.Get "files/app.ini" | quote }}\n'
            '  outside: {{ .Files.Get "../secret.txt" | quote }}\n',
        ),
        "app/files/app.ini": "colour = blue\n",
        "secret.txt": "outside of the chart",
    },
    "what the cluster is": chart(
        templates__settings_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n"
        "  version: {{ .Capabilities.KubeVersion.Version }}\n"
        '  has: {{ .Capabilities.APIVersions.Has "example.com/v1/Thing" | quote }}\n'
        '  not: {{ .Capabilities.APIVersions.Has "absent.com/v1" | quote }}\n'
        '  deployments: {{ .Capabilities.APIVersions.Has "apps/v1" | quote }}\n'
    ),
    "notes and ignored files": chart(
        templates__NOTES_txt="Welcome to {{ .Chart.Home }}\n",
        templates__ignored_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ignored}\n",
        templates__settings_yaml=SETTINGS,
        _helmignore="templates/ignored.yaml\n",
    ),
    "numbers, nulls and long texts": chart(
        values_yaml="big: 12345678901\nfloat: 1.10\nexp: 1e3\nyes: 'yes'\nnull_: null\noctal: 0o17\n"
        "text: |\n  a\n  b\n",
        templates__settings_yaml=SETTINGS,
    ),
    "a chart whose name is a boolean": chart(
        name="y", templates__settings_yaml=SETTINGS, values_yaml="a: b\n"
    ),
    "the older format": {
        "app/Chart.yaml": "apiVersion: v1\nname: app\nversion: 1.0.0\n",
        "app/requirements.yaml": "dependencies:\n- {name: db, version: 0.1.0}\n",
        **chart(
            name="db",
            folder="app/charts/db",
            templates__db_yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\n",
        ),
    },
}
