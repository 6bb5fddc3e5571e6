"""Check a folder on disk: read it by the rules for commits, and look for everything that can be known offline."""

from __future__ import annotations

import asyncio
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

import towline
from towline.api.gitrepository import GitRepository, Spec
from towline.api.schema import Schema
from towline.errors import Failure, Reason, Refusal, SourceError
from towline.model import Body, Manifest, ObjectRef, Origin
from towline.plan import scope, waves
from towline.read.checking import (
    annotation_findings,
    kind_findings,
    manifest_finding,
    order_findings,
    removal_findings,
    repository_findings,
    source_lines,
)
from towline.read.checking.known_kinds import KnownKinds
from towline.read.checking.manifest_finding import ManifestFinding, Severity
from towline.read.comparison.revision_choice import RevisionChoice, RevisionFinder
from towline.render import documents, folder, validate
from towline.render.documents import DocumentErrors
from towline.render.offline import offline_render
from towline.render.offline.offline_render import Declared
from towline.render.offline.offline_tools import OfflineTools
from towline.render.offline.offline_units import Asked, OfflineRelease

_SEALED = "not checked: it is encrypted, and --age-key or --decryption-key names no key"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderCheck:
    """What is checked, and how.

    Attributes:
        directory: the folder.
        file_bytes: how many bytes one file may have.
        tools: what builds units.
        release: what charts are rendered with; its namespace is that of objects that name none.
        asked: how the folder is read.
        kinds: those that the cluster has.
        namespaces: those that the cluster has.
        rules: those for specs of GitRepositories.
        against: the revision that is applied; empty where nothing is compared.
        repository: whose plan counts then, with its spec.
    """

    directory: Path
    file_bytes: int
    tools: OfflineTools
    release: OfflineRelease
    asked: Asked
    kinds: KnownKinds
    namespaces: frozenset[str]
    rules: Schema
    against: str = ""
    repository: GitRepository
    spec: Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFolder:
    """What a check found, in the order of files and lines; `notes` say what could not be checked.

    Files are named from the root of the Git work tree that the folder is in, or else from the folder.
    """

    findings: tuple[ManifestFinding, ...]
    objects: int
    version: str
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class _InNamespaces:
    """The objects of a folder in their namespaces; `again` are those that are declared already."""

    manifests: tuple[Manifest, ...]
    again: tuple[Failure, ...] = ()

    @property
    def by_ref(self) -> Mapping[ObjectRef, Manifest]:
        return {each.ref: each for each in self.manifests}


def check(asked: FolderCheck) -> CheckedFolder:
    """Return all that is wrong with a folder.

    Raises:
        TowlineError: the folder, or the revision to compare with, cannot be read.
    """
    declared, sealed = _declared(asked, asked.directory)
    kinds, custom = _with_own_crds(asked.kinds, declared.manifests)
    placed = _place(declared.manifests, kinds, asked.release.namespace)
    formed = (*custom, *kind_findings.findings(_others(declared.manifests), kinds))
    found = [
        *map(manifest_finding.of_failure, (*declared.failures, *_new(placed.again, declared.failures))),
        *formed,
        *repository_findings.findings(declared.manifests, asked.rules, formed),
        *order_findings.findings(placed.manifests, asked.namespaces),
        *annotation_findings.findings(declared.manifests),
    ]
    located = _located(found, declared.manifests, asked.directory)
    removed, notes = _removals(asked, kinds, placed, declared)
    _, path = folder.placed(asked.directory)
    named = (replace(each, file=_from_root(each.file, path)) for each in (*located, *removed))
    return CheckedFolder(
        findings=tuple(sorted(set(named), key=lambda each: (each.file, each.line, each.field, each.rule))),
        objects=len(declared.manifests),
        version=kinds.version,
        notes=(*notes, *(f"{_from_root(each.file, path)}:{each.line}: {_SEALED}" for each in sealed)),
    )


def own_crds() -> Iterable[Body]:
    """Return Towline's own CRDs."""
    for file in sorted((Path(towline.__file__).parent / "crds").glob("*.yaml")):
        yield yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def _declared(asked: FolderCheck, directory: Path) -> tuple[Declared, tuple[Failure, ...]]:
    """Return what a folder declares, and what of it only the operator can decrypt."""
    found = offline_render.render(directory, asked.file_bytes, asked.tools, asked.release, asked.asked)
    for failure in found.failures:
        if not failure.file and failure.reason in {Reason.PATH_NOT_FOUND, Reason.INVALID_SPEC}:
            raise SourceError(Reason(failure.reason), failure.message)
    opens = bool(asked.spec.decryption_secret) and asked.asked.treatment.keys is None
    sealed = tuple(each for each in found.failures if opens and each.message == validate.ENCRYPTED)
    rest = tuple(each for each in found.failures if each not in sealed)
    return replace(found, failures=rest), sealed


def _others(manifests: Iterable[Manifest]) -> Iterable[Manifest]:
    return (each for each in manifests if each.ref.group_kind != waves.CRD)


