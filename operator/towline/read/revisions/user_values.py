"""Read the values, variables and keys that a spec refers to, as far as one user may; say what they may not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from towline.api import gitrepository, value_sources
from towline.api.gitrepository import GitRepository, Spec
from towline.api.helm_spec.helm_release import HelmValuesSource
from towline.api.substituting import Substitute, ValuesKind
from towline.api.value_sources import ValuesCommit
from towline.errors import ApiError, ClusterError, Reason, SourceError, SpecError
from towline.kube import named_values
from towline.kube.client import Client
from towline.model import Key
from towline.read.git import git_search
from towline.read.git.git_content import GitContent
from towline.read.git.git_search import GitSearch
from towline.read.revisions import revision_source
from towline.reconcile.values import release_values
from towline.reconcile.values.release_values import GitValuesFile
from towline.render.helm.value_layers import NamedLayer

_FORBIDDEN = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class UserValues:
    """Reads files of values from the repositories of other GitRepositories: from a clone, or a mirror of the user.

    Attributes:
        client: reads these GitRepositories, where it is not known which commit was used.
        used: the commits that were used, as the status of the repository, or a record, says.
        repos: clones that the user names.
        offline: whether nothing is fetched.
    """

    client: Client | None = None
    used: tuple[ValuesCommit, ...] = ()
    repos: tuple[Path, ...] = ()
    offline: bool = False

    async def read(self, key: Key, path: str, where: str) -> GitValuesFile | None:
        """Return a file of another repository; None where there is no such GitRepository.

        Args:
            key: of the GitRepository.
            path: of the file, from the root of its repository.
            where: the field that asks for it.

        Raises:
            SourceError: it cannot be read here.
            ClusterError: the GitRepository could not be read.
        """
        from towline.reconcile.desired import git_values  # takes long, and few specs name values of others

        commit = next((each for each in self.used if each.name == key.name), None)
        commit = commit or await self._followed(key)
        if commit is None:
            return None
        try:
            content = await self._content(commit)
            source = revision_source.of_commit(content, commit.commit, commit.url, ".")
            found = await git_values.file_of(source.files, source.head, path)
        except (SourceError, SpecError) as error:
            raise SourceError(error.reason, f"{where}: GitRepository {key}: {error.message}") from error
        return GitValuesFile(found, commit)

    async def _followed(self, key: Key) -> ValuesCommit | None:
        """Return the commit that a GitRepository has observed last."""
        found = (
            await self.client.found(gitrepository.RESOURCE.path(key.namespace, key.name))
            if self.client
            else None
        )
        if found is None:
            return None
        other = gitrepository.identify(found)
        sha = str((other.status.get("commit") or {}).get("observed") or "")
        if not sha:
            raise SourceError(Reason.REF_NOT_FOUND, f"GitRepository {key} has observed no commit yet")
        return ValuesCommit(name=key.name, url=str(other.raw_spec.get("url") or ""), ref="", commit=sha)

    async def _content(self, commit: ValuesCommit) -> GitContent:
        for repo in self.repos:
            named = await git_search.clone(repo, dict(os.environ))
            if await named.has(commit.commit):
                return named
        found = await git_search.find(GitSearch.here(commit.url, commit.commit, offline=self.offline))
        if found.content is None or not await found.content.has(commit.commit):
            message = found.missing or f"{commit.url}: commit {commit.commit[:7]} is not here"
            raise SourceError(Reason.GIT_UNAVAILABLE, message)
        return found.content


def used(repository: GitRepository) -> tuple[ValuesCommit, ...]:
    """Return the commits of other repositories that a status names."""
    return value_sources.parse(repository.status)


@dataclass(slots=True, kw_only=True)
class _Readable:
    """Finds which of the places that a spec refers to one user may read; `missing` says in sentences which not."""

    key: Key
    client: Client
    values: UserValues
    missing: list[str] = field(default_factory=list)

    async def helm(self, sources: Iterable[HelmValuesSource]) -> tuple[HelmValuesSource, ...]:
        return tuple([each for each in sources if await self._is_readable(each)])

    async def substitute(self, given: Substitute) -> Substitute:
        kept = tuple(
            [each for each in given.sources if await self.has(each.kind, each.name, "spec.substitute")]
        )
        return given if len(kept) == len(given.sources) else replace(given, sources=kept, strict=False)

    async def has(self, kind: ValuesKind, name: str, where: str) -> bool:
        try:
            await named_values.read(self.client, kind, self.key.namespace, name)
        except ApiError as error:
            if error.code != _FORBIDDEN:
                raise
            self.missing.append(f"you may not read {kind} {self.key.namespace}/{name} ({where})")
            return False
        return True

    async def _is_readable(self, source: HelmValuesSource) -> bool:
        where = "spec.helm.valuesFrom"
        if source.kind:
            return await self.has(source.kind, source.name, where)
        try:
            await self.values.read(Key(self.key.namespace, source.name), source.key, where)
        except (SourceError, ClusterError) as error:
            self.missing.append(error.message)
            return False
        return True


async def layers_without_cluster(
    key: Key, spec: Spec, values: UserValues
) -> tuple[tuple[NamedLayer, ...], tuple[ValuesCommit, ...], Sequence[str]]:
    """Return the values of other repositories, their commits, and in sentences which values are not known.

    Raises:
        SourceError: one cannot be read.
    """
    missing = [
        f"{each.kind} {key.namespace}/{each.name} (spec.helm.valuesFrom) is in the cluster: rendered without it"
        for each in spec.helm.sources
        if each.kind
    ]
    found: list[HelmValuesSource] = []
    for each in spec.helm.sources:
        if each.kind:
            continue
        try:
            await values.read(Key(key.namespace, each.name), each.key, "spec.helm.valuesFrom")
        except SourceError as error:
            missing.append(f"{error.message}: rendered without it")
        else:
            found.append(each)
    layers, commits = await release_values.layers(key, found, _nothing_named, values.read)
    return layers, commits, missing


async def _nothing_named(_key: Key, _kind: ValuesKind, _name: str, _where: str) -> None:
    return None


async def readable(key: Key, spec: Spec, client: Client, values: UserValues) -> tuple[Spec, Sequence[str]]:
    """Return a spec that refers only to what the user may read, and in sentences what they may not.

    Args:
        key: the repository.
        spec: what it says.
        client: asks with the rights of the user.
        values: reads files of other repositories.

    Raises:
        ClusterError: the API server gives no answer.
    """
    asked = _Readable(key=key, client=client, values=values)
    secret = spec.decryption_secret
    if secret and not await asked.has(ValuesKind.SECRET, secret, "spec.decryption"):
        secret = ""
    substitute = await asked.substitute(spec.substitute) if spec.substitute else None
    helm = replace(spec.helm, sources=await asked.helm(spec.helm.sources))
    return replace(spec, decryption_secret=secret, substitute=substitute, helm=helm), tuple(asked.missing)
