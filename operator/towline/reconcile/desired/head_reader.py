"""Look up what a spec follows, fetch its commit, and read the history between two commits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from towline import aio
from towline.api.bound_hosts import BoundHosts
from towline.api.gitrepository import Spec
from towline.errors import Reason, SourceError, SpecError, TowlineError
from towline.kube import secrets
from towline.kube.client import Client
from towline.model import Key, Revision
from towline.reconcile.desired.head import Head
from towline.reconcile.desired.reading_rules import ReadingRules
from towline.source import access, refs
from towline.source.access import Remote
from towline.source.history import History
from towline.source.mirror import Mirrors


class HeadReader:
    """Follows the remotes of all repositories.

    Args:
        client: reads the Secrets that hold credentials.
        mirrors: read from Git.
        rules: what the flags allow.
    """

    def __init__(self, client: Client, mirrors: Mirrors, rules: ReadingRules) -> None:
        self._client = client
        self._mirrors = mirrors
        self._rules = rules

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
        tag = offered.tags.get(name, "")
        return Head(remote=remote, name=name, sha=sha, seen_at=seen_at, tip=tip, tag=tag)

    async def recalled(self, key: Key, spec: Spec, sha: str) -> tuple[Head, Revision] | None:
        """Return an earlier commit without asking the remote; None where its mirror lacks it.

        Raises:
            SpecError, SourceError: the url, the credentials, the mirror.
            ClusterError: the Secret could not be read.
        """
        remote = await self.remote(key, spec)
        if not await self._mirrors.has(remote, sha):
            return None
        head = Head(remote=remote, name=sha, sha=sha, seen_at=-math.inf)
        return head, await self._mirrors.revision(remote, sha)

    async def secret_version(self, key: Key, spec: Spec) -> str:
        """Return what changes with any of the Secrets that the spec names for credentials.

        Raises:
            ClusterError: one of them could not be read.
        """
        found = [await secrets.version(self._client, key.namespace, name) for name in spec.secret_names]
        return " ".join(found)

    async def revision(self, head: Head, spec: Spec, known: Revision | None = None) -> Revision:
        """Fetch the commit, if it is not there, and read who made it, unless that is `known`.

        Raises:
            SourceError: the fetch failed; AccessDenied, where the commit is not in the branch that it must be in.
        """
        await self._mirrors.fetch(head.remote, head.name, head.tip or head.sha, spec.timeout)
        if head.tip and not await self._mirrors.leads_to(head.remote, head.tip, head.sha):
            branch = head.name.removeprefix("refs/heads/")
            raise SourceError(
                Reason.ACCESS_DENIED,
                f"{head.remote.url}: commit {head.sha[:7]} (spec.ref.commit) is not in the history of branch {branch} "
                "(spec.ref.branch): name a commit of that branch, or merge this one into it",
            )
        if known and known.sha == head.sha:
            return known
        if known is None:  # all files are read next
            await self._mirrors.glance(head.remote, head.sha, spec.path)
        return await self._mirrors.revision(head.remote, head.sha)

    def progress(self, head: Head) -> str | None:
        """Return how far the fetch of a commit is: empty where git told nothing, None while others have the turn."""
        return self._mirrors.progress(head.remote, head.sha)

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
