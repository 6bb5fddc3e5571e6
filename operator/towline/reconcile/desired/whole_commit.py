"""Give every manifest of a commit its place among the kinds that the API server serves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from towline import aio
from towline.api.gitrepository import Spec
from towline.errors import Failure, Refusal
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import GroupKind, Manifest
from towline.plan import ignore_fields, scope
from towline.reconcile.desired import commit_notes
from towline.reconcile.desired.commit_manifests import CommitManifests, ManifestReader
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.desired.head import Head
from towline.reconcile.remotes.remote_parts import PinnedParts
from towline.reconcile.values.treatments import Treated, Treatments
from towline.render import declared
from towline.render.build_report import build_error
from towline.render.declared import DeclaredFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """Manifests with their namespaces, and those that have no place or cannot be read.

    `served` says which kinds live in namespaces; `brings_kinds` whether CRDs of the same commit say it of others.
    """

    seen: tuple[Manifest, ...]
    failures: tuple[Failure, ...]
    served: Mapping[GroupKind, bool]
    brings_kinds: bool


class WholeCommitReader:
    """Reads commits whole, for all repositories.

    Args:
        discovery: says which kinds live in namespaces.
        index: says which kinds may be seen.
        manifests: reads the manifests of commits.
        treatments: is told which objects hold what is secret.
    """

    def __init__(
        self, *, discovery: Discovery, index: Index, manifests: ManifestReader, treatments: Treatments
    ) -> None:
        self._discovery = discovery
        self._index = index
        self._manifests = manifests
        self._treatments = treatments

    async def read(
        self, head: Head, spec: Spec, treated: Treated, parts: PinnedParts | None = None
    ) -> Desired:
        """Read the manifests of the commit and give each its place.

        Raises:
            BuildError: with every error of every file.
            SourceError: the path, or the size of its content.
            ClusterError: the API server could not say which kinds it serves.
        """
        found = await self._manifests.read(head, spec, treated, parts)
        placed = await self._placed(found, head, spec)
        seen = placed.seen
        if spec.ignore_fields:
            seen = await asyncio.to_thread(ignore_fields.marked, seen, spec.ignore_fields)
        kibibytes = sum(len(each.content) for each in seen) // 1024
        await aio.aside(len(seen) + kibibytes, self._treatments.learn, treated, seen)
        commit_notes.of_whole(found.selected, found.built, seen, spec, head.sha)
        count = len(found.selected.files) + len(seen)
        files = await aio.aside(count, _by_file, found, seen, placed.served)
        special = found.selected.submodules or found.selected.units or found.listed.has_links
        usual = not placed.failures and not placed.brings_kinds and not special and not treated.mark
        return Desired(
            sha=head.sha,
            spec=spec,
            declared=files.manifests,
            failures=placed.failures,
            mark=treated.mark,
            submodules=found.selected.submodules,
            files=files if usual else None,
            pins=parts.book.used if parts else (),
            kept_pins=parts.book.kept if parts else (),
            units=tuple(map(commit_notes.time, found.built.units)),
        )

    async def _placed(self, found: CommitManifests, head: Head, spec: Spec) -> _Placed:
        manifests = found.manifests
        brought = scope.declared_scopes(manifests)
        served = await self._discovery.scopes({manifest.ref.group_kind for manifest in manifests})
        scopes = {kind: resource.namespaced for kind, resource in brought.items()} | dict(served)
        unserved = {manifest.ref.group_kind for manifest in manifests} - scopes.keys()
        namesakes = await self._discovery.namesakes(unserved)
        placed, failures = await aio.aside(
            len(manifests), scope.place, manifests, scopes, spec.default_namespace, namesakes
        )
        if any(failure.reason == Refusal.DUPLICATE_OBJECT for failure in failures):
            raise build_error(failures, found.places, spec.path, head.sha)
        denied = await self._index.denied({manifest.ref.group_kind for manifest in placed})
        seen, forbidden = scope.visible(placed, denied)
        marked = tuple(replace(failure, commit=head.sha) for failure in (*failures, *forbidden))
        return _Placed(seen=seen, failures=marked, served=served, brings_kinds=bool(brought))


def _by_file(
    found: CommitManifests, manifests: tuple[Manifest, ...], scopes: Mapping[GroupKind, bool]
) -> DeclaredFiles:
    sizes = {each.origin.file: 0 for each in manifests}  # those that a tool made are declared by other files
    sizes |= {entry.path: entry.size for entry in found.selected.files}
    return declared.declared(sizes, manifests, scopes, len(found.listed.entries))
