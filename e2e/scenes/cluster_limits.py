"""What stands in the way of objects: quotas, admission policies, rights that the operator does not have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from e2e.harness.cluster import Cluster, KubectlError, Object
from e2e.harness.waiting import eventually

ADMISSION = "admissionregistration.k8s.io/v1"
RBAC = "rbac.authorization.k8s.io/v1"

ALL = {"resources": ["*"], "verbs": ["*"]}
READER = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
OWN_KINDS = {"apiGroups": ["towline.dev"], "resources": ["*"], "verbs": ["*"]}
PLAIN_KINDS = {
    "apiGroups": ["", "apps"],
    "resources": ["configmaps", "secrets", "services", "events", "deployments"],
    "verbs": ["create", "patch", "delete"],
}

_PLAIN = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps", "secrets"]}
_RECORDS = {"apiGroups": ["towline.dev"], "apiVersions": ["*"], "resources": ["syncrecords"]}


def limit_services(cluster: Cluster, namespace: str, count: int) -> None:
    """Let a quota of the namespace admit so many Services; it holds when this returns."""
    limit(cluster, namespace, "services", count)


def limit(cluster: Cluster, namespace: str, what: str, count: int) -> None:
    """Let the quota "few" of the namespace admit so many of something; it holds when this returns."""
    spec = {"hard": {what: str(count)}}
    cluster.create(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": _named("few", namespace), "spec": spec}
    )

    def enforced() -> Object | None:
        found = cluster.get("v1", "ResourceQuota", "few", namespace)
        used: Object | None = found.get("status", {}).get("used")
        return used

    eventually(enforced, deadline=30, message="the quota")


@contextmanager
def denying(cluster: Cluster, namespace: str, rule: str, words: str) -> Iterator[None]:
    """Let an admission policy deny ConfigMaps and Secrets of the namespace that break a CEL rule.

    `words` is a CEL expression of what the author is told. A ConfigMap named `probe` is denied in any case.
    """
    rule = f"object.metadata.name != 'probe' && ({rule})"
    with _policy(cluster, namespace, {**_PLAIN, "operations": ["CREATE", "UPDATE"]}, rule, words):
        eventually(lambda: _denies(cluster, namespace), deadline=30, message="the admission policy")
        yield


@contextmanager
def undeletable(cluster: Cluster, namespace: str, name: str, words: str) -> Iterator[None]:
    """Let an admission policy deny the deletion of a ConfigMap, with these words, for a while."""
    rule = f"oldObject.metadata.name != '{name}'"
    with _policy(cluster, namespace, {**_PLAIN, "operations": ["DELETE"]}, rule, f"'{words}'"):
        eventually(lambda: _keeps(cluster, namespace, name), deadline=30, message="the admission policy")
        yield


@contextmanager
def unrecorded(cluster: Cluster, namespace: str, probe: Object) -> Iterator[None]:
    """Let an admission policy refuse all records of a namespace for a while, `probe` among them."""

    def accepted() -> bool:
        with suppress(KubectlError):
            cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(probe))
            return True
        return False

    with _policy(cluster, namespace, {**_RECORDS, "operations": ["CREATE"]}, "false", "'no records here'"):
        eventually(lambda: not accepted(), deadline=30, message="the policy to refuse records")
        yield
    eventually(accepted, deadline=30, message="the policy to be gone")


@contextmanager
def rights(cluster: Cluster, name: str, user: str, rules: list[Mapping[str, Any]]) -> Iterator[None]:
    """Bind a cluster role of these rules to a user for a while."""
    cluster.create({"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    binding = {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": {"name": name}}
    cluster.create({**binding, "roleRef": role, "subjects": [subject]})
    try:
        yield
    finally:
        cluster.delete(RBAC, "ClusterRoleBinding", name)
        cluster.delete(RBAC, "ClusterRole", name)


def _named(name: str, namespace: str) -> Object:
    return {"name": name, "namespace": namespace}


@contextmanager
def _policy(
    cluster: Cluster, namespace: str, resources: Mapping[str, Any], rule: str, words: str
) -> Iterator[None]:
    """Deny operations on resources that break a rule; it holds some time after the start."""
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    spec = {
        "matchConstraints": {"resourceRules": [resources], "namespaceSelector": here},
        "validations": [{"expression": rule, "messageExpression": words}],
    }
    binding = {"policyName": namespace, "validationActions": ["Deny"]}
    made = {"ValidatingAdmissionPolicy": spec, "ValidatingAdmissionPolicyBinding": binding}
    for kind, body in made.items():
        cluster.create({"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": namespace}, "spec": body})
    try:
        yield
    finally:
        for kind in made:
            cluster.delete(ADMISSION, kind, namespace)


def _keeps(cluster: Cluster, namespace: str, name: str) -> bool:
    with suppress(KubectlError):
        cluster.kubectl("delete", "--dry-run=server", "configmap", name, "-n", namespace)
        return False
    return True


def _denies(cluster: Cluster, namespace: str) -> bool:
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named("probe", namespace)}
    with suppress(KubectlError):
        cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(probe))
        return False
    return True
