"""Blame one live object: ask the cluster and Git whose each field is, and say what could not be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from towline.api import gitrepository, labels
from towline.api.gitrepository import GitRepository, Spec
from towline.api.schema import Schema
from towline.errors import BuildError, ClusterError, Reason, TowlineError
from towline.fields import pointer, server_paths
from towline.model import Body
from towline.read.cluster import Cluster, LiveObject
from towline.read.comparison import read_revisions
from towline.read.comparison.read_revisions import ReadRevisions, RevisionTools
from towline.read.git import git_search
from towline.read.git.git_content import GitContent
from towline.read.git.git_search import GitSearch
from towline.read.provenance import blamed_field, field_owners, git_evidence
from towline.read.provenance.blamed_field import BlamedField, FieldEvidence, OwnStamp
from towline.read.provenance.declared_object import ObjectFinder
from towline.read.provenance.git_evidence import Hiding
from towline.read.read_errors import AbsentError
from towline.render.documents import YamlLimits
from towline.render.offline.offline_tools import OfflineTools

_HIDDEN = "***"
_LEFT_OUT: Any = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBlame:
    """What is asked: the clones to read, the tools that build units, the CRD by which a spec is checked.

    Of `repos`, the first one is that of the repository itself; values may come from the others. `path` is a field, as a
    JSON pointer or as kubectl writes it (`spec.containers[0].image`); empty for the whole. `seconds` is how long proofs
    of lines may take, None for a time that keeps the answer short.
    """

    against: Schema
    repos: tuple[Path, ...] = ()
    offline: bool = False
    path: str = ""
    seconds: float | None = None
    tools: OfflineTools = field(default_factory=OfflineTools)
    limits: YamlLimits = field(default_factory=YamlLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectBlame:
    """What was found: the object as it may be shown, its leaves, and in `notes` what could not be told, and why.

    `is_incomplete` says that what Git says is not known.
    """

    body: Mapping[str, Any]
    fields: tuple[BlamedField, ...]
    repository: str = ""
    notes: tuple[str, ...] = ()
    is_incomplete: bool = False


async def blame(cluster: Cluster, live: LiveObject, asked: AskedBlame) -> ObjectBlame:
    """Return who set each field of a live object.

    Args:
        cluster: asked for the repository of the object, and for what its spec refers to.
        live: the object.
        asked: what is asked.

    Raises:
        AbsentError: the object has no such field.
        ClusterError: the API server gives no answer.
        SourceError: the clone that the user names cannot be read.
    """
    chosen = _chosen(live.body, asked.path)
    look = _BlameLook(cluster=cluster, live=live, asked=asked)
    evidence = await look.evidence(chosen)
    body = look.hiding.mask.masked(look.shown)
    leaves = field_owners.leaves(body)
    shown = {
        path: _veiled(path, value, evidence, look)
        for path, value in leaves.items()
        if git_evidence.is_in(path, chosen)
    }
    return ObjectBlame(
        body=_with(body, "", shown),
        fields=tuple(blamed_field.blamed(shown, evidence)),
        repository=evidence.repository,
        notes=tuple(look.notes),
        is_incomplete=bool(evidence.repository) and evidence.declared is None,
    )


def _with(value: Any, path: str, shown: Mapping[str, Any]) -> Any:
    """Return an object with the leaves that are shown, as they are shown."""
    if isinstance(value, Mapping) and value:
        below = {key: _with(child, pointer.extend(path, key), shown) for key, child in value.items()}
        return {key: child for key, child in below.items() if child is not _LEFT_OUT} or _LEFT_OUT
    if isinstance(value, list) and value:
        items = [_with(child, pointer.extend(path, index), shown) for index, child in enumerate(value)]
        return [child for child in items if child is not _LEFT_OUT] or _LEFT_OUT
    return shown.get(path, _LEFT_OUT)


def _chosen(body: Body, path: str) -> str:
    """Return the JSON pointer of a field that a user names; empty for all."""
    if not path:
        return ""
    found = path if path.startswith("/") else server_paths.to_pointer(f".{path.removeprefix('.')}", body)
    if pointer.follow(body, found) is None or not found:
        message = f"the object has no field {path}: towline blame without --field shows those that it has"
        raise AbsentError(message)
    return found


def _veiled(path: str, value: Any, evidence: FieldEvidence, look: _BlameLook) -> Any:
    """Hide what may come from a Secret that the user may not read."""
    if not look.is_blind or path in field_owners.IDENTITY or value is None:
        return value
    owner = evidence.owners.get(path)
    return _HIDDEN if owner and owner.is_own and not blamed_field.is_stamp(path) else value


@dataclass(slots=True, kw_only=True)
class _BlameLook:
    """One look at one object; it collects what could not be told.

    `is_blind` says that values which must not be shown are not known.
    """

    cluster: Cluster
    live: LiveObject
    asked: AskedBlame
    notes: list[str] = field(default_factory=list)
    hiding: Hiding = field(default_factory=Hiding.fresh)
    is_blind: bool = False

    @property
    def shown(self) -> Body:
        """The object without managedFields, which are told in other words."""
        metadata = {
            name: value for name, value in self.live.body["metadata"].items() if name != "managedFields"
        }
        return {**self.live.body, "metadata": metadata}

    async def evidence(self, chosen: str) -> FieldEvidence:
        """Return what is known of the leaves of the object below a pointer."""
        label = str((self.live.body["metadata"].get("labels") or {}).get(labels.REPOSITORY_LABEL) or "")
        if not label:
            self.notes.append(
                "no GitRepository owns this object: its fields are told by their field managers alone"
            )
            return FieldEvidence(owners=field_owners.owners(self.live.body, ""), sources={})
        repository = await self._repository(label)
        name = str(repository.key) if repository else labels.owner_name(label)
        manager = repository.manager if repository else f"towline:{name}"
        annotations = self.live.body["metadata"].get("annotations") or {}
        bare = FieldEvidence(
            repository=name,
            manager=manager,
            stamp=OwnStamp(
                commit=str(annotations.get(labels.COMMIT) or ""),
                source=str(annotations.get(labels.SOURCE) or ""),
            ),
            owners=field_owners.owners(self.live.body, manager),
            sources={},
        )
        return await self._with_git(bare, repository, chosen) if repository else bare

    async def _repository(self, label: str) -> GitRepository | None:
        namespace, slash, name = labels.owner_name(label).partition("/")
        try:
            if slash:
                return await self.cluster.repository(name, namespace)
            found = await self.cluster.repositories("")
        except AbsentError:
            self.notes.append(f"the GitRepository {labels.owner_name(label)} that owns this object is gone")
            return None
        except ClusterError as error:
            self.notes.append(f"what Git says is not known: {error.message}")
            return None
        return next((each for each in found if each.label == label), None)

    async def _with_git(self, bare: FieldEvidence, repository: GitRepository, chosen: str) -> FieldEvidence:
        """Add what Git says, as far as it can be read."""
        self.is_blind = _may_hide(repository.raw_spec)
        try:
            spec = gitrepository.specify(repository, self.asked.against)
            content, sha = await self._content(spec, repository.applied or bare.stamp.commit)
            if content is None:
                return bare
            read = await self._revisions(repository, spec)
            bare = replace(bare, is_partial=bool(read.missing))
            finder = ObjectFinder(content=content, sha=sha, renderer=read.renderer, limits=self.asked.limits)
            found = await git_evidence.read(bare, finder, self.live, self.hiding, chosen, self.asked.seconds)
        except BuildError as error:
            self.notes.append(f"the commit cannot be rendered here, so lines are not known: {error.message}")
        except TowlineError as error:
            if self.asked.repos and error.reason in {Reason.PATH_NOT_FOUND, Reason.ACCESS_DENIED}:
                raise
            self.notes.append(f"what Git says is not known: {error.message}")
        else:
            self.notes += (*read.told, *found.notes)
            self.is_blind = self.is_blind and not (not read.missing and found.evidence.declared is not None)
            return found.evidence
        return bare

    async def _revisions(self, repository: GitRepository, spec: Spec) -> ReadRevisions:
        asked = self.asked
        by = RevisionTools(tools=asked.tools, repos=asked.repos, offline=asked.offline)
        return await read_revisions.opened(self.cluster, repository, spec, by, self.hiding.values)

    async def _content(self, spec: Spec, sha: str) -> tuple[GitContent | None, str]:
        """Return where Git holds a commit; None where it cannot be read."""
        if not git_evidence.is_id(sha):
            self.notes.append(
                "what Git says is not known: the status of the GitRepository names no applied commit"
            )
            return None, ""
        search = GitSearch.here(
            spec.url, sha, repo=next(iter(self.asked.repos), None), offline=self.asked.offline
        )
        found = await git_search.find(search)
        if found.missing:
            self.notes.append(found.missing)
        if found.content is None or not await found.content.has(sha):
            return None, sha
        return found.content, sha


def _may_hide(spec: Body) -> bool:
    """Tell whether a spec, which may be wrong, names Secrets from which values may come."""
    named = (
        spec.get("decryption"),
        (spec.get("substitute") or {}).get("from"),
        (spec.get("helm") or {}).get("valuesFrom"),
    )
    return any(named)
