"""Read the resources of another GitOps tool from a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from towline.errors import ApiError
from towline.importing.peer_resource import PeerResource
from towline.kube import credentials
from towline.kube.client import Client

_PAGE = {"limit": "200"}


class PeerKind(NamedTuple):
    """A kind of another tool; `shared` ones may be named from other namespaces."""

    group: str
    kind: str
    plural: str
    shared: bool = False


_SOURCES = "source.toolkit.fluxcd.io"
_KINDS: Mapping[str, tuple[PeerKind, ...]] = MappingProxyType(
    {
        "flux": (
            PeerKind("kustomize.toolkit.fluxcd.io", "Kustomization", "kustomizations"),
            PeerKind("helm.toolkit.fluxcd.io", "HelmRelease", "helmreleases"),
            PeerKind(_SOURCES, "GitRepository", "gitrepositories", shared=True),
            PeerKind(_SOURCES, "HelmRepository", "helmrepositories", shared=True),
            PeerKind(_SOURCES, "HelmChart", "helmcharts", shared=True),
            PeerKind(_SOURCES, "OCIRepository", "ocirepositories", shared=True),
        ),
        "argocd": (
            PeerKind("argoproj.io", "Application", "applications"),
            PeerKind("argoproj.io", "ApplicationSet", "applicationsets"),
        ),
    }
)


async def read(tool: str, namespace: str) -> tuple[PeerResource, ...]:
    """Return the resources of a tool in a namespace, and the sources in all namespaces that may be read.

    Raises:
        ClusterError: the cluster cannot be asked, or refuses.
    """
    async with Client(credentials.load) as client:
        return tuple([one for each in _KINDS[tool] for one in await _listed(client, each, namespace)])


async def _listed(client: Client, kind: PeerKind, namespace: str) -> list[PeerResource]:
    group = await client.found(f"/apis/{kind.group}")
    if group is None:
        return []
    version = group["preferredVersion"]["groupVersion"]
    everywhere = f"/apis/{version}/{kind.plural}"
    own = f"/apis/{version}/namespaces/{namespace}/{kind.plural}"
    for path in (everywhere, own) if kind.shared else (own,):
        try:
            return await _all(client, path, version, kind.kind)
        except ApiError as error:
            if error.code == 404:  # this version of the tool has no such kind
                return []
            if error.code != 403 or path == own:
                raise
    return []


async def _all(client: Client, path: str, version: str, kind: str) -> list[PeerResource]:
    head: dict[str, Any] = {"apiVersion": version, "kind": kind}
    return [
        PeerResource(body={**item, **head})
        async for page in client.pages(path, _PAGE)
        for item in page["items"]
    ]
