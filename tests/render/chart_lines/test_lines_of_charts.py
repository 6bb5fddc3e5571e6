"""Which line of a template, or of a file of values, a field of a rendered object comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from towline.model import Origin
from towline.render.chart_lines import chart_sources
from towline.render.chart_lines.chart_sources import ChartPlace
from towline.render.chart_lines.traced_chart import TracedChart
from towline.render.documents import YamlLimits
from towline.render.marks import likelihood

TEMPLATE = "app/templates/web.yaml"
PROD = "values/prod.yaml"
HEAD = "apiVersion: v1\nkind: Web\nmetadata:\n  name: {{ .Release.Name }}\n"


def traced(contents: Mapping[str, bytes]) -> TracedChart:
    """Return the chart in `app`, with the files of values that are outside of it."""
    values = {path: contents[path] for path in ("values/base.yaml", PROD) if path in contents}
    files = {path.removeprefix("app/"): each for path, each in contents.items() if path.startswith("app/")}
    sources = chart_sources.read(ChartPlace("app/"), files, values, frozenset(contents))
    return TracedChart(sources, YamlLimits())


def place(
    template: str,
    spec: Any,
    pointer: str,
    files: Mapping[str, str] | None = None,
    file: str = TEMPLATE,
) -> str:
    """Return where a field is from: of an object that is declared in `file`, whose template goes on after HEAD."""
    contents = {file: (HEAD + template).encode()} | {
        path: text.encode() for path, text in (files or {}).items()
    }
    chart = traced(contents)
    body = {"apiVersion": "v1", "kind": "Web", "metadata": {"name": "shop"}, "spec": spec}
    field = likelihood.field_at(body, Origin(file, 1, via=("app/Chart.yaml", file)), pointer)
    assert field
    found = chart.place(field)
    return f"{found.file}:{found.line} {found.certainty}"


VALUE = f"{PROD}:1 likely"


@pytest.mark.parametrize(
    ("template", "values", "rendered"),
    [
        ("{{ .Values.count }}", "count: 3", 3),
        ('"{{ .Values.count }}"', "count: 3", "3"),
        ("{{ .Values.count | quote }}", "count: 3", "3"),
        ("{{- .Values.count | default 1 -}}", "count: 3", 3),
        ("{{ $.Values.a.b }}  # of people", "a: {b: true}", True),
        ('{{ index .Values "a" "b-c" }}', "a: {b-c: red}", "red"),
        ("{{ tpl .Values.host . }}", "host: '{{ .Release.Name }}.example'", "shop.example"),
        ("{{ .Values.word | b64enc }}", "word: hello", "aGVsbG8="),
        ('{{ printf "%s:%s" .Values.name .Values.tag }}', "{name: nginx, tag: v1}", "nginx:v1"),
        ('"{{ .Values.name }}:{{ .Values.tag }}"', "{name: nginx, tag: v1}", "nginx:v1"),
        ("|\n    {{ .Values.long | nindent 4 }}", "long: |\n  a\n  b", "a\nb\n"),
        ("{{- with .Values.a }}{{ .b }}{{- end }}", "a: {b: red}", "red"),
    ],
)
def test_a_field_that_a_template_takes_from_the_values_has_the_line_of_the_value(
    template: str, values: str, rendered: Any
) -> None:
    assert place(f"spec:\n  it: {template}\n", {"it": rendered}, "/spec/it", {PROD: values}) == VALUE


def test_the_last_file_that_sets_a_value_counts_and_then_the_values_of_the_chart() -> None:
    files = {
        "app/values.yaml": "a: 1\nb: 2\nc: 3\n",
        "values/base.yaml": "# base\na: 4\nb: 5\n",
        PROD: "a: 6\n",
    }
    spec = {"a": 6, "b": 5, "c": 3}
    template = "spec:\n  a: {{ .Values.a }}\n  b: {{ .Values.b }}\n  c: {{ .Values.c }}\n"
    assert [place(template, spec, f"/spec/{key}", files) for key in spec] == [
        f"{PROD}:1 likely",
        "values/base.yaml:3 likely",
        "app/values.yaml:3 likely",
    ]


def test_where_no_file_has_what_was_rendered_it_is_the_line_of_the_template() -> None:
    template = (
        "spec:\n  a: {{ .Values.a }}\n  b: 2\n  c: {{ .Values.c | default 7 }}\n  d: {{ .Release.Name }}-x\n"
    )
    spec = {"a": 9, "b": 2, "c": 7, "d": "shop-x"}
    files = {"app/values.yaml": "a: 1\n", PROD: "a: 2\n"}
    assert [place(template, spec, f"/spec/{key}", files) for key in spec] == [
        f"{TEMPLATE}:{line} likely" for line in (6, 7, 8, 9)
    ]


def test_a_map_that_is_written_as_a_whole_has_the_lines_of_its_values() -> None:
    files = {PROD: "resources:\n  limits:\n    cpu: 1\n    memory: 2Gi\n"}
    spec = {"resources": {"limits": {"cpu": 1, "memory": "2Gi"}}}
    shapes = (
        "  resources: {{- toYaml .Values.resources | nindent 4 }}\n",
        "  resources:\n    {{- toYaml .Values.resources | nindent 4 }}\n",
        "  {{- with .Values.resources }}\n  resources:\n{{ toYaml . | indent 4 }}\n  {{- end }}\n",
        "  {{- if .Values.resources }}\n  resources: {{ .Values.resources | toJson }}\n  {{- end }}\n",
        "  {{- $it := .Values.resources }}\n  resources:\n    limits:\n      {{- toYaml $it.limits | nindent 6 }}\n",
    )
    for shape in shapes:
        assert place(f"spec:\n{shape}", spec, "/spec/resources/limits/memory", files) == f"{PROD}:4 likely"


def test_a_map_in_one_line_has_the_lines_of_the_values_in_it() -> None:
    template = "spec:\n  it: {a: {{ .Values.a }}, 'b,c': {d: \"x, {{ .Values.d }}\"}, e: word}  # three\n"
    spec = {"it": {"a": 1, "b,c": {"d": "x, 2"}, "e": "word"}}
    files = {PROD: "# prod\na: 1\nd: 2\n"}
    found = [place(template, spec, f"/spec/it/{path}", files) for path in ("a", "b,c/d", "e")]
    assert found == [f"{PROD}:2 likely", f"{PROD}:3 likely", f"{TEMPLATE}:6 likely"]


def test_items_of_a_list_are_told_apart_though_a_template_leaves_some_out() -> None:
    template = """spec:
  containers:
  {{- if .Values.side }}
  - name: side
    port: 1
  {{- end }}
  - name: main
    port: 2
    args: [a, b]
  {{- toYaml .Values.more | nindent 2 }}
