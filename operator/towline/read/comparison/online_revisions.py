"""Render revisions of one repository, and run them as dry runs in a cluster, with the rights of the user."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from towline import text
from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.api.schema import Schema
from towline.errors import BuildError, Failure, Reason, SourceError, SpecError
from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.model import Manifest, ObjectRef, Revision
from towline.plan import ownership
from towline.read.cluster import Cluster
from towline.read.comparison import read_revisions, recorded_objects
from towline.read.comparison.declared_revision import DeclaredRevision
from towline.read.comparison.dry_run import DryRun, DryRunFindings
from towline.read.comparison.read_revisions import ReadRevisions, RevisionTools
from towline.read.comparison.revision_choice import RevisionChoice, RevisionFinder
from towline.read.revisions.revision_source import RevisionSource
from towline.render.offline.offline_tools import OfflineTools


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedComparison:
    """What is compared: the revision, what renders it, and the CRD by which a spec is checked."""

    choice: RevisionChoice
    tools: OfflineTools
    against: Schema


class OnlineRevisions:
    """Revisions of one repository, and what applying them would do.

    Args:
        cluster: as the user may see it; its client must not write.
        repository: as it is stored.
        finder: finds revisions in Git.
        read: renders them.
    """

    def __init__(
        self, cluster: Cluster, repository: GitRepository, finder: RevisionFinder, read: ReadRevisions
    ) -> None:
        self.finder = finder
        self.mask = Mask(secrets.token_bytes(32), read.hidden)
        self._cluster = cluster
        self._repository = repository
        self._spec = read.renderer.spec
        self._read = read

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user may not read of what revisions are made of."""
        return self._read.told

    @classmethod
    async def opened(
        cls, cluster: Cluster, repository: GitRepository, asked: AskedComparison
    ) -> OnlineRevisions:
        """Read what the spec refers to: variables, keys and values, as far as the user may.

        Raises:
            SpecError: the spec has an error.
            SourceError: something that it refers to is missing, or cannot be used.
            ClusterError: the API server gives no answer.
        """
        spec = gitrepository.specify(repository, asked.against)
        choice = asked.choice
        by = RevisionTools(tools=asked.tools, repos=choice.repos, offline=choice.offline)
        read = await read_revisions.opened(cluster, repository, spec, by, HiddenValues())
        return cls(cluster, repository, RevisionFinder(spec, asked.choice), read)

    async def findings(self, revision: Revision, source: RevisionSource) -> DryRunFindings:
        """Return what applying a revision would do.

        Where values are not known, it is compared with the applied commit without them: what they set is equal then.

        Raises:
            BuildError: with every error of every file.
            SourceError, SpecError: it cannot be rendered here.
            ClusterError: the API server gives no answer.
        """
        found = await self.declared(source)
        findings = await (self._without_values(found) if self._read.missing else self._run(revision, found))
        lines = self._read.renderer.lines(source, found)
        return replace(
            findings,
            compared=await lines.located(findings.compared),
            notes=(*self.notes, *findings.notes),
        )

    async def declared(self, source: RevisionSource, *, was_applied: bool = False) -> DeclaredRevision:
        """Return what a revision declares; what is secret of it is masked from then on.

        Raises:
            BuildError: with every error of every file.
            SourceError, SpecError: it cannot be rendered here.
            ClusterError: the API server gives no answer.
        """
        found = await self._read.renderer.render(source, was_applied=was_applied)
        self._read.learn(found)
        return found

    async def place(self, sha: str, name: str, field: str) -> tuple[str, int] | None:
        """Return the file and line of one field of an object in an applied commit; None where they are unknown.

        Raises:
            BuildError: with every error of every file.
            SourceError, SpecError: it cannot be rendered here.
            ClusterError: the API server gives no answer.
        """
        source = await self.finder.of(sha)
        if source is None:
            return None
        found = await self.declared(source, was_applied=True)
        return await self._read.renderer.lines(source, found).place(name, field)

    async def refused(self, sha: str) -> tuple[Failure, ...] | None:
        """Return what would be refused of a commit; None where Git does not have it here.

        Raises:
            SourceError, SpecError: it cannot be rendered here.
            ClusterError: the API server gives no answer.
        """
        source = await self.finder.of(sha)
        if source is None:
            return None
        revision = (await self.finder.revisions((sha,)))[sha]
        try:
            return (await self.findings(revision, source)).compared.refused
        except BuildError as error:
            return error.failures

    async def _run(self, revision: Revision, found: DeclaredRevision) -> DryRunFindings:
        run = DryRun(
            cluster=self._cluster,
            repository=self._repository,
            spec=self._spec,
            mask=self.mask,
            applied=self._applied,
            moment=text.timestamp(datetime.now(UTC)),
        )
        return await run.run(revision, found)

    async def _without_values(self, found: DeclaredRevision) -> DryRunFindings:
        before = await self._applied()
        if before is None:
            message = f"{self.notes[0]}, and the applied commit cannot be rendered without it either"
            raise SourceError(Reason.AUTH_CONFIG_INVALID, message)
        policy = replace(ownership.policy(self._repository), prune=self._spec.prune, gated=False)
        compared = recorded_objects.compare(before, found.declared, policy, found.sha, self.mask)
        note = "compared with what the applied commit declares, without these values and without a dry run"
        refused = (*found.failures, *compared.refused)
        return DryRunFindings(compared=compared._replace(refused=refused), notes=(note,))

    async def _applied(self) -> Mapping[ObjectRef, Manifest] | None:
        """Return what the applied commit declares; None where it cannot be read or rendered here."""
        try:
            source = await self.finder.of(self._repository.applied)
            return (await self.declared(source, was_applied=True)).declared if source else None
        except (BuildError, SourceError, SpecError):
            return None
