"""Read files of values from other repositories, which GitRepositories of the same namespace follow."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from towline.api import gitrepository
from towline.api.gitrepository import RESOURCE, GitRepository, Spec
from towline.api.schema import Schema
from towline.api.value_sources import ValuesCommit
from towline.errors import Reason, SourceError, SpecError
from towline.kube.client import Client
from towline.model import Key
from towline.reconcile.desired.commit_files import CommitFiles, RevisionFiles
from towline.reconcile.desired.head import Head
from towline.reconcile.desired.head_reader import HeadReader
from towline.reconcile.desired.signed_heads import SignedHeads
from towline.reconcile.values.release_values import GitValuesFile
from towline.render.units import tree_paths
from towline.render.units.tree_paths import LedOutError
from towline.source.selection import shown

_KEPT = 200
"""Files of values that are kept; each is read with each look at Git."""

_MOST = 1024**2
"""Bytes of one of them."""

_FRESH = 0.9
"""The fraction of an interval for which an answer of a server is reused."""


class GitValues:
    """Reads files of values, for all repositories.

    Args:
        client: reads GitRepositories.
        schema: checks them.
        heads: looks up what they follow.
        signed: verifies the signatures that they ask for.
        files: reads their commits.
    """

    def __init__(
        self, client: Client, schema: Schema, heads: HeadReader, signed: SignedHeads, files: CommitFiles
    ) -> None:
        self._client = client
        self._schema = schema
        self._heads = heads
        self._signed = signed
        self._files = files
        self._known: OrderedDict[tuple[str, str, str], bytes | None] = OrderedDict()

    async def read(self, key: Key, path: str, where: str) -> GitValuesFile | None:
        """Return a file of the commit that a GitRepository follows now; None where that does not exist.

        Args:
            key: of the GitRepository.
            path: of the file, from the root of its repository.
            where: the field that asks for it.

        Raises:
            SourceError: the repository cannot be read.
            ClusterError: the API server could not be asked.
        """
        found = await self._client.found(RESOURCE.path(key.namespace, key.name))
        if found is None:
            return None
        try:
            repository = gitrepository.identify(found)
            spec = gitrepository.specify(repository, self._schema)
            head = await self._head(repository, spec)
            content = await self._content(head, path)
        except (SpecError, SourceError) as error:
            theirs = isinstance(error, SpecError)  # a change of that spec helps, not one of this
            reason = Reason.AUTH_CONFIG_INVALID if theirs else error.reason
            raise SourceError(reason, f"{where}: GitRepository {key}: {error.message}") from error
        commit = ValuesCommit(name=key.name, url=spec.url, ref=head.ref, commit=head.sha)
        return GitValuesFile(content, commit)

    async def _head(self, repository: GitRepository, spec: Spec) -> Head:
        """Return the commit that it follows; one that it would not apply for its signatures is not read either."""
        key, applied = repository.key, repository.applied
        remote = await self._heads.remote(key, spec)
        head = await self._heads.head(remote, spec, spec.interval * _FRESH)
        revision = await self._heads.revision(head, spec)
        found = await self._signed.verification(key, spec, head, applied)
        if found and not found.is_trusted:
            raise await self._signed.refusal(key, head, revision, found, applied)
        return head

    async def _content(self, head: Head, path: str) -> bytes | None:
        name = (head.remote.url, head.sha, path)
        if name not in self._known:
            self._known[name] = await file_of(self._files, head, path)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return self._known[name]


async def file_of(files: RevisionFiles, head: Head, path: str) -> bytes | None:
    """Return the content of a file of values of a commit; None where there is none.

    Raises:
        SourceError: it cannot be read, or is too large.
    """
    source = await files.unit_source(head)
    try:
        target = await asyncio.to_thread(tree_paths.target, source.tree, path)
    except LedOutError as error:
        raise SourceError(Reason.BUILD_FAILED, f"{shown(path)} {error}") from error
    if target.file is None:
        return None
    if target.file.size > _MOST:
        raise SourceError(Reason.SOURCE_TOO_LARGE, f"{shown(path)} has more than {_MOST} bytes")
    (content,) = await source.read([target.file])
    return content
