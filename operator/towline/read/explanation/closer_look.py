"""Look closer at causes: by the history in Git, and by dry runs of new commits, as far as both are at hand."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace

from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.errors import ApiError, Reason, Refusal, TowlineError
from towline.model import State
from towline.read.cluster import Cluster
from towline.read.comparison.online_revisions import AskedComparison, OnlineRevisions
from towline.read.comparison.revision_choice import RevisionFinder
from towline.read.explanation import culprits, object_explanation, status_causes
from towline.read.explanation.cause import CHANGED, REMOVED, FoundCause
from towline.read.explanation.culprits import Culprits
from towline.read.explanation.known_syncs import KnownSyncs

_IN_CLUSTER = {Refusal.CONTESTED, Refusal.FOREIGN_FIELDS, Refusal.OVERRIDDEN_BY_ADMISSION, Refusal.INHERITED}
_EMPTY = frozenset({str(Reason.PATH_NOT_FOUND)})
"""The reasons of a commit that took all of `spec.path` away."""

_REFUSED = frozenset(
    {*map(str, set(Refusal) - _IN_CLUSTER), str(Reason.BUILD_FAILED), str(Reason.SYMLINK_REFUSED), *_EMPTY}
)
"""The reasons of what a commit declares and that is refused."""

_UNREADY = frozenset({str(State.FAILED), str(State.IN_PROGRESS), CHANGED})
"""The reasons of changes after which an object is not ready."""

_LEFT = frozenset({str(Reason.PRUNE_BLOCKED), str(Reason.SOURCE_EMPTY), str(Refusal.INHERITED)})
"""The reasons for which an object that left Git stays."""


class CloserLook:
    """Looks closer at the causes that concern one repository.

    Args:
        cluster: as the user may see it; its client must not write.
        repository: as it is stored.
        syncs: its records.
        asked: how revisions are tried by dry runs.
    """

    def __init__(
        self, cluster: Cluster, repository: GitRepository, syncs: KnownSyncs, asked: AskedComparison
    ) -> None:
        self._cluster = cluster
        self._repository = repository
        self._syncs = syncs
        self._asked = asked
        self.notes: list[str] = []
        """What could not be found out, in sentences for the user."""

    async def told(self, causes: tuple[FoundCause, ...]) -> tuple[FoundCause, ...]:
        """Return the causes with what Git and dry runs tell; where these are not at hand, as they were, and a note."""
        tried = await self._placed(await self._tried(causes))
        try:
            spec = gitrepository.specify(self._repository, self._asked.against)
            finder = RevisionFinder(spec, self._asked.choice)
            brought = [
                await self._brought(each, finder) if each in causes else each  # no dry run told of it
                for each in tried
            ]
            dated = [await self._left(each, finder) for each in brought]
            return await self._signed(dated, finder)
        except (TowlineError, OSError) as error:
            if any(_needs_git(each) for each in tried):
                self._note(error)
            return tried

    async def _tried(self, causes: tuple[FoundCause, ...]) -> tuple[FoundCause, ...]:
        refused = [each for each in causes if each.commit and each.reason in _REFUSED - _EMPTY]
        if not refused:
            return causes
        commits: Mapping[str, str] = self._repository.status.get("commit") or {}
        applied, attempted = commits.get("applied", ""), commits.get("attempted", "")
        try:
            online = await OnlineRevisions.opened(self._cluster, self._repository, self._asked)
            new = await online.finder.between(applied, attempted)
            told = await Culprits(online=online, new=new).told(refused, self._syncs)
            told = tuple([await self._with_values(each, online) for each in told])
            self.notes += online.notes
        except (TowlineError, OSError) as error:
            self._note(error)
            return causes
        if not new and applied:
            self.notes.append(
                f"Git does not have both {applied[:7]} and {attempted[:7]} here: no commit was tried"
            )
        known = dict(zip(refused, told, strict=True))
        return tuple(known.get(each, each) for each in causes)

    async def _placed(self, causes: tuple[FoundCause, ...]) -> tuple[FoundCause, ...]:
        """Return the changes after which objects are not ready, with the lines of the blamed fields.

        A record holds the line of the first field that changed only.
        """
        blamed = [each for each in causes if each.reason in _UNREADY and each.pointer and each.commit]
        if not blamed:
            return causes
        found: dict[FoundCause, FoundCause] = {}
        try:
            online = await OnlineRevisions.opened(self._cluster, self._repository, self._asked)
            for each in blamed:
                if place := await online.place(each.commit, each.object, each.pointer):
                    found[each] = replace(each, file=place[0], line=place[1])
        except (TowlineError, OSError) as error:
            self._note(error)
        return tuple(found.get(each, each) for each in causes)

    async def _brought(self, cause: FoundCause, finder: RevisionFinder) -> FoundCause:
        """Return a refusal that no dry run repeats with the new commit that wrote its line, or changed its file."""
        commits: Mapping[str, str] = self._repository.status.get("commit") or {}
        applied, attempted = commits.get("applied", ""), commits.get("attempted", "")
        folder = posixpath.normpath(str(self._repository.raw_spec.get("path", "")))
        file = folder if cause.reason in _EMPTY else cause.file
        if cause.reason not in _REFUSED or not file or not attempted or cause.commit != attempted:
            return cause
        found = await finder.last_change(applied, attempted, file, cause.line)
        if found is None or found.sha == attempted:
            return cause
        told = f"{cause.evidence}; of the new commits {found.short} is the last one that changed this"
        return replace(cause, commit=found.sha, author=found.writer.name, evidence=told)

    async def _with_values(self, cause: FoundCause, online: OnlineRevisions) -> FoundCause:
        """Return the cause that an immutable field is with its old and its new value."""
        ref = culprits.ref_of(cause)
        resource = await self._cluster.discovery.resource(ref.group_kind) if ref else None
        if ref is None or resource is None or cause.reason != Refusal.IMMUTABLE_FIELD:
            return cause
        source = await online.finder.of(cause.commit)
        declared = (await online.declared(source)).declared.get(ref) if source else None
        if declared is None:
            return cause
        try:
            live = await self._cluster.get(resource, ref.namespace, ref.name)
        except ApiError:
            return cause
        return culprits.with_values(cause, online.mask.masked(live), online.mask.masked(declared.body))

    async def _left(self, cause: FoundCause, finder: RevisionFinder) -> FoundCause:
        """Return which of several commits took an object out of its file."""
        if not cause.file:
            return cause
        last = self._syncs.removed(cause.object) if cause.reason == REMOVED else None
        if last is not None:
            intent = last.record.intent
            found = await finder.last_change(intent.source, intent.target, cause.file)
            return object_explanation.removal(last, found.sha, found.writer.name) if found else cause
        if cause.reason not in _LEFT:
            return cause
        found = await finder.last_change(self._repository.applied, cause.commit, cause.file)
        return status_causes.left_by(cause, found.sha, found.writer.name) if found else cause

    async def _signed(self, causes: Sequence[FoundCause], finder: RevisionFinder) -> tuple[FoundCause, ...]:
        """Name the authors whom the records do not name."""
        unknown = {each.commit for each in causes if _lacks_author(each)}
        if not unknown:
            return tuple(causes)
        known = {sha: found for sha in unknown for found in (await finder.revisions((sha,))).values()}
        return tuple(
            replace(each, author=known[each.commit].writer.name)
            if _lacks_author(each) and each.commit in known
            else each
            for each in causes
        )

    def _note(self, error: Exception) -> None:
        said = error.message if isinstance(error, TowlineError) else str(error)
        self.notes.append(f"what Git and dry runs could tell more is not known: {said}")


def _lacks_author(cause: FoundCause) -> bool:
    return bool(cause.commit) and not cause.author


def _needs_git(cause: FoundCause) -> bool:
    return _lacks_author(cause) or cause.reason in {REMOVED, *_LEFT}
