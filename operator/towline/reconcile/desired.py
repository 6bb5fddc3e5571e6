"""Read what Git declares: from a spec to the head, its revision, and the manifests of that commit."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from towline import aio, log
from towline.api import labels
from towline.api.bound_hosts import BoundHosts
from towline.api.gitrepository import Render, Spec
from towline.errors import (
    BuildError,
    CostlyBuildError,
    Failure,
    Reason,
    Refusal,
    SourceError,
    SpecError,
    TowlineError,
)
from towline.kube import secrets
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import GroupKind, Key, Manifest, ObjectRef, Revision
from towline.plan import ignore_fields, manifest, scope
from towline.plan.snapshot import differing
from towline.plan.verdicts import Verdicts
from towline.reconcile.values.treatments import Treated, Treatments
from towline.render import declared, documents, formats, links
from towline.render.build_report import build_error
from towline.render.cache import Cache
from towline.render.declared import DeclaredFiles
from towline.render.next_commit import CommitPair, NextCommitReader
from towline.render.rendered import Bounds, Reading, Total
from towline.render.units.unit_builds import Built, UnitBuilder, UnitSource
from towline.source import access, refs, selection
from towline.source.access import Remote
from towline.source.history import History
from towline.source.mirror import Mirrors
from towline.source.selection import Entry
from towline.status.survey import Surveys

_log = log.logger(__name__)

_NAMED = 10
"""How many submodules, or files that are not applied, are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The ref that a spec follows: its full name, and its commit.

    Where the spec names a commit and the branch that it must be in, `tip` is the head of that branch; else it is empty.
    `seen_at` is when the remote answered, by the event loop's clock.
    """

    remote: Remote
    name: str
    sha: str
    seen_at: float = field(compare=False)
    tip: str = ""

    @property
    def ref(self) -> str:
        """The full name of the ref; empty where a commit is followed by its id alone."""
        return "" if self.name == self.sha else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What one commit declares for one spec.

    `declared` are the manifests by object, with their namespaces; `failures` are those of objects that cannot be placed
    or read. `submodules` are paths that were skipped.
    `memo` keeps what plans found out about these manifests, `health` what looks at their objects did. `files` is what
    each file declares, None where another commit cannot be read by what differs. `mark` tells how files were treated.
    """

    sha: str
    spec: Spec
    declared: Mapping[ObjectRef, Manifest]
    failures: tuple[Failure, ...] = ()
    mark: str = ""
    submodules: tuple[str, ...] = ()
    files: DeclaredFiles | None = field(default=None, compare=False)
    memo: Verdicts = field(default_factory=Verdicts, compare=False)
    health: Surveys = field(default_factory=Surveys, compare=False)

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """All manifests."""
        return tuple(self.declared.values())

    @property
    def refs(self) -> frozenset[ObjectRef]:
        """All objects."""
        if self.files:
            return self.files.refs
        return frozenset(self.declared)

    @property
    def kinds(self) -> frozenset[GroupKind]:
        """The kinds of all objects."""
        if self.files:
            return self.files.kinds
        return frozenset(ref.group_kind for ref in self.declared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator allows of a source; `keys` are namespace and name of the Secret that holds its own keys.

    With `require_bound_credentials`, a Secret that is bound to no host is not used.
    """

    allow_http: bool
    limits: selection.SourceLimits
    yaml: documents.YamlLimits
    keys: tuple[str, str] = ("", labels.KEYS)
    require_bound_credentials: bool = False


class CommitReader:
    """Reads Git for all repositories.

    Args:
        client: reads the Secrets that hold credentials.
        discovery: says which kinds live in namespaces.
        index: says which kinds may be seen.
        mirrors: read from Git.
        cache: parses files.
        units: builds the folders that another tool turns into objects.
        treatments: reads the variables and private keys that specs name.
        rules: what the flags allow.
    """

    def __init__(  # noqa: PLR0913  two servers, what is known of each, who reads files, and what is allowed
        self,
        *,
        client: Client,
        discovery: Discovery,
        index: Index,
        mirrors: Mirrors,
        cache: Cache,
        units: UnitBuilder,
        treatments: Treatments,
        rules: Rules,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._index = index
        self._mirrors = mirrors
        self._cache = cache
        self._units = units
        self._treatments = treatments
        self._rules = rules
        self._next_commits = NextCommitReader(
            mirrors=mirrors, cache=cache, limits=rules.limits, yaml=rules.yaml
        )

    async def remote(self, key: Key, spec: Spec) -> Remote:
        """Return the remote repository with its credentials.

        Raises:
            SpecError, SourceError: the url, the credentials.
            ClusterError: the Secret could not be read.
        """
        name = spec.secret_name
        if (key.namespace, name) == self._rules.keys:
            message = f"spec.secretRef.name {name} is the Secret of the operator's own keys: name another one"
            raise SpecError(Reason.INVALID_SPEC, message)
        secret = await secrets.for_git(self._client, key.namespace, name) if name else None
        return access.remote(
            spec,
            secret.content if secret else None,
            allow_http=self._rules.allow_http,
            bound=BoundHosts(
                value=secret.hosts if secret else None,
                is_required=self._rules.require_bound_credentials,
            ),
        )

    async def head(self, remote: Remote, spec: Spec, age: float = 0.0) -> Head:
        """Look up what the spec follows; an answer to another repository may be up to `age` seconds old.

        Raises:
            SourceError: the remote or the ref.
        """
        offered = await self._mirrors.look(remote, spec.timeout, age, spec.ref)
        seen_at = self._mirrors.seen_at(remote)
        name, sha = refs.resolve(spec.ref, offered)  # of many tags, only the newest in some range are left
        tip = offered.names[name] if spec.ref.branch else ""
        return Head(remote=remote, name=name, sha=sha, seen_at=seen_at, tip=tip)

    async def recalled(self, key: Key, spec: Spec, sha: str) -> tuple[Head, Revision, Desired] | None:
        """Read an earlier commit as it was read then, without asking the remote; None where its mirror lacks it.

        Raises:
            TowlineError: as `revision` and `desired` do.
        """
        remote = await self.remote(key, spec)
        if not await self._mirrors.has(remote, sha):
            return None
        head = Head(remote=remote, name=sha, sha=sha, seen_at=-math.inf)
        return (
            head,
            await self._mirrors.revision(remote, sha),
            await self.desired(head, spec, await self.treated(key, spec)),
        )

    async def secret_version(self, key: Key, spec: Spec) -> str:
        """Return the version of the Secret that the spec names; empty where there is none.

        Raises:
            ClusterError: the Secret could not be read.
        """
        return await secrets.version(self._client, key.namespace, spec.secret_name)

    async def revision(self, head: Head, seconds: float, known: Revision | None = None) -> Revision:
        """Fetch the commit within so many seconds, if it is not there, and read who made it, unless that is `known`.

        Raises:
            SourceError: the fetch failed; AccessDenied, where the commit is not in the branch that it must be in.
        """
        await self._mirrors.fetch(head.remote, head.name, head.tip or head.sha, seconds)
        if head.tip and not await self._mirrors.leads_to(head.remote, head.tip, head.sha):
            branch = head.name.removeprefix("refs/heads/")
            raise SourceError(
                Reason.ACCESS_DENIED,
                f"{head.remote.url}: commit {head.sha[:7]} (spec.ref.commit) is not in the history of branch {branch} "
                "(spec.ref.branch): name a commit of that branch, or merge this one into it",
            )
        if known and known.sha == head.sha:
            return known
        return await self._mirrors.revision(head.remote, head.sha)

    def progress(self, head: Head) -> str:
        """Return how far the fetch of a commit is, as git tells it; empty where it has told nothing."""
        return self._mirrors.progress(head.remote, head.sha)

    async def treated(self, key: Key, spec: Spec) -> Treated:
        """Return how the files of a repository are read now: with which variables and private keys.

        Raises:
            SourceError: a ConfigMap or Secret is missing, or cannot be used.
            ClusterError: one could not be read.
        """
        return await self._treatments.read(key, spec)

    async def desired(
        self, head: Head, spec: Spec, treated: Treated, before: Desired | None = None
    ) -> Desired:
        """Read the manifests of the commit and give each its place.

        Args:
            head: the commit.
            spec: how it is read.
            treated: with which variables and private keys.
            before: what was read before; of a commit that was read for the same spec, only what differs is read.

        Raises:
            BuildError: with every error of every file.
            SourceError: the path, or the size of its content.
            ClusterError: the API server could not say which kinds it serves.
        """
        found = await self._next(head, spec, before) if before and not treated.mark else None
        found = found or await self._whole(head, spec, treated)
        if before:
            self._cache.outdate(_replaced(before, found))
        return found

    async def _next(self, head: Head, spec: Spec, before: Desired) -> Desired | None:
        """Read what differs from what was read before; None where the commit must be read whole."""
        if before.files is None or before.mark or before.spec != spec or len(before.sha) != len(head.sha):
            return None
        scopes = await self._discovery.scopes(before.files.kinds)
        if await self._index.denied(before.files.kinds):
            return None
        commits = CommitPair(remote=head.remote, spec=spec, old=before.sha, new=head.sha)
        found = await self._next_commits.read(commits, before.files, scopes)
        if found is None:
            return None
        _tell_old_spellings(found.read, head.sha)
        return Desired(
            sha=head.sha,
            spec=spec,
            declared=found.files.manifests,
            files=found.files,
            memo=before.memo.carried(),
            health=before.health,
        )

    async def _whole(self, head: Head, spec: Spec, treated: Treated) -> Desired:
        limits = self._rules.limits
        listed = await self._listed(head, spec.path)
        selected = await asyncio.to_thread(
            selection.select, listed, spec.path, formats.markers(spec.render), spec.exclude, limits
        )
        _check_render(spec, selected)
        _check_treated(treated, selected)
        built = await self._built(head, selected)
        selected = replace(
            selected, files=tuple(each for each in selected.files if each.path not in built.reads)
        )
        manifests = await self._rendered(head, treated, selected, built, spec)
        brought = scope.declared_scopes(manifests)
        served = await self._discovery.scopes({manifest.ref.group_kind for manifest in manifests})
        scopes = {kind: resource.namespaced for kind, resource in brought.items()} | dict(served)
        unserved = {manifest.ref.group_kind for manifest in manifests} - scopes.keys()
        namesakes = await self._discovery.namesakes(unserved)
        placed, failures = await asyncio.to_thread(
            scope.place, manifests, scopes, spec.default_namespace, namesakes
        )
        if any(failure.reason == Refusal.DUPLICATE_OBJECT for failure in failures):
            raise build_error(failures, _places(selected), spec.path, head.sha)
        denied = await self._index.denied({manifest.ref.group_kind for manifest in placed})
        seen, forbidden = scope.visible(placed, denied)
        marked = tuple(replace(failure, commit=head.sha) for failure in (*failures, *forbidden))
        seen = await asyncio.to_thread(ignore_fields.marked, seen, spec.ignore_fields)
        await asyncio.to_thread(self._treatments.learn, treated, seen)
        _tell_old_spellings(seen, head.sha)
        if selected.submodules:
            _log.info(
                "submodules are not read", url=spec.url, commit=head.sha, paths=selected.submodules[:_NAMED]
            )
        _tell_unread(selected, built, spec, head.sha)
        files = await asyncio.to_thread(_by_file, listed, selected, seen, served)
        special = selected.submodules or selected.units or listed.has_links
        usual = not marked and not brought and not special and not treated.mark
        return Desired(
            sha=head.sha,
            spec=spec,
            declared=files.manifests,
            failures=marked,
            mark=treated.mark,
            submodules=selected.submodules,
            files=files if usual else None,
        )

    @asynccontextmanager
    async def watching(self, key: Key, spec: Spec, head: Head) -> AsyncIterator[Callable[[], bool]]:
        """Look for a newer head once an interval during the block; yield a function that tells if there is one."""
        moved = asyncio.Event()

        async def look() -> None:
            while not moved.is_set():
                await asyncio.sleep(spec.interval)
                try:
                    newer = await self.head(await self.remote(key, spec), spec)
                except TowlineError:
                    continue
                if newer.sha != head.sha:
                    moved.set()

        task = asyncio.create_task(look())
        try:
            yield moved.is_set
        finally:
            await aio.end(task)

    async def history(self, head: Head, revision: Revision, base: str) -> History:
        """Return the commits that lead from `base` (a sha) to the head, which a record lists at any rate.

        From nothing (an empty base) none leads there. `revision` is that of the head: mostly it follows the base.

        Raises:
            SourceError: the mirror could not be read.
        """
        if base in {"", head.sha}:  # the latter with every repair, which must not need the mirror
            return History(revisions=(), total=0)
        if revision.parents == (base,):
            return History(revisions=(revision,), total=1)
        return await self._mirrors.history(head.remote, base, head.sha)

    async def _listed(self, head: Head, path: str) -> links.Links:
        """List what is below a path; where that holds symlinks, the whole commit, because they may lead anywhere."""
        limit = self._rules.limits.entries
        entries = await self._mirrors.entries(head.remote, head.sha, path)
        if not await asyncio.to_thread(links.to_read, entries):
            return links.Links(entries, links.Listing((), {}), limit)
        whole, nowhere = entries, links.NOWHERE
        if path != ".":
            try:
                whole = await self._mirrors.entries(head.remote, head.sha, ".")
            except SourceError as error:
                if error.reason is not Reason.SOURCE_TOO_LARGE:
                    raise
                nowhere = links.too_many(limit)
        texts = await self._mirrors.blobs(head.remote, await asyncio.to_thread(links.to_read, whole))
        tree = await asyncio.to_thread(links.Listing, whole, texts)
        return links.Links(entries, tree, limit, nowhere)

    async def _built(self, head: Head, selected: selection.Selection) -> Built:
        """Build the units of a commit: what they read may be anywhere in it."""
        if not selected.units:
            return Built()
        listed = await self._mirrors.entries(head.remote, head.sha, ".")
        texts = await self._mirrors.blobs(head.remote, await asyncio.to_thread(links.to_read, listed))
        tree = await asyncio.to_thread(links.Listing, listed, texts)

        async def read(entries: Sequence[Entry]) -> Sequence[bytes]:
            contents = await self._mirrors.blobs(head.remote, {entry.sha for entry in entries})
            return [contents[entry.sha] for entry in entries]

        source = UnitSource(name=head.remote.url, tree=tree, read=read)
        built = await self._units.build(source, {selection.unit_folder(each) for each in selected.units})
        for run in built.runs:
            _log.info(
                "unit built",
                unit=run.unit,
                objects=run.objects,
                files=run.files,
                seconds=round(run.seconds, 3),
                commit=head.sha,
            )
        return built

    async def _rendered(
        self, head: Head, treated: Treated, selected: selection.Selection, built: Built, spec: Spec
    ) -> tuple[Manifest, ...]:
        """Parse the selected files; report refusals of the selection and of units together with parse errors."""

        async def read(shas: Sequence[str]) -> Mapping[str, bytes]:
            return await self._mirrors.blobs(head.remote, shas)

        files = [(entry.path, entry.sha, entry.size) for entry in selected.files]
        places = _places(selected)
        refused = (*selected.failures, *built.failures)
        try:
            manifests = await self._cache.render(
                files,
                read,
                Reading(self._rules.yaml, treated.treatment, treated.mark),
                skip_non_manifests=spec.skip_non_manifests,
            )
        except BuildError as error:
            told = build_error((*refused, *error.failures), places, spec.path, head.sha)
            raise _weighed(told, built) from error
        if refused:
            raise _weighed(build_error(refused, places, spec.path, head.sha), built)
        both = (*manifests, *built.manifests)
        if built.manifests:
            bounds = Bounds(self._rules.yaml.objects, self._rules.yaml.content_bytes, 0)
            bounds.check(Total(len(both), sum(len(each.content) for each in both)))
        return both


def _by_file(
    listed: links.Links,
    selected: selection.Selection,
    manifests: Sequence[Manifest],
    scopes: Mapping[GroupKind, bool],
) -> DeclaredFiles:
    sizes = {each.origin.file: 0 for each in manifests}  # those that a tool made are declared by other files
    sizes |= {entry.path: entry.size for entry in selected.files}
    return declared.declared(sizes, manifests, scopes, len(listed.entries))


def _replaced(before: Desired, now: Desired) -> frozenset[tuple[str, str]]:
    """Return path and blob of the files that a commit no longer has, as far as they declared anything."""
    moved = differing(before.declared, now.declared)
    old, new = (
        frozenset((each[ref].origin.file, each[ref].origin.blob) for ref in moved if ref in each)
        for each in (before.declared, now.declared)
    )
    return old - new


def _places(selected: selection.Selection) -> Mapping[str, str]:
    return {entry.path: entry.reached for entry in selected.files}


def _check_render(spec: Spec, selected: selection.Selection) -> None:
    """Refuse a path without a kustomization where the spec wants it to have one.

    Raises:
        SourceError: PathNotFound.
    """
    folders = {each.reached.rpartition("/")[0] or "." for each in selected.units}
    if spec.render is Render.KUSTOMIZE and spec.path not in folders:
        message = f"{spec.path} has no kustomization, as spec.render wants: change spec.path or spec.render"
        raise SourceError(Reason.PATH_NOT_FOUND, message)


def _check_treated(treated: Treated, selected: selection.Selection) -> None:
    """Refuse kustomizations where variables or encrypted values are read, too.

    Raises:
        BuildError: BuildFailed.
    """
    if treated.mark and selected.units:
        message = (
            "spec.substitute and spec.decryption are not supported yet where there is a kustomization: "
            "remove them, or name its folder in spec.exclude"
        )
        files = (each.reached for each in selected.units)
        raise BuildError(
            tuple(Failure(reason=Reason.BUILD_FAILED, message=message, file=each) for each in files)
        )


def _weighed(error: BuildError, built: Built) -> BuildError:
    """Return the error that says how soon it is worth while to build again."""
    return CostlyBuildError(error.failures, error.reason) if built.is_costly else error


def _tell_unread(selected: selection.Selection, built: Built, spec: Spec, sha: str) -> None:
    """Log which files in the folders of units no kustomization names: they are not applied."""
    unread = [each.path for each in selected.inner if each.path not in built.reads]
    if unread:
        _log.info(
            "files in the folder of a kustomization that it does not name are not applied",
            url=spec.url,
            commit=sha,
            files=len(unread),
            paths=unread[:_NAMED],
        )


def _tell_old_spellings(manifests: Iterable[Manifest], sha: str) -> None:
    """Log annotations with an old spelling, once for each commit that is read."""
    for each in manifests:
        for name, written, now in manifest.old_spellings(each):
            _log.warning(
                "an annotation has an old spelling",
                object=str(each.ref),
                file=each.origin.file,
                line=each.origin.line,
                commit=sha,
                annotation=f"{name}: {written}",
                write=f"{name}: {now}",
            )
