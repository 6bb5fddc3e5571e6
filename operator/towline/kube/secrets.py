"""Read Secrets that a spec names: their content and what binds them, or only whether they have changed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from towline.api import labels
from towline.kube import calls
from towline.kube.client import Client
from towline.model import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSecret:
    """A Secret for Git: its decoded content by key, and the annotation that binds it to hosts, if it has one."""

    content: Mapping[str, bytes] = field(repr=False)
    hosts: str | None


async def read(client: Client, namespace: str, name: str) -> Mapping[str, bytes] | None:
    """Return the decoded content of a Secret by key; None where it does not exist.

    Raises:
        ClusterError: it could not be read.
    """
    secret = await client.found(_path(namespace, name))
    return None if secret is None else content(secret)


async def for_git(client: Client, namespace: str, name: str) -> GitSecret | None:
    """Return a Secret with what binds it; None where it does not exist.

    Raises:
        ClusterError: it could not be read.
    """
    secret = await client.found(_path(namespace, name))
    if secret is None:
        return None
    annotations = secret["metadata"].get("annotations") or {}
    return GitSecret(content=content(secret), hosts=annotations.get(labels.HOSTS))


async def version(client: Client, namespace: str, name: str) -> str:
    """Return the version of a Secret, which every change of it changes; empty where it does not exist.

    Raises:
        ClusterError: it could not be read.
    """
    secret = await client.found(_path(namespace, name), accept=calls.METADATA)
    return f"{secret['metadata']['uid']} {secret['metadata']['resourceVersion']}" if secret else ""


def content(secret: Body) -> Mapping[str, bytes]:
    """Return the decoded content of a Secret by key."""
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


def _path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"
