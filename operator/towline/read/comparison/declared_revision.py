"""Find out what a revision declares for a repository: read by the operator's own code, placed as the cluster says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from towline import log
from towline.api.gitrepository import Spec
from towline.errors import BuildError, Failure, Refusal
from towline.kube.discovery import Discovery, Served
from towline.model import Key, Manifest, ObjectRef
from towline.plan import ignore_fields, scope
from towline.read.revisions.revision_builds import RevisionBuilds
from towline.read.revisions.revision_source import RevisionSource
from towline.read.revisions.user_parts import UserParts
from towline.reconcile.values.treatments import Treated

if TYPE_CHECKING:
    from towline.read.comparison.field_lines import FieldLines
    from towline.render.marks.field_place import FieldPlace, ProofEffort
    from towline.render.units.base_door import RemoteBases
    from towline.source.access import Remote


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
        builds: builds units.
        parts: opens what revisions build on elsewhere.
        discovery: says which kinds have namespaces, and what charts may ask for; None without a cluster.
    """

    key: Key
    spec: Spec
    treated: Treated
    builds: RevisionBuilds
    parts: UserParts
    discovery: Discovery | None = None

    async def render(self, source: RevisionSource, *, was_applied: bool = False) -> DeclaredRevision:
        """Return what a revision declares.

        Args:
            source: the revision.
            was_applied: whether the tags that it builds on are what they were then; else what they are now.

        Raises:
            SourceError: something that it needs cannot be had here.
            SpecError: the spec does not fit it.
            BuildError: with every error of every file.
            ClusterError: the API server gives no answer.
        """
        reader = self.builds.workshop().reader(source.files, self._served)
        parts = self.parts.begin(was_applied=was_applied)
        with log.silent():
            spec = replace(self.spec, path=source.path)
            found = await reader.read(source.head, spec, self.treated, parts)
        return await self._placed(found.manifests, source.sha)

    def lines(self, source: RevisionSource, found: DeclaredRevision) -> FieldLines:
        """Return what finds the lines of fields in a revision that was rendered."""
        from towline.read.comparison.field_lines import FieldLines  # `blame` asks for no lines of changes

        declared = {str(ref): each for ref, each in found.declared.items()}

        async def built(asked: Iterable[tuple[Manifest, str]]) -> Mapping[tuple[str, str], FieldPlace]:
            return await self.places(source, asked)

        return FieldLines(content=source.content, declared=declared, built=built)

    async def places(
        self,
        source: RevisionSource,
        asked: Iterable[tuple[Manifest, str]],
        effort: ProofEffort | None = None,
    ) -> Mapping[tuple[str, str], FieldPlace]:
        """Return where fields of objects that a tool has made come from, by object and JSON pointer.

        What cannot be traced is left out.

        Args:
            source: the revision that declares the objects.
            asked: objects, each with the JSON pointer of a field.
            effort: how much is spent on proofs, by default as much as the operator spends on what is refused.
        """
        from towline.reconcile.rendered_fields import (
            AskedField,
        )  # takes long, and plain files need none of it
        from towline.render.marks.field_place import ProofEffort

        def bases(_remote: Remote, _sha: str) -> RemoteBases | None:
            parts = self.parts.begin(was_applied=True)
            return parts.bases if parts else None

        fields = self.builds.workshop().fields(source.files, bases, effort or ProofEffort())
        wanted = [AskedField(manifest, pointer) for manifest, pointer in asked]
        with log.silent():
            return await fields.places(source.head.remote, source.head.sha, wanted, confirm=True)

    async def _served(self) -> Served:
        if self.discovery is None:
            from towline.render.helm.chart_options import KUBE_VERSION  # takes long, and no chart may need it

            return Served(version=KUBE_VERSION, api_versions=frozenset())
        return await self.discovery.served()

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
