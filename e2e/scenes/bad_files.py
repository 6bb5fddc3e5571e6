"""Files with something wrong in them, and what a story asks about their fate."""

from __future__ import annotations

import re
from collections.abc import Mapping

from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Object
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

GOOD = {
    "good/settings.yaml": manifests.text(manifests.config_map("settings", colour="blue")),
    "good/web.yaml": manifests.text(manifests.deployment("web")),
}

UNKNOWN_FIELDS = """\
# each comment names what is wrong with its line
apiVersion: apps/v1
kind: Deployment
metadata:
  name: unknown
  lables: {app: unknown}  # UnknownField
spec:
  replcas: 2  # UnknownField
  selector:
    matchLabels: {app: unknown}
  template:
    metadata:
      labels: {app: unknown}
    spec:
      containers:
        - name: first
          image: registry.example/unknown:1
        - name: second
          image: registry.example/unknown:1
          pullPolicy: Always  # UnknownField
"""

BAD = {
    "bad/unknown.yaml": UNKNOWN_FIELDS,
    "bad/value.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: value
spec:
  selector:
    matchLabels: {app: value}
  replicas: -1  # Invalid
  template:
    metadata:
      labels: {app: value}
    spec:
      containers: [{name: main, image: registry.example/value:1}]
""",
    "bad/name.yaml": """\
kind: ConfigMap
apiVersion: v1
metadata:
  labels: {app: name}
  name: Upper_Case  # Invalid
""",
    "bad/kind.yaml": """\
kind: Nothing  # UnknownKind
apiVersion: no.example/v1
metadata:
  name: kind
""",
    "bad/elsewhere.yaml": """\
apiVersion: v1  # NamespaceNotFound
kind: ConfigMap
metadata:
  name: elsewhere
  namespace: nowhere-to-be-found
""",
}

MIXED = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: mixed
spec:
  replcas: 2  # UnknownField
  replicas: two  # WrongType
  colour: red  # UnknownField
  selector:
    matchLabels: {app: mixed}
  template:
    metadata:
      labels: {app: mixed}
    spec:
      hostNetwrk: true  # UnknownField
      containers:
        - name: main
          image: registry.example/mixed:1
          stdin: "yes"  # WrongType
"""

HINDERED = {
    "bad/more.yaml": """\
apiVersion: v1  # QuotaExceeded
kind: Service
metadata:
  name: quota
spec:
  ports: [{port: 80}]
---
apiVersion: v1  # AdmissionDenied
kind: ConfigMap
metadata:
  name: policy
data:
  mood: bad
---
apiVersion: networking.k8s.io/v1  # Forbidden
kind: NetworkPolicy
metadata:
  name: rights
spec:
  podSelector: {}
""",
}

GENTLE = "!has(object.data) || !('mood' in object.data) || object.data.mood != 'bad'"


def marks(files: Mapping[str, str]) -> set[tuple[str, int, str]]:
    """Return file, line and reason wherever a line ends with a comment that names a reason."""
    return {
        (file, number, found[1])
        for file, content in files.items()
        for number, line in enumerate(content.splitlines(), 1)
        if (found := re.search(r"  # ([A-Z][A-Za-z]+)$", line))
    }


def places(status: Object) -> set[tuple[str, int, str]]:
    """Return file, line and reason of each failure."""
    return {(failure["file"], failure["line"], failure["reason"]) for failure in status["failures"]}


def said(status: Object, reason: str) -> list[str]:
    """Return the messages of the failures with this reason."""
    return [failure["message"] for failure in status["failures"] if failure["reason"] == reason]


def until_tried(app: Repository, times: int) -> None:
    """Wait until the status counts so many tries in a row."""
    eventually(lambda: tries(app) >= times, deadline=60, message=f"{times} tries")


def tries(app: Repository) -> int:
    """Return how many tries in a row the status counts."""
    found = re.search(r"Tried (\d+) times?;", app.condition("Reconciling")["message"])
    return int(found[1]) if found else 0


def written(audit: AuditLog, mark: Mark, namespace: str) -> list[str]:
    """Return what operators wrote in a namespace, but for records, events and the repository itself."""
    return [str(event) for event in audit.since(mark) if event.namespace == namespace and _touches(event)]


def _touches(event: AuditEvent) -> bool:
    own = event.group == "towline.dev" or event.resource == "events"
    return event.user in {"towline", "limited"} and event.writes and not own
