"""Read what a commit declares: from what differs from the commit before, or else whole."""

from __future__ import annotations

from dataclasses import replace

from towline.api.gitrepository import GitRepository, Spec
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import Key, Revision
from towline.reconcile.desired import commit_notes
from towline.reconcile.desired.commit_charts import CommitCharts
from towline.reconcile.desired.declared_objects import Desired
from towline.reconcile.desired.head import Head
from towline.reconcile.desired.head_reader import HeadReader
from towline.reconcile.desired.whole_commit import WholeCommitReader
from towline.reconcile.remotes.remote_parts import ReadCommit, RemoteParts
from towline.reconcile.values.treatments import Treated, Treatments
from towline.render.cache import Cache
from towline.render.next_commit import CommitPair, NextCommitReader


class CommitReader:
    """Reads commits for all repositories.

    Args:
        heads: finds commits that were read before.
        discovery: says which kinds live in namespaces.
        index: says which kinds may be seen.
        cache: parses files.
        treatments: reads the variables and private keys that specs name.
        charts: knows what of the cluster commits depend on.
        parts: opens what commits build on elsewhere.
        next_commits: reads what differs between two commits.
        whole_commits: reads all of a commit.
    """

    def __init__(  # noqa: PLR0913  what is known of kinds and files, and two ways to read
        self,
        *,
        heads: HeadReader,
        discovery: Discovery,
        index: Index,
        cache: Cache,
        treatments: Treatments,
        charts: CommitCharts,
        parts: RemoteParts,
        next_commits: NextCommitReader,
        whole_commits: WholeCommitReader,
    ) -> None:
        self._heads = heads
        self._discovery = discovery
        self._index = index
        self._cache = cache
        self._treatments = treatments
        self._charts = charts
        self._parts = parts
        self._next_commits = next_commits
        self._whole_commits = whole_commits

    async def recalled(
        self, repository: GitRepository, spec: Spec, sha: str
    ) -> tuple[Head, Revision, Desired] | None:
        """Read an earlier commit as it was read then, without asking any server; None where its mirror lacks it.

        Raises:
            TowlineError: as `HeadReader.recalled` and `desired` do.
        """
        key = repository.key
        found = await self._heads.recalled(key, spec, sha)
        if found is None:
            return None
        head, revision = found
        treated = await self.treated(key, spec)
        parts = self._parts.begin(repository, spec, asks=False)
        return head, revision, await self._whole_commits.read(head, spec, treated, parts)

    async def treated(self, key: Key, spec: Spec) -> Treated:
        """Return how the files of a repository are read now: with which variables and private keys.

        Raises:
            SourceError: a ConfigMap or Secret is missing, or cannot be used.
            ClusterError: one could not be read.
        """
        treated = await self._treatments.read(key, spec)
        return replace(treated, cluster_mark=await self._charts.mark(key))

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone."""
        self._charts.forget(key)

    async def desired(
        self,
        repository: GitRepository,
        head: Head,
        spec: Spec,
        treated: Treated,
        before: Desired | None = None,
    ) -> Desired:
        """Read the manifests of the commit and give each its place.

        Args:
            repository: whose commit it is.
            head: the commit.
            spec: how it is read.
            treated: with which variables and private keys.
            before: what was read before; of a commit that was read for the same spec, only what differs is read.

        Raises:
            BuildError: with every error of every file.
            SourceError: the path, the size of its content, or what it builds on elsewhere.
            ClusterError: the API server could not say which kinds it serves.
        """
        found = await self._next(head, spec, before) if before and not treated.mark else None
        if found is None:
            parts = self._parts.begin(repository, spec)
            found = await self._whole_commits.read(head, spec, treated, parts)
            self._parts.end(repository.key, ReadCommit(head.remote.identity, head.sha, spec), parts)
            seen = replace(treated, cluster_mark=await self._charts.mark(repository.key))
            found = replace(found, mark=seen.mark, sources=treated.sources)
        if before:
            self._cache.outdate(before.replaced_by(found))
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
        commit_notes.old_spellings(found.read, head.sha)
        return Desired(
            sha=head.sha,
            spec=spec,
            declared=found.files.manifests,
            files=found.files,
            memo=before.memo.carried(),
            health=before.health,
        )
