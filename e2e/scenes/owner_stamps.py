"""What only the operator can make: the stamps in owner annotations, with the key from its Secret."""

from __future__ import annotations

import base64
import json

from towline.model import ObjectRef
from towline.plan.stamp import Stamps

from e2e.harness.cluster import Cluster, Object
from e2e.harness.waiting import eventually

KEYS = "towline-keys"
OWNER = "towline.dev/owner"
HOME = "default"
"""The namespace of an operator that is told none."""


def stamps(cluster: Cluster, home: str = HOME) -> Stamps:
    """Return the stamps of the operator that is at home in a namespace, as soon as it has a key."""

    def key() -> bytes:
        secret = cluster.find("v1", "Secret", KEYS, home) or {}
        return base64.b64decode((secret.get("data") or {}).get("owner", ""))

    return Stamps(key=eventually(key, message="the key of owner stamps"))


def owner_of(body: Object) -> str:
    """Return the owner annotation of an object."""
    found: str = body["metadata"]["annotations"][OWNER]
    return found


def without_stamp(cluster: Cluster, body: Object) -> None:
    """Take the stamp off an object."""
    bare, _, _ = owner_of(body).rpartition(":")
    _patch(cluster, body, {"annotations": {OWNER: bare}})


def as_before_stamps(cluster: Cluster, body: Object) -> None:
    """Make an object as operators left it before there were stamps: nobody else has written it."""
    without_stamp(cluster, body)
    _patch(cluster, body, {"managedFields": body["metadata"]["managedFields"]})


def _patch(cluster: Cluster, body: Object, metadata: Object) -> None:
    held = body["metadata"]
    change = {"metadata": metadata}
    cluster.patch(body["apiVersion"], body["kind"], held["name"], held["namespace"], change)


def forged(cluster: Cluster, body: Object, manager: str) -> Object:
    """Apply an object in the name of any field manager, as everybody with `edit` can."""
    options = ("--server-side", "--force-conflicts", "--field-manager", manager, "-o", "json")
    made: Object = json.loads(cluster.kubectl("apply", *options, "-f", "-", stdin=json.dumps(body)))
    return made


def ref_of(body: Object) -> ObjectRef:
    """Return which object it is."""
    group, _, _ = body["apiVersion"].rpartition("/")
    metadata = body["metadata"]
    return ObjectRef(group, body["kind"], metadata.get("namespace", ""), metadata["name"])
