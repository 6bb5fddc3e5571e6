"""What the control plane removes by itself while its partner is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from towline.model import Body, GroupKind, Manifest, ObjectRef

_TYPE = "kubernetes.io/service-account-token"
_ACCOUNT = "kubernetes.io/service-account.name"
_SERVICE = "kubernetes.io/service-name"


def partner(manifest: Manifest) -> str:
    """Name the object without which the control plane removes this one; empty where it removes none like it.

    A token Secret goes without its ServiceAccount, endpoints go without their Service, a Pod goes without its Node,
    and the garbage collector takes what has an owner that does not exist.
    """
    body = manifest.body
    named = _PARTNERS.get(manifest.ref.group_kind, _owner)
    return named(body, manifest.ref) or _owner(body, manifest.ref)


def _account(body: Body, ref: ObjectRef) -> str:
    name = _notes(body, "annotations").get(_ACCOUNT)
    is_token = body.get("type") == _TYPE and name
    return ObjectRef("", "ServiceAccount", ref.namespace, str(name)).display if is_token else ""


def _namesake(_body: Body, ref: ObjectRef) -> str:
    return ObjectRef("", "Service", ref.namespace, ref.name).display


def _service(body: Body, ref: ObjectRef) -> str:
    name = _notes(body, "labels").get(_SERVICE)
    return ObjectRef("", "Service", ref.namespace, str(name)).display if name else ""


def _node(body: Body, _ref: ObjectRef) -> str:
    spec: Any = body.get("spec")
    name = spec.get("nodeName") if isinstance(spec, Mapping) else None
    return ObjectRef("", "Node", "", str(name)).display if name else ""


def _owner(body: Body, _ref: ObjectRef) -> str:
    owners: Any = _metadata(body).get("ownerReferences")
    first = next((each for each in owners or () if isinstance(each, Mapping)), None)
    return f"its owner, {first.get('kind')} {first.get('name')}" if first else ""


def _notes(body: Body, field: str) -> Mapping[str, Any]:
    found: Any = _metadata(body).get(field)
    return found if isinstance(found, Mapping) else {}


def _metadata(body: Body) -> Mapping[str, Any]:
    found: Any = body.get("metadata")
    return found if isinstance(found, Mapping) else {}


_PARTNERS: Mapping[GroupKind, Callable[[Body, ObjectRef], str]] = MappingProxyType(
    {
        GroupKind("", "Secret"): _account,
        GroupKind("", "Endpoints"): _namesake,
        GroupKind("discovery.k8s.io", "EndpointSlice"): _service,
        GroupKind("", "Pod"): _node,
    }
)
