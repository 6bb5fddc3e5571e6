"""Objects as their authors write them to files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from e2e.harness.cluster import Object

NOWHERE = "node-that-nobody-plays"


def text(*bodies: Object) -> str:
    """Return a file that declares these objects, one document each."""
    return yaml.safe_dump_all(bodies, sort_keys=False)


def config_map(name: str = "settings", namespace: str = "", **entries: str) -> Object:
    """Declare a ConfigMap; without a namespace it lands in the repository's default one."""
    return _object("v1", "ConfigMap", name, namespace, data=entries)


def config_maps(names: Iterable[str], **entries: str) -> dict[str, str]:
    """Return one file for each name, each with one ConfigMap."""
    return {f"{name}.yaml": text(config_map(name, **entries)) for name in names}


def secret(name: str = "credentials", namespace: str = "", **entries: str) -> Object:
    """Declare a Secret by plain values."""
    return _object("v1", "Secret", name, namespace, stringData=entries)


def namespace(name: str) -> Object:
    """Declare a Namespace."""
    return _object("v1", "Namespace", name, "")


def service(name: str = "web", namespace: str = "") -> Object:
    """Declare a Service of one port."""
    return _object(
        "v1", "Service", name, namespace, spec={"selector": {"app": name}, "ports": [{"port": 80}]}
    )


def service_account(name: str = "web", namespace: str = "") -> Object:
    """Declare a ServiceAccount."""
    return _object("v1", "ServiceAccount", name, namespace)


def deployment(name: str = "web", namespace: str = "", *, account: str = "", image: str = "web:1") -> Object:
    """Declare a Deployment of one container."""
    pod: Object = {"containers": [{"name": "main", "image": f"registry.example/{image}"}]}
    if account:
        pod["serviceAccountName"] = account
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    return _object("apps/v1", "Deployment", name, namespace, spec=spec)


def stalled(name: str = "web", *, image: str = "web:1") -> Object:
    """Declare a Deployment whose Pods go to a node that nobody plays, and stay Pending."""
    body = deployment(name, image=image)
    body["spec"]["template"]["spec"]["nodeName"] = NOWHERE
    return body


def job(
    name: str = "migrate", *, image: str = "migrate:1", node: str = NOWHERE, **annotations: str
) -> Object:
    """Declare a Job of one Pod, which nobody runs unless another node is named; annotations of towline.dev."""
    pod: Object = {
        "containers": [{"name": "main", "image": f"registry.example/{image}"}],
        "restartPolicy": "Never",
        "nodeName": node,
    }
    body = _object("batch/v1", "Job", name, "", spec={"template": {"spec": pod}, "backoffLimit": 0})
    body["metadata"]["annotations"] = {
        f"towline.dev/{word.replace('_', '-')}": value for word, value in annotations.items()
    }
    return body


def role(name: str = "reader", namespace: str = "") -> Object:
    """Declare a Role that reads ConfigMaps."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    return _object("rbac.authorization.k8s.io/v1", "Role", name, namespace, rules=rules)


def role_binding(account: str, namespace: str, name: str = "reader") -> Object:
    """Declare a RoleBinding of the Role of its name to a ServiceAccount of the same namespace."""
    return _object(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        name,
        namespace,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        subjects=[{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    )


def claim(name: str = "state", namespace: str = "") -> Object:
    """Declare a PersistentVolumeClaim."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return _object("v1", "PersistentVolumeClaim", name, namespace, spec=spec)


def widgets(group: str) -> Object:
    """Declare the kind Widget in a group of one's own."""
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": _WIDGET}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Widget", "plural": "widgets", "singular": "widget"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return _object("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}", "", spec=spec)


_WIDGET = {"colour": {"type": "string"}}


def widget(group: str, namespace: str = "", name: str = "first") -> Object:
    """Declare a Widget."""
    return _object(f"{group}/v1", "Widget", name, namespace, spec={"colour": "blue"})


def child(url: str, name: str = "child", namespace: str = "") -> Object:
    """Declare a GitRepository that does nothing."""
    return _object(
        "towline.dev/v1alpha1", "GitRepository", name, namespace, spec={"url": url, "suspend": True}
    )


def _object(api_version: str, kind: str, name: str, namespace: str, **rest: Any) -> Object:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}
