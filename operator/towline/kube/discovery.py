"""Find out which kinds the API server serves, in which versions, and which kinds are gone for good."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from towline import aio
from towline.kube.calls import Answer
from towline.kube.client import Client
from towline.model import Body, GroupKind, Resource

_ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_APISERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"

_PAGE = "250"

REFRESH_SECONDS = 2.0
"""A kind that is missing is looked up again at most this often."""

_SERVED_SECONDS = 60.0
"""For so long an answer to what the cluster serves is used for charts: nobody tells when it changes."""

_NEVER_OWNED = frozenset({GroupKind("", "Event"), GroupKind("events.k8s.io", "Event")})
"""Kinds that can be listed, have many objects, and are never in Git."""

Table: TypeAlias = Mapping[GroupKind, tuple[Resource, ...]]
"""The versions of each kind, the one that the server prefers first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The version of an API server, and the API versions that it serves, each alone and with each of its kinds."""

    version: str
    api_versions: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Defined:
    """CRDs and APIServices, which may define a kind that discovery does not show."""

    kinds: frozenset[GroupKind] = field(default_factory=frozenset)
    groups: frozenset[str] = field(default_factory=frozenset)


class Discovery:
    """The table of kinds, read on demand, and again when a kind is missing in it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._table: Table = {}
        self._defined = _Defined()
        self._version = ""
        self._read_at = -math.inf
        self._served_at = -math.inf
        self._defined_at = -math.inf
        self._reading = asyncio.Lock()

    def invalidate(self) -> None:
        """Read the table anew before the next answer: a CRD or APIService was written, or a path is a 404."""
        self._read_at = self._defined_at = -math.inf

    async def resource(self, kind: GroupKind, version: str = "") -> Resource | None:
        """Return how `kind` is served, in the preferred version or in `version`; None where it is not.

        None does not prove that the kind is gone; see `gone`.

        Raises:
            ClusterError: the API server could not be asked.
        """
        await self._current()
        if (found := self._find(kind, version)) is None:
            await self._fresh()
            found = self._find(kind, version)
        return found

    async def versions(self, kind: GroupKind) -> tuple[str, ...]:
        """Return the apiVersions that `kind` is served in, the preferred one first; none where it is not.

        Raises:
            ClusterError: the API server could not be asked.
        """
        await self._current()
        return tuple(each.api_version for each in self._table.get(kind, ()))

    async def scopes(self, kinds: Iterable[GroupKind]) -> Mapping[GroupKind, bool]:
        """Return which of `kinds` are served, and whether their objects live in namespaces.

        Raises:
            ClusterError: the API server could not be asked.
        """
        found = {kind: await self.resource(kind) for kind in kinds}
        return {kind: resource.namespaced for kind, resource in found.items() if resource}

    async def served(self) -> Served:
        """Return what a template may ask about the cluster, as it was at most a minute ago.

        Raises:
            ClusterError: the API server could not be asked.
        """
        if self._now() - self._served_at >= _SERVED_SECONDS or self._read_at == -math.inf:
            asked = self._now()
            answer = await self._client.request("GET", "/version")
            await self._fresh()
            self._version, self._served_at = answer.body["gitVersion"], asked
        resources = [each for versions in self._table.values() for each in versions]
        versions = frozenset(each.api_version for each in resources)
        kinds = frozenset(f"{each.api_version}/{each.kind}" for each in resources)
        return Served(version=self._version, api_versions=versions | kinds)

    async def namesakes(self, kinds: Iterable[GroupKind]) -> Mapping[GroupKind, tuple[str, ...]]:
        """Return the apiVersions that serve a kind of the same name in other groups, in the API server's order.

        Kinds without a namesake are left out.

        Raises:
            ClusterError: the API server could not be asked.
        """
        asked = frozenset(kinds)
        if asked:
            await self._current()
        found = {kind: tuple(self._namesakes(kind)) for kind in asked}
        return {kind: served for kind, served in found.items() if served}

    async def listable(self) -> tuple[Resource, ...]:
        """Return every kind that can be listed and watched, but for events, in its preferred version.

        The table is read anew, because a caller who wants all kinds cannot notice that one is missing.

        Raises:
            ClusterError: the API server could not be asked.
        """
        await self._fresh()
        return tuple(
            versions[0]
            for kind, versions in self._table.items()
            if kind not in _NEVER_OWNED and {"list", "watch"} <= versions[0].verbs
        )

    async def everything(self) -> tuple[Resource, ...]:
        """Return every kind in every version, in the API server's order, the preferred version of each first.

        Raises:
            ClusterError: the API server could not be asked.
        """
        await self._current()
        return tuple(each for versions in self._table.values() for each in versions)

    async def gone(self, kind: GroupKind) -> bool:
        """Tell whether `kind` certainly has no objects: it is not served, and no CRD or APIService defines it.

        Raises:
            ClusterError: the API server could not be asked.
        """
        if await self.resource(kind):
            return False
        async with self._reading:
            if self._now() - self._defined_at >= REFRESH_SECONDS:
                self._defined = await self._definitions()
                self._defined_at = self._now()
        return kind not in self._defined.kinds and kind.group not in self._defined.groups

    def _namesakes(self, kind: GroupKind) -> Iterator[str]:
        for other, versions in self._table.items():
            if other.kind == kind.kind and other.group != kind.group:
                yield versions[0].api_version

    def _find(self, kind: GroupKind, version: str) -> Resource | None:
        versions = self._table.get(kind, ())
        return next((each for each in versions if version in {"", each.version}), None)

    async def _current(self) -> None:
        if self._read_at == -math.inf:
            await self._fresh()

    async def _fresh(self) -> None:
        """Read the table unless that was done a moment ago; those who ask meanwhile share the answer."""
        asked = self._now()
        async with self._reading:
            if asked - self._read_at >= REFRESH_SECONDS:
                self._read_at = self._now()  # before the request: an `invalidate` meanwhile counts
                try:
                    self._table = await self._read()
                except BaseException:
                    self._read_at = -math.inf
                    raise

    async def _read(self) -> Table:
        core, groups = await aio.gather(self._group_list, ("/api", "/apis"), 2)
        return table((*core.body["items"], *groups.body["items"]), self._table)

    async def _group_list(self, path: str) -> Answer:
        return await self._client.request("GET", path, accept=_ACCEPT)

    async def _definitions(self) -> _Defined:
        crds, services = await aio.gather(self._list, (_CRDS, _APISERVICES), 2)
        return _Defined(
            kinds=frozenset(GroupKind(crd["spec"]["group"], crd["spec"]["names"]["kind"]) for crd in crds),
            groups=frozenset(
                each["spec"].get("group", "") for each in services if each["spec"].get("service")
            ),
        )

    async def _list(self, path: str) -> list[dict[str, Any]]:
        return [item async for page in self._client.pages(path, {"limit": _PAGE}) for item in page["items"]]

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def table(groups: Iterable[Body], before: Table) -> Table:
    """Turn the items of an APIGroupDiscoveryList into a table.

    A version that the aggregator calls stale keeps the kinds that it had `before`: its server is down, and
    that says nothing about them.
    """
    found: dict[GroupKind, dict[str, Resource]] = {}
    for group in groups:
        name = group["metadata"].get("name", "")
        for served in group.get("versions", ()):
            resources = tuple(_resources(name, served))
            if served.get("freshness") == "Stale" and not resources:
                resources = _of_version(before, name, served["version"])
            for resource in resources:
                found.setdefault(resource.group_kind, {}).setdefault(resource.version, resource)
    return {kind: tuple(versions.values()) for kind, versions in found.items()}


def _resources(group: str, served: Body) -> Iterable[Resource]:
    for resource in served.get("resources", ()):
        kind = resource.get("responseKind")
        if kind and kind["kind"] and kind.get("group") in {"", None, group}:
            yield Resource(
                group=group,
                version=served["version"],
                kind=kind["kind"],
                plural=resource["resource"],
                namespaced=resource["scope"] == "Namespaced",
                verbs=frozenset(resource.get("verbs", ())),
                aliases=(resource.get("singularResource", ""), *resource.get("shortNames", ())),
            )


def _of_version(before: Table, group: str, version: str) -> tuple[Resource, ...]:
    return tuple(
        resource
        for versions in before.values()
        for resource in versions
        if (resource.group, resource.version) == (group, version)
    )