"""
    spec = {"containers": [{"name": "main", "port": 2, "args": ["a", "b"]}, {"name": "last", "port": 3}]}
    files = {PROD: "more:\n- name: last\n  port: 3\n"}
    assert place(template, spec, "/spec/containers/0/port", files) == f"{TEMPLATE}:12 likely"
    assert place(template, spec, "/spec/containers/0/args/1", files) == f"{TEMPLATE}:13 likely"
    assert place(template, spec, "/spec/containers/1/port", files) == f"{PROD}:3 likely"


def test_a_loop_over_values_leads_to_the_entry_that_has_what_was_rendered() -> None:
    template = """spec:
  env:
  {{- range $key, $value := .Values.env }}
    {{ $key }}: {{ $value | quote }}
  {{- end }}
  hosts:
  {{- range .Values.hosts }}
  - host: {{ .name }}
  {{- end }}
"""
    files = {PROD: "env:\n  A: x\n  B: z\nhosts:\n- name: one\n- name: two\n"}
    spec = {"env": {"A": "x", "B": "z"}, "hosts": [{"host": "one"}, {"host": "two"}]}
    assert place(template, spec, "/spec/env/B", files) == f"{PROD}:3 likely"
    assert place(template, spec, "/spec/hosts/1/host", files) == f"{PROD}:6 likely"


def test_what_a_helper_writes_has_the_line_that_includes_it() -> None:
    template = (
        'spec:\n  labels:\n    {{- include "app.labels" . | nindent 4 }}\n    {{- with .Values.labels }}\n'
    )
    template += "    {{- toYaml . | nindent 4 }}\n    {{- end }}\n"
    files = {PROD: "labels:\n  mine: x\n"}
    spec = {"labels": {"app": "web", "mine": "x"}}
    assert place(template, spec, "/spec/labels/app", files) == f"{TEMPLATE}:7 likely"
    assert place(template, spec, "/spec/labels/mine", files) == f"{PROD}:2 likely"


def test_of_two_branches_the_one_that_may_have_been_rendered_counts_and_alike_ones_leave_the_object() -> None:
    branches = "spec:\n  {{- if .Values.x }}\n  it: %s\n  {{- else }}\n  it: %s\n  {{- end }}\n"
    assert place(branches % ("red", "blue"), {"it": "blue"}, "/spec/it") == f"{TEMPLATE}:9 likely"
    assert place(branches % ("blue", "blue"), {"it": "blue"}, "/spec/it") == f"{TEMPLATE}:1 file only"


def test_an_object_is_looked_for_in_the_document_of_its_kind_and_name() -> None:
    other = "spec:\n  it: 1\n---\napiVersion: v1\nkind: Web\nmetadata: {name: shop}\nspec:\n  it: 1\n"
    text = other.replace("---", "---\n{{/* a comment\n   kind: Web */}}\nkind: Other\nspec:\n  it: 1\n---")
    head_named = HEAD.replace("{{ .Release.Name }}", "elsewhere")
    chart = traced({TEMPLATE: (head_named + text).encode()})
    body = {"apiVersion": "v1", "kind": "Web", "metadata": {"name": "shop"}, "spec": {"it": 1}}
    field = likelihood.field_at(body, Origin(TEMPLATE, 1), "/spec/it")
    assert field
    assert chart.place(field).line == 18


def test_a_chart_in_a_chart_has_its_values_below_its_name_and_global_ones_at_the_top() -> None:
    file = "app/charts/db/templates/db.yaml"
    template = "spec:\n  a: {{ .Values.a }}\n  b: {{ .Values.b }}\n  c: {{ .Values.c }}\n  d: {{ .Values.global.d }}\n"
    files = {
        PROD: "a: 0\ndb:\n  a: 1\n",
        "app/values.yaml": "global:\n  d: 4\ndb:\n  b: 2\n",
        "app/charts/db/Chart.yaml": "name: db\n",
        "app/charts/db/values.yaml": "a: 9\nb: 9\nc: 3\n",
    }
    spec = {"a": 1, "b": 2, "c": 3, "d": 4}
    assert [place(template, spec, f"/spec/{key}", files, file) for key in spec] == [
        f"{PROD}:3 likely",
        "app/values.yaml:4 likely",
        "app/charts/db/values.yaml:3 likely",
        "app/values.yaml:2 likely",
    ]


@pytest.mark.parametrize(
    "broken", ["", "{{", "{{ if", "}}{{ end }}{{ end }}", "- - -", ":\n  :", "\ue0007\ue001", "---"]
)
def test_a_template_that_cannot_be_understood_leaves_the_line_of_the_object(broken: str) -> None:
    assert place(broken, {"it": 1}, "/spec/it", {PROD: "{{"}) == f"{TEMPLATE}:1 file only"
