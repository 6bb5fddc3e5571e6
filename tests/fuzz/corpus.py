"""A few valid inputs of each parser, from which others are made by mutation."""

from __future__ import annotations

from tests.source.helm_charts import chart_servers

A, B, NONE = 40 * b"a", 40 * b"b", 40 * b"0"


def packet(line: bytes) -> bytes:
    return b"%04x" % (len(line) + 4) + line


ADVERTISEMENTS = (
    packet(b"# service=git-upload-pack\n")
    + b"0000"
    + packet(A + b" HEAD\0multi_ack symref=HEAD:refs/heads/main agent=git/2.40\n")
    + packet(B + b" refs/heads/main\n")
    + packet(A + b" refs/tags/v1.0.0^{}\n")
    + b"0000",
    packet(b"# service=git-upload-pack\n") + b"00000000",
)
LISTINGS = (b"ref: refs/heads/main\tHEAD\n" + A + b"\tHEAD\n" + B + b"\trefs/tags/v1^{}\n",)
TREES = (
    b"100644 blob " + A + b"      12\tapps/web.yaml\x00160000 commit " + B + b"       -\tmodule\x00",
    b"120000 blob " + A + b"       7\tlink \xff\x00100755 blob " + B + b"    1000\t\xc3\xa4/x.json\x00",
)
TREE_OBJECT = b"100644 a.yaml\0" + 20 * b"\x01" + b"40000 dir\0" + 20 * b"\n" + b"120000 link\0" + 20 * b" "
TREE_OBJECTS = (A + b" tree %d\n" % len(TREE_OBJECT) + TREE_OBJECT + b"\n" + B + b" tree 0\n\n",)
BATCHES = (A + b" blob 5\nab\ncd\n" + B + b" blob 0\n\n",)
CHECKS = (A + b" blob 5\n" + B + b" missing\n", b"symlink 4\n" + b"HEAD\n" + A + b" tree 12\n")
STEPS = (
    A + b"\x00:100644 100644 " + A + b" " + B + b" M\x00a.yaml\x00" + B + b"\x00",
    A + b"\x00::100644 100644 100644 " + A + b" " + B + b" " + A + b" MM\x00a.yaml\x00",
)
LOGS = (
    A
    + b"\x00"
    + B
    + b"\x00Ann\x00a@x\x001700000000\x00Bob\x00b@x\x001700000001\x00Merge pull request #12 from a/b\n\nTitle\x00",
)
ANCESTRIES = (A + b" " + B + b" " + A + b"\n" + B + b"\n",)
YAML = b"""\
apiVersion: v1
kind: ConfigMap
metadata: {name: a, annotations: {towline.dev/wave: '-1'}}
data:
  <<: &m {a: 0x1F, b: 1e3, c: .5, d: ~}
  e: !!binary aGVsbG8=
  f: *m
  g: |
    text
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {k: v}}
"""
LIST = b"""\
apiVersion: apps/v1
kind: DeploymentList
items:
- &d
  metadata: {name: a, labels: {x: y}}
  spec: {}
- *d
"""
YAMLS = (
    YAML,
    LIST,
    b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"\\u00e4": "\\ud83d\\ude00"}}',
    b"%YAML 1.1\n---\n? [a, b]\n: - 1_000\n  - 12:30\n  - 2026-01-31\n...\n",
)
POINTERS = (
    b"/spec/template/spec/containers/0/env/1/value\n/metadata/annotations/a~1b\n/data/~0x\n",
    b"/stringData/k\n",
)
SERVER_PATHS = (
    b'.spec.containers[name="main"].ports[containerPort=80,protocol="TCP"].name',
    b"spec.list[1].value",
    b".data[bad.key 0!]",
    b'.metadata.finalizers["x"]',
)
ANNOTATIONS = (
    b"towline.dev/wave=-3\ntowline.dev/prune=Disabled\ntowline.dev/drift=report\ntowline.dev/force=true\n",
    b"towline.dev/wave-gate=Healthy\ntowline.dev/rerun=1\nhelm.sh/hook=pre-install,post-install\n",
)
EXCLUSIONS = (b"/secrets/\n*.bak\n!keep.bak\n**/test/**\na[!b-d]?.yaml\n\\#x\n", b"docs/**/x*y*z\n[]a]\n")
EXPRESSIONS = (
    b"status.phase == 'Ready' && status.conditions.exists(c, c.type == 'Ready' && c.status == \"True\")",
    b"has(status.ready) ? status.ready >= spec.replicas : metadata.name.matches('^a+[b-d]{2,5}$')",
    b"size(status.items.filter(i, i > 1.5)) in [1, 2u, -3] // comment",
)
FIELDS = (
    b'{"f:metadata":{"f:finalizers":{".":{},"v:\\"x\\"":{}}},"f:spec":{"f:containers":{"k:{\\"name\\":\\"main\\"}":{".":{},"f:name":{}}}}}',
    b'{"f:spec":{"f:list":{"v:1":{},"v:[1]":{},"k:{\\"name\\":\\"n1\\"}":{".":{},"f:value":{}}}}}',
)
RANGES = (b">=1.2.3 <2 || ^3.x", b"1.2 - 2.3.4-rc.1", b"~1.2.x || *")
MESSAGES = (
    b"Merge pull request #12 from owner/branch\n\nTitle",
    b"Title (#34)\n\nSee merge request group/app!56\n",
)

