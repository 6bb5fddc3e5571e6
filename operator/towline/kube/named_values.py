"""Read the ConfigMaps and Secrets whose keys are values that a spec refers to."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.api import labels
from towline.api.substituting import ValuesKind
from towline.kube.client import Client

_PLURALS = {ValuesKind.CONFIG_MAP: "configmaps", ValuesKind.SECRET: "secrets"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedValues:
    """The decoded values of a ConfigMap or Secret by key, and whether its credentials are bound to hosts."""

    values: Mapping[str, bytes] = field(repr=False)
    is_bound: bool


async def read(client: Client, kind: ValuesKind, namespace: str, name: str) -> NamedValues | None:
    """Return what a ConfigMap or Secret holds; None where it does not exist.

    Raises:
        ClusterError: it could not be read.
    """
    found = await client.found(f"/api/v1/namespaces/{namespace}/{_PLURALS[kind]}/{name}")
    if found is None:
        return None
    given = found.get("data") or {}
    if kind is ValuesKind.SECRET:
        values = {key: base64.b64decode(value) for key, value in given.items()}
    else:
        values = {key: str(value).encode() for key, value in given.items()}
    annotations = found["metadata"].get("annotations") or {}
    return NamedValues(values=values, is_bound=labels.HOSTS in annotations)
