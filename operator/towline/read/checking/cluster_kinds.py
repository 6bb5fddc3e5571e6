"""Read which kinds a cluster serves, and their schemas, from its OpenAPI documents, which every user may read.

The schemas of Kubernetes' own kinds are those of the package, for the version of the cluster: they also hold what the
API server does not publish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from towline import aio
from towline.errors import ApiError
from towline.model import Body, Resource
from towline.read.checking import crd_schemas, known_kinds
from towline.read.checking.crd_schemas import CrdVersion
from towline.read.checking.known_kinds import KnownKinds
from towline.read.cluster import Cluster
from towline.read.read_errors import NotAllowedError

_DOCUMENTS = "/openapi/v3"
_AT_ONCE = 8
_GVK = "x-kubernetes-group-version-kind"
_NAMESPACES = Resource(group="", version="v1", kind="Namespace", plural="namespaces", namespaced=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterKinds:
    """What a cluster has; `notes` say what could not be read."""

    kinds: KnownKinds
    namespaces: frozenset[str]
    notes: tuple[str, ...] = ()


async def read(cluster: Cluster) -> ClusterKinds:
    """Return the kinds and namespaces of a cluster.

    Raises:
        ClusterError: there is no answer, or the user may not read the documents.
    """
    version, notes = _version((await cluster.client.request("GET", "/version")).body)
    served = (await cluster.client.request("GET", _DOCUMENTS)).body["paths"]
    groups = frozenset(map(_api_version, served))
    bundled = known_kinds.bundled(version)
    wanted = [each for each in served if _is_custom(each, bundled)]
    found = await aio.gather(partial(_document, cluster), wanted, _AT_ONCE)
    own = {key: each for key, each in bundled.kinds.items() if key[0] in groups}
    kinds = replace(bundled, kinds=own, is_live=True).with_versions(
        version for document in found for version in versions(document)
    )
    try:
        namespaces = frozenset(await cluster.names(_NAMESPACES))
    except NotAllowedError as error:
        notes = (*notes, f"namespaces of the cluster are not known: {error.message}")
        namespaces = frozenset()
    return ClusterKinds(kinds=kinds, namespaces=namespaces, notes=notes)


async def _document(cluster: Cluster, path: str) -> Body:
    """Return the document of a group; nothing where its server does not answer."""
    try:
        body: Body = (await cluster.client.request("GET", f"{_DOCUMENTS}/{path}")).body
    except ApiError:
        return {}
    return body


def versions(document: Body) -> Iterator[CrdVersion]:
    """Yield the kinds that an OpenAPI document of one group and version lets users create."""
    paths = document.get("paths", {})
    schemas = {_named(each): each for each in document.get("components", {}).get("schemas", {}).values()}
    for path, methods in paths.items():
        kind = methods.get("post", {}).get(_GVK)
        if not kind or "{name}" in path:
            continue
        key = (kind["group"], kind["version"], kind["kind"])
        has_status = f"{path}/{{name}}/status" in paths
        yield crd_schemas.published(
            key,
            schemas.get(key, {}),
            namespaced="/namespaces/{namespace}/" in path,
            has_status=has_status,
        )


def _named(schema: Mapping[str, Any]) -> tuple[str, str, str]:
    given = schema.get(_GVK) or [{}]
    return given[0].get("group", ""), given[0].get("version", ""), given[0].get("kind", "")


def _version(body: Body) -> tuple[str, tuple[str, ...]]:
    """Return the version of the package that is nearest to that of the cluster, and what to say where it differs."""
    found = f"{body['major']}.{str(body['minor']).rstrip('+')}"
    if found in known_kinds.VERSIONS:
        return found, ()
    nearest = min(known_kinds.VERSIONS, key=lambda each: _distance(each, found))
    return nearest, (f"the cluster is Kubernetes {found}: its own kinds are checked as those of {nearest}",)


def _distance(one: str, other: str) -> int:
    return abs(known_kinds.numbers(one)[1] - known_kinds.numbers(other)[1])


def _api_version(path: str) -> str:
    """Return the apiVersion that a document is of: `apis/apps/v1`, `api/v1`."""
    return path.removeprefix("apis/").removeprefix("api/")


def _is_custom(path: str, bundled: KnownKinds) -> bool:
    parts = path.split("/")
    return len(parts) == 3 and parts[0] == "apis" and parts[1] not in bundled.groups