VARIABLES = (
    b"${A} ${B:-${C}} $${A} $A\0value",
    b"#!/bin/sh\n${A//\\//_} ${B##*/} ${C%.*} ${#A}\n\0a/b/c.txt",
    b"${A:0:1}${A^^}${B,,}${C/#a/b}${A/%c/d}${MISSING:=x}\0[a, {b: c}]",
    "${A:1}\t${B^}\0äöü".encode(),
)

KUSTOMIZATIONS = (
    b"resources: [x.yaml, ../b, https://example.com/a, /etc]\ncomponents: [c]\n",
    b"kind: Component\npatches:\n- path: x.yaml\n- patch: |\n    kind: Secret\n  target: {kind: X}\n",
    b"configMapGenerator:\n- name: a\n  files: [x=x.yaml]\n  envs: [x.yaml]\nbuildMetadata: [originAnnotations]\n",
    b'transformers: [x.yaml, "apiVersion: builtin\\nkind: PatchTransformer\\npath: x.yaml\\n"]\n',
    b"openapi: {path: x.yaml}\n",
    b"apiVersion: builtin\nkind: ReplacementTransformer\nreplacements: [{path: x.yaml}]\ngenerators: [x.yaml]\n",
    b"helmCharts: [{name: a, repo: b}]\nhelmGlobals: {chartHome: .}\nreplacements: [{path: x.yaml}]\n",
)

ADDRESSES = (
    b"https://h.example/org/repo//path?ref=v1",
    b"git@h.example:org/repo.git/path?ref=0123456789abcdef0123456789abcdef01234567",
    b"git::ssh://git@h.example:22/o/_git/repo/p?version=v1&timeout=5",
    b"github.com/org/repo?ref=refs/tags/v1",
)
INDEXES = (
    (
        b"apiVersion: v1\nentries:\n  other: []\n  web:\n  - version: 1.2.3\n    digest: 00\n    urls: [a.tgz]\n"
        b"  - version: 1.0.0\n  z:\n  - name: z\n"
    ),
    b'{"entries": {"web": [{"version": "1.2.3", "urls": ["a.tgz"]}]}}',
)
ARCHIVES = (chart_servers.packed(), chart_servers.packed({"web/Chart.yaml": "name: web", "web/a/b": "c"}))
DEPENDENCIES = (
    (
        b"name: app\ndependencies:\n- name: web\n  version: ^1.2\n  repository: https://h.example/charts\n"
        b"  tags: [a]\n- name: present\n  version: 1.0.0\n  repository: oci://h.example/x\n"
    ),
)

CHARTS = (
    b"apiVersion: v2\nname: app\nversion: 1.0.0\ntype: library\ndependencies:\n- {name: db, version: 1, alias: x}\n",
    b'kind: ConfigMap\ndata:\n  a: {{ randAlpha 5 }} {{ now }} {{ .Capabilities.APIVersions.Has "v1" }}\n',
    b'{"$ref": "https://example.com", "a": [{"$schema": "x"}]}',
    b'{{/* a */}}{{ lookup "v1" "Secret" "" "a" }}{{ .Files.Get "x" }}',
)

SETTINGS = (b"a.b[0]=1,c={x,y},d[999]=1", rb"a\.b=c\,d,e=null", b"a[1][2].b=true", b"a={", b"=,")
