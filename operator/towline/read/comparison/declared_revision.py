"""Find out what a revision declares for a repository: rendered as its spec says, placed as the cluster says."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from towline.api.gitrepository import Spec
from towline.errors import BuildError, Failure, Reason, Refusal, SourceError
from towline.kube.discovery import Discovery
from towline.model import Key, Manifest, ObjectRef
from towline.plan import ignore_fields, scope
from towline.read.comparison.field_lines import FieldLines
from towline.reconcile.values.treatments import Treated
from towline.render.documents import YamlLimits
from towline.render.offline import offline_render
from towline.render.offline.offline_units import Asked, OfflineRelease, OfflineTools


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRevision:
    """What a revision declares: objects in their namespaces, and those that cannot be placed.

    `sha` is the commit, empty for a folder.
    """

    sha: str
    declared: Mapping[ObjectRef, Manifest]
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRenderer:
    """Renders revisions of one repository.

    Attributes:
        key: the repository.
        spec: how it is read.
        treated: the variables, keys and values that the spec refers to.
        tools: the binaries that build units.
        discovery: says which kinds have namespaces, and what charts may ask for; None without a cluster.
    """

    key: Key
    spec: Spec
    treated: Treated
    tools: OfflineTools
    discovery: Discovery | None = None

    async def render(self, folder: Path, sha: str) -> DeclaredRevision:
        """Return what a folder declares.

        Args:
            folder: the one that `spec.path` names, in a work tree.
            sha: its commit, empty where it is not one.

        Raises:
            SourceError: the spec needs what cannot be rendered here.
            BuildError: with every error of every file.
            ClusterError: the API server gives no answer.
        """
        if self.spec.helm.chart:
            message = "spec.helm.chart is on another server and is not rendered here: set spec.mode to Observe instead"
            raise SourceError(Reason.INVALID_SPEC, message)
        release = await self._release()
        most = YamlLimits().file_bytes
        found = await asyncio.to_thread(
            offline_render.render, folder, most, self.tools, release, self._asked()
        )
        if found.failures:
            raise BuildError(tuple(self._located(each, sha) for each in found.failures))
        manifests = tuple(map(self._from_root, found.manifests))
        return await self._placed(manifests, sha)

    def _asked(self) -> Asked:
        spec = self.spec
        return Asked(
            render=spec.render,
            exclude=spec.exclude,
            skip_non_manifests=spec.skip_non_manifests,
            overlay=spec.kustomize,
            helm=spec.helm,
            treatment=self.treated.treatment,
            layers=self.treated.layers,
        )

    def lines(self, folder: Path, found: DeclaredRevision) -> FieldLines:
        """Return what finds the lines of fields in a folder that was rendered."""
        declared = {str(ref): each for ref, each in found.declared.items()}
        return FieldLines(folder=folder, path=self.spec.path, declared=declared)

    async def _release(self) -> OfflineRelease:
        named = OfflineRelease(name=self.key.name, namespace=self.spec.default_namespace)
        if self.discovery is None:
            return named
        served = await self.discovery.served()
        return replace(named, kube_version=served.version, api_versions=served.api_versions)

    async def _placed(self, manifests: tuple[Manifest, ...], sha: str) -> DeclaredRevision:
        placed, failures = await self._among_kinds(manifests)
        failures = tuple(replace(each, commit=sha) for each in failures)
        twice = tuple(each for each in failures if each.reason == Refusal.DUPLICATE_OBJECT)
        if twice:
            raise BuildError(twice)
        marked = ignore_fields.marked(placed, self.spec.ignore_fields)
        return DeclaredRevision(
            sha=sha, declared=MappingProxyType({each.ref: each for each in marked}), failures=failures
        )

    async def _among_kinds(
        self, manifests: tuple[Manifest, ...]
    ) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
        """Give each manifest its namespace; without a cluster each keeps what it says, in every revision."""
        discovery = self.discovery
        if discovery is None:
            return manifests, ()
        kinds = {each.ref.group_kind for each in manifests}
        brought = scope.declared_scopes(manifests)
        scopes = {kind: resource.namespaced for kind, resource in brought.items()}
        scopes |= dict(await discovery.scopes(kinds))
        namesakes = await discovery.namesakes(kinds - scopes.keys())
        return scope.place(manifests, scopes, self.spec.default_namespace, namesakes)

    def _located(self, failure: Failure, sha: str) -> Failure:
        return replace(failure, file=self._file(failure.file), commit=sha)

    def _from_root(self, manifest: Manifest) -> Manifest:
        """Return a manifest whose files are named from the root of the repository."""
        origin = manifest.origin
        via = tuple(map(self._file, origin.via))
        return replace(manifest, origin=origin._replace(file=self._file(origin.file), via=via))

    def _file(self, file: str) -> str:
        return posixpath.normpath(posixpath.join(self.spec.path, file)) if file else ""
