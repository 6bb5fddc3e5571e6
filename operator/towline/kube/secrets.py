"""Read Secrets that a spec names: their content, or only whether they have changed."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from towline.kube import calls
from towline.kube.client import Client


async def read(client: Client, namespace: str, name: str) -> Mapping[str, bytes] | None:
    """Return the decoded content of a Secret by key; None where it does not exist.

    Raises:
        ClusterError: it could not be read.
    """
    secret = await client.found(_path(namespace, name))
    if secret is None:
        return None
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


async def version(client: Client, namespace: str, name: str) -> str:
    """Return the version of a Secret, which every change of it changes; empty where it does not exist.

    Raises:
        ClusterError: it could not be read.
    """
    secret = await client.found(_path(namespace, name), accept=calls.METADATA)
    return f"{secret['metadata']['uid']} {secret['metadata']['resourceVersion']}" if secret else ""


def _path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"