def _with_own_crds(
    kinds: KnownKinds, manifests: Iterable[Manifest]
) -> tuple[KnownKinds, tuple[ManifestFinding, ...]]:
    """Return the kinds with those of the CRDs among some objects; one that is malformed brings none."""
    crds = [each for each in manifests if each.ref.group_kind == waves.CRD]
    found = tuple(kind_findings.findings(crds, kinds))
    wrong = {(each.object, each.file, each.line) for each in found if each.severity is Severity.ERROR}
    good = [each.body for each in crds if (str(each.ref), each.origin.file, each.origin.line) not in wrong]
    return kinds.with_crds(good), found


def _place(manifests: Iterable[Manifest], kinds: KnownKinds, default_namespace: str) -> _InNamespaces:
    """Give objects their namespaces; those of unknown kinds keep what they say."""
    scopes = dict(kinds.scopes)
    given = tuple(manifests)
    known = [each for each in given if each.ref.group_kind in scopes]
    rest = {each.ref: each for each in given if each.ref.group_kind not in scopes}
    found, failures = scope.place(known, scopes, default_namespace)
    again = tuple(each for each in failures if each.reason == Refusal.DUPLICATE_OBJECT)
    return _InNamespaces(manifests=(*found, *rest.values()), again=again)


def _new(failures: Iterable[Failure], known: Iterable[Failure]) -> Iterable[Failure]:
    told = {(each.reason, each.file, each.line) for each in known}
    return (each for each in failures if (each.reason, each.file, each.line) not in told)


def _located(
    found: Iterable[ManifestFinding], manifests: Iterable[Manifest], directory: Path
) -> Sequence[ManifestFinding]:
    """Give each finding the line of its field, where a file says it; else it keeps that of its object."""
    made = {
        _place_of(str(each.ref), each.origin.file, each.origin.line): each
        for each in manifests
        if each.origin.is_rendered
    }
    origins: dict[tuple[str, int, str, str], Origin] = {
        _place_of(str(each.ref), each.origin.file, each.origin.line): each.origin
        for each in manifests
        if not each.origin.is_rendered
    }
    files: dict[str, list[tuple[ManifestFinding, Origin]]] = defaultdict(list)
    located: list[ManifestFinding] = []
    for each in found:
        origin = origins.get(_place_of(each.object, each.file, each.line))
        if origin and each.field:
            files[each.file].append((each, origin))
        else:
            located.append(
                _in_source(each, made.get(_place_of(each.object, each.file, each.line)), directory)
            )
    for file, each_of in files.items():
        located.extend(_in_file(directory / file, each_of))
    return located


def _in_source(found: ManifestFinding, made: Manifest | None, directory: Path) -> ManifestFinding:
    """Give a finding in what a tool has made the line of its field, where the file itself declares that."""
    if made is None or not found.field:
        return found
    try:
        content = (directory / found.file).read_bytes()
    except OSError:
        return found
    return replace(found, line=source_lines.line(content, made, found.field) or found.line)


def _place_of(name: str, file: str, line: int) -> tuple[str, int, str, str]:
    """Return what tells an object from the others of its line, whether its namespace is known or not."""
    return file, line, name.partition("/")[0], name.rpartition("/")[2]


def _in_file(file: Path, found: Sequence[tuple[ManifestFinding, Origin]]) -> Iterable[ManifestFinding]:
    wanted = [(origin.document, origin.item, each.field) for each, origin in found]
    try:
        lines = documents.locate_all(file.read_bytes(), wanted)
    except (OSError, DocumentErrors, IndexError):
        return [each for each, _ in found]
    return [replace(each, line=line) for (each, _), line in zip(found, lines, strict=True)]


def _removals(
    asked: FolderCheck, kinds: KnownKinds, placed: _InNamespaces, declared: Declared
) -> tuple[tuple[ManifestFinding, ...], tuple[str, ...]]:
    if not asked.against:
        return (), ()
    if declared.failures or placed.again:
        note = f"not compared with {asked.against}: a commit with files that cannot be read removes nothing"
        return (), (note,)
    before = asyncio.run(_before(asked))
    older, _ = _with_own_crds(kinds, before)
    was = _place(before, older, asked.release.namespace)
    found = removal_findings.findings(was.by_ref, placed.by_ref, asked.repository, asked.spec)
    return tuple(found), ()


async def _before(asked: FolderCheck) -> tuple[Manifest, ...]:
    """Return what the older revision declares; nothing where it does not have the folder."""
    root, path = folder.placed(asked.directory)
    if not (root / ".git").exists():
        message = f"{asked.directory} is not in a Git work tree, so that there is no {asked.against} to compare with"
        raise SourceError(Reason.REF_NOT_FOUND, message)
    choice = RevisionChoice(revision=asked.against, repos=(root,), offline=True)
    finder = RevisionFinder(replace(asked.spec, path=path), choice)
    try:
        async with finder.folder("") as before:
            found, _ = await asyncio.to_thread(_declared, asked, before)
    except SourceError as error:
        if error.reason is Reason.PATH_NOT_FOUND:
            return ()
        raise
    if found.failures:
        first = found.failures[0]
        message = f"{asked.against} itself cannot be read: {first.file}:{first.line}: {first.message}"
        raise SourceError(Reason.BUILD_FAILED, message)
    return found.manifests


def _from_root(file: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(path, file or "."))
