"""Turn all resources that were read into GitRepositories, with what to tell about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from towline.api import gitrepository
from towline.api.schema import Schema
from towline.errors import SpecError
from towline.importing import surroundings
from towline.importing.argo import application_sets, applications, sync_options
from towline.importing.draft import Draft, Note
from towline.importing.flux import helm_releases, kustomizations
from towline.importing.flux.flux_sources import Resources
from towline.importing.homes import Homes
from towline.importing.peer_resource import PeerResource
from towline.model import Body

_API = f"{gitrepository.RESOURCE.group}/{gitrepository.RESOURCE.version}"
_ORDER = (
    *(
        "url",
        "ref",
        "secretRef",
        "path",
        "render",
        "exclude",
        "interval",
        "timeout",
        "mode",
        "adopt",
        "prune",
    ),
    *(
        "drift",
        "force",
        "deletionPolicy",
        "defaultNamespace",
        "dependsOn",
        "kustomize",
        "helm",
        "remote",
        "remotes",
    ),
)
_FLUX_GROUPS: Mapping[str, str] = MappingProxyType(
    {"Kustomization": "kustomize.toolkit.fluxcd.io", "HelmRelease": "helm.toolkit.fluxcd.io"}
)
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One GitRepository, and the resource that it comes from.

    Attributes:
        body: the GitRepository.
        of: the resource.
        manual: whether each sync waits for a person there.
        source: of an Application, the source that is followed.
        ignored: patterns of files that the other tool does not see, as in `.gitignore`.
    """

    body: Body
    of: PeerResource
    manual: bool = False
    source: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the GitRepository."""
        return str(self.body["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return str(self.body["metadata"]["namespace"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """All that became of what was read: GitRepositories, notes in the order of files and lines, and ApplicationSets."""

    made: tuple[Imported, ...]
    notes: tuple[Note, ...]
    sets: tuple[PeerResource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """What an import needs to know.

    Attributes:
        known: the Git repositories that are at hand.
        schema: that of a GitRepository's spec.
        namespace: where the GitRepositories are to be; empty for the namespace of each resource.
    """

    known: Homes
    schema: Schema
    namespace: str = ""

    def flux(self, found: Sequence[PeerResource]) -> Import:
        """Import Kustomizations and HelmReleases, with the sources that they name."""
        parts = surroundings.patches(found)
        placed = self._placed([each for each in found if each not in parts])
        named = Resources(placed)
        drafts = []
        for each in placed:
            if each.group == _FLUX_GROUPS.get(each.kind):
                convert = kustomizations.convert if each.kind == "Kustomization" else helm_releases.convert
                drafts.append((each.name, convert(each, named, self.known)))
        for _, draft in drafts:
            surroundings.tell_patches(draft, parts)
        return self._finished(drafts, (), found)

    def argo(self, found: Sequence[PeerResource]) -> Import:
        """Import Applications and ApplicationSets; of a set that has Applications among them these count."""
        drafts: list[tuple[str, Draft]] = []
        sets, notes = [], []
        running = {owner for each in found for owner in _set_owners(each)}
        parts = surroundings.patches(found)
        for each in self._placed([each for each in found if each not in parts]):
            if each.kind == "Application":
                drafts.extend(applications.convert(each, self.known))
            elif each.kind == "ApplicationSet" and (each.namespace, each.name) in running:
                sets.append(each)
            elif each.kind == "ApplicationSet":
                made, of_set = application_sets.applications(each, self.known)
                notes.extend(of_set.notes)
                sets += [each] if made else []
                drafts += [one for made_one in made for one in applications.convert(made_one, self.known)]
        for _, draft in drafts:
            surroundings.tell_patches(draft, parts)
        result = self._finished(drafts, tuple(notes), found)
        return Import(made=result.made, notes=result.notes, sets=tuple(sets))

    def _placed(self, found: Sequence[PeerResource]) -> list[PeerResource]:
        """Return the resources, each with a namespace."""
        return [each if each.namespace else each.placed(self.namespace or "default") for each in found]

    def _finished(
        self, drafts: Sequence[tuple[str, Draft]], notes: tuple[Note, ...], found: Sequence[PeerResource]
    ) -> Import:
        names = _Names(self.namespace)
        for name, draft in drafts:
            names.take(name, draft)
        made = []
        for name, draft in drafts:
            if draft.spec:
                names.repoint(draft)
                surroundings.tell_declared(draft, found, self.known)
                if self.namespace:
                    surroundings.tell_moved(draft, self.namespace)
                else:
                    surroundings.tell_namespace(draft)
                made += self._checked(names.of(name, draft), draft)
        told = (*notes, *(note for _, draft in drafts for note in draft.notes))
        return Import(made=tuple(made), notes=_sorted(told))

    def _checked(self, name: str, draft: Draft) -> list[Imported]:
        """Return the GitRepository of a draft, none where its spec would be refused; then a note says why."""
        of = draft.of
        namespace = self.namespace or of.namespace
        draft.put("mode", "Observe")
        draft.put("adopt", "Any")
        spec = {
            field: draft.spec[field]
            for field in (*_ORDER, *sorted(set(draft.spec) - set(_ORDER)))
            if field in draft.spec
        }
        metadata = {"name": name, "namespace": namespace}
        body = {"apiVersion": _API, "kind": gitrepository.RESOURCE.kind, "metadata": metadata, "spec": spec}
        try:
            gitrepository.specify(
                gitrepository.identify({**body, "metadata": {**metadata, "uid": ""}}), self.schema
            )
        except SpecError as error:
            draft.refused(f"the GitRepository would be refused: {error.message}")
            return []
        if not _NAME.fullmatch(name):
            draft.refused(f"{name!r} is not a name of an object", "metadata", "name")
            return []
        return [Imported(body=body, of=of, manual=_is_manual(of), source=draft.source, ignored=draft.ignored)]


class _Names:
    """The names of the GitRepositories: those of the resources, and of the second of a name with its kind.

    Args:
        namespace: where all of them are; empty for the namespace of each resource.
    """

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._taken: dict[tuple[str, str], Draft] = {}
        self._names: dict[int, str] = {}
        self._of: dict[tuple[str, str, str], str] = {}
        self._seen: dict[tuple[str, str, str], Draft] = {}

    def take(self, name: str, draft: Draft) -> None:
        """Give a draft its name."""
        of = draft.of
        namespace = self._namespace or of.namespace
        first = self._seen.setdefault((of.kind, of.namespace, name), draft)
        if first is not draft:
            _refuse_again(draft, first)
            return
        chosen = name
        if (namespace, chosen) in self._taken and self._namespace:
            chosen = f"{of.namespace}-{name}"
        if (namespace, chosen) in self._taken:
            chosen = f"{chosen}-{of.kind.lower()}"
        if (namespace, chosen) in self._taken:
            draft.refused(f"another resource makes the GitRepository {namespace}/{chosen}, too: rename one")
            draft.spec.clear()
            return
        if chosen != name:
            draft.different(
                f"it is called {chosen}, because {name} is another one's name", "metadata", "name"
            )
        self._taken[namespace, chosen] = draft
        self._names[id(draft)] = chosen
        if draft.spec:
            self._of[of.kind, of.namespace, of.name] = chosen

    def of(self, name: str, draft: Draft) -> str:
        """Return the name of a draft's GitRepository."""
        return self._names.get(id(draft), name)

    def repoint(self, draft: Draft) -> None:
        """Make a draft name other GitRepositories by their names; dependencies on what is not imported are left out."""
        for each in (draft.spec.get("helm") or {}).get("valuesFrom") or ():
            if other := each.get("gitRepository"):
                reference = other["name"].removeprefix(f"{draft.of.name}-")
                other["name"] = self.of(other["name"], draft.more[reference])
        kept = []
        for number, each in enumerate(draft.spec.get("dependsOn") or ()):
            of = draft.of
            name = self._of.get((of.kind, of.namespace, each["name"]))
            if name:
                kept.append({"name": name})
            else:
                message = f"{of.kind} {of.namespace}/{each['name']} is not imported, so nothing waits for it"
                draft.lost(message, "spec", "dependsOn", number)
        draft.spec.pop("dependsOn", None)
        draft.put("dependsOn", kept)


def _refuse_again(draft: Draft, first: Draft) -> None:
    """Refuse a resource that was read before, from another file: most likely one of another cluster."""
    place = f"{first.of.file}:{first.of.first}" if first.of.file else "what was read"
    draft.notes.clear()
    draft.refused(f"it is in {place}, too: import what one cluster has at a time")
    draft.spec.clear()


def _set_owners(of: PeerResource) -> Iterator[tuple[str, str]]:
    """Yield the ApplicationSets that have made an Application of a cluster."""
    for owner in of.body["metadata"].get("ownerReferences") or ():
        if of.kind == "Application" and owner.get("kind") == "ApplicationSet":
            yield of.namespace, str(owner.get("name"))


def _is_manual(of: PeerResource) -> bool:
    return of.kind == "Application" and sync_options.is_manual(of.spec)


def _sorted(notes: Iterable[Note]) -> tuple[Note, ...]:
    once: dict[Any, Note] = {}
    for note in notes:
        once.setdefault(note, note)
    return tuple(sorted(once.values(), key=lambda note: (note.file.encode(), note.line)))
