"""Render revisions of one repository, and run them as dry runs in a cluster, with the rights of the user."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from towline import text
from towline.api import gitrepository
from towline.api.gitrepository import GitRepository, Spec
from towline.api.schema import Schema
from towline.errors import BuildError, Failure, Reason, SourceError
from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.model import Key, Manifest, ObjectRef, Revision
from towline.read.cluster import Cluster
from towline.read.comparison.declared_revision import DeclaredRevision, RevisionRenderer
from towline.read.comparison.dry_run import DryRun, DryRunFindings
from towline.read.comparison.revision_choice import RevisionChoice, RevisionFinder
from towline.reconcile.values.release_values import GitValuesFile
from towline.reconcile.values.treatments import Treated, Treatments
from towline.render.offline.offline_units import OfflineTools


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
        spec: what it says.
        finder: finds revisions in Git.
        renderer: renders them.
        hiding: what is secret, and what learns that.
    """

    def __init__(  # noqa: PLR0913  what is asked, for whom, and by which tools
        self,
        *,
        cluster: Cluster,
        repository: GitRepository,
        spec: Spec,
        finder: RevisionFinder,
        renderer: RevisionRenderer,
        hiding: _Hiding,
    ) -> None:
        self.finder = finder
        self.mask = hiding.mask
        self._cluster = cluster
        self._repository = repository
        self._spec = spec
        self._renderer = renderer
        self._hiding = hiding

    @classmethod
    async def opened(
        cls, cluster: Cluster, repository: GitRepository, asked: AskedComparison
    ) -> OnlineRevisions:
        """Read what the spec refers to: variables, keys and values.

        Raises:
            SpecError: the spec has an error.
            SourceError: something that it refers to is missing, or cannot be used.
            ClusterError: the API server gives no answer, or the user may not read it.
        """
        spec = gitrepository.specify(repository, asked.against)
        hidden = HiddenValues()
        treatments = _treatments(cluster, hidden)
        treated = await treatments.read(repository.key, spec)
        return cls(
            cluster=cluster,
            repository=repository,
            spec=spec,
            finder=RevisionFinder(spec, asked.choice),
            renderer=RevisionRenderer(
                key=repository.key,
                spec=spec,
                treated=treated,
                tools=asked.tools,
                discovery=cluster.discovery,
            ),
            hiding=_Hiding(treatments, treated, Mask(secrets.token_bytes(32), hidden)),
        )

    async def findings(self, revision: Revision, folder: Path, sha: str) -> DryRunFindings:
        """Return what applying a revision would do.

        Raises:
            BuildError: with every error of every file.
            SourceError: it cannot be rendered here.
            ClusterError: the API server gives no answer.
        """
        found = await self.declared(folder, sha)
        findings = await self._run(revision, found)
        return replace(findings, compared=self._renderer.lines(folder, found).located(findings.compared))

    async def declared(self, folder: Path, sha: str) -> DeclaredRevision:
        """Return what a revision declares; what is secret of it is masked from then on.

        Raises:
            BuildError: with every error of every file.
            SourceError: it cannot be rendered here.
            ClusterError: the API server gives no answer.
        """
        found = await self._renderer.render(folder, sha)
        self._hiding.learn(found)
        return found

    async def refused(self, sha: str) -> tuple[Failure, ...] | None:
        """Return what would be refused of a commit; None where Git does not have it here.

        Raises:
            SourceError: it cannot be rendered here.
            ClusterError: the API server gives no answer.
        """
        async with self.finder.of(sha) as folder:
            if folder is None:
                return None
            revision = (await self.finder.revisions((sha,)))[sha]
            try:
                return (await self.findings(revision, folder, sha)).compared.refused
            except BuildError as error:
                return error.failures

    async def _run(self, revision: Revision, found: DeclaredRevision) -> DryRunFindings:
        run = DryRun(
            client=self._cluster.client,
            discovery=self._cluster.discovery,
            repository=self._repository,
            spec=self._spec,
            mask=self.mask,
            applied=self._applied,
            moment=text.timestamp(datetime.now(UTC)),
        )
        return await run.run(revision, found)

    async def _applied(self) -> Mapping[ObjectRef, Manifest] | None:
        """Return what the applied commit declares; None where it cannot be read or rendered here."""
        sha = self._repository.applied
        try:
            async with self.finder.of(sha) as folder:
                return (await self.declared(folder, sha)).declared if folder else None
        except (BuildError, SourceError):
            return None


@dataclass(frozen=True, slots=True)
class _Hiding:
    """What is told which values of a repository are secret, and the mask that then hides them."""

    treatments: Treatments
    treated: Treated
    mask: Mask

    def learn(self, found: DeclaredRevision) -> None:
        self.treatments.learn(self.treated, found.declared.values())


def _treatments(cluster: Cluster, hidden: HiddenValues) -> Treatments:
    """Return what reads the variables, keys and values of a spec with the rights of the user."""
    return Treatments(
        cluster.client,
        secret=secrets.token_bytes(32),
        own_keys=("", ""),
        hidden=hidden,
        git=_no_other_repository,
        find_sops=lambda: None,  # it is found where a folder is rendered
    )


async def _no_other_repository(key: Key, _path: str, field: str) -> GitValuesFile | None:
    message = f"{field}: values of GitRepository {key} are not read here: set spec.mode to Observe instead"
    raise SourceError(Reason.INVALID_SPEC, message)
