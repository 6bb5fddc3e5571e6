"""Admission policies that change what others, or we, write to ConfigMaps of one namespace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from e2e.harness.cluster import Cluster, Object
from e2e.harness.waiting import eventually

ADMISSION = "admissionregistration.k8s.io/v1"
PROBE = "policy-probe"


@contextmanager
def mutating(cluster: Cluster, namespace: str, path: str, value: str) -> Iterator[None]:
    """Let a policy set `path` of every ConfigMap in a namespace to a CEL expression for a while; it holds at once."""
    bodies = (_policy(namespace, path, value), _binding(namespace))
    for body in bodies:
        cluster.create(body)
    try:
        eventually(lambda: _holds(cluster, namespace), deadline=30, message="the admission policy")
        yield
    finally:
        for body in bodies:
            cluster.delete(ADMISSION, body["kind"], namespace)


def _policy(namespace: str, path: str, value: str) -> Object:
    patch = f'[JSONPatch{{op: "add", path: "{path}", value: {value}}}]'
    rules = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {
            "resourceRules": [rules],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        },
        "matchConditions": [
            {"name": "coloured", "expression": "has(object.data) && 'colour' in object.data"}
        ],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
    }
    return {
        "apiVersion": ADMISSION,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": spec,
    }


def _binding(namespace: str) -> Object:
    return {
        "apiVersion": ADMISSION,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace},
    }


def _holds(cluster: Cluster, namespace: str) -> bool:
    """Rehearse a creation, and look whether its colour was changed."""
    metadata = {"name": PROBE, "namespace": namespace}
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"colour": "probe"}}
    made = cluster.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(probe))
    return bool(json.loads(made)["data"]["colour"] != "probe")
