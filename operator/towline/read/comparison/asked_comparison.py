"""Compare a revision with a cluster, or with the last record, as a user asks for it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from towline import text
from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.api.schema import Schema
from towline.errors import BuildError, Reason, SourceError
from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.model import Key, Manifest, ObjectRef
from towline.plan import ownership
from towline.read.cluster import Cluster
from towline.read.comparison import recorded_objects
from towline.read.comparison.compared import Comparison
from towline.read.comparison.declared_revision import RevisionRenderer
from towline.read.comparison.dry_run import DryRun
from towline.read.comparison.recorded_objects import Compared
from towline.read.comparison.revision_choice import ChosenRevision, RevisionChoice, RevisionFinder
from towline.reconcile.values.release_values import GitValuesFile
from towline.reconcile.values.treatments import Treated, Treatments
from towline.render.offline.offline_units import OfflineTools


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedComparison:
    """What is compared: the revision, what renders it, and the CRD by which a spec is checked."""

    choice: RevisionChoice
    tools: OfflineTools
    against: Schema


async def with_cluster(cluster: Cluster, name: str, asked: AskedComparison) -> Comparison:
    """Return what applying a revision would do to a cluster, by reads and dry runs alone.

    Args:
        cluster: as the user may see it; its client must not write.
        name: of the GitRepository.
        asked: what is compared.

    Raises:
        TowlineError: an error that leaves nothing to compare.
    """
    repository = await cluster.repository(name)
    spec = gitrepository.specify(repository, asked.against)
    hidden = HiddenValues()
    treatments = _treatments(cluster, hidden)
    treated = await treatments.read(repository.key, spec)
    renderer = RevisionRenderer(
        key=repository.key, spec=spec, treated=treated, tools=asked.tools, discovery=cluster.discovery
    )
    finder = RevisionFinder(spec, asked.choice)
    observed = (repository.status.get("commit") or {}).get("observed", "")
    async with finder.chosen(observed, repository.applied) as chosen:
        begun = _begun(repository.key, chosen)
        try:
            found = await renderer.render(chosen.folder, chosen.sha)
        except BuildError as error:
            return replace(begun, refused=error.failures)
        treatments.learn(treated, found.declared.values())
        run = DryRun(
            client=cluster.client,
            discovery=cluster.discovery,
            repository=repository,
            spec=spec,
            mask=Mask(secrets.token_bytes(32), hidden),
            applied=partial(_applied, finder, renderer, repository.applied),
            moment=text.timestamp(datetime.now(UTC)),
        )
        findings = await run.run(chosen.revision, found)
    return _ended(begun, findings.compared, findings.notes)


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


async def _applied(
    finder: RevisionFinder, renderer: RevisionRenderer, sha: str
) -> Mapping[ObjectRef, Manifest] | None:
    """Return what the applied commit declares; None where Git does not have it here."""
    async with finder.of(sha) as folder:
        return (await renderer.render(folder, sha)).declared if folder else None


async def with_record(
    repository: GitRepository, treated: Treated, applied: str, asked: AskedComparison
) -> Comparison:
    """Return what a revision declares otherwise than the commit that a record calls applied, without a cluster.

    Args:
        repository: from a file.
        treated: the variables and keys that its spec refers to.
        applied: the commit of the last record.
        asked: what is compared.

    Raises:
        TowlineError: an error that leaves nothing to compare.
    """
    spec = gitrepository.specify(repository, asked.against)
    hidden = HiddenValues()
    renderer = RevisionRenderer(key=repository.key, spec=spec, treated=treated, tools=asked.tools)
    finder = RevisionFinder(spec, asked.choice)
    async with finder.of(applied) as folder, finder.chosen(applied, applied) as chosen:
        if folder is None:
            message = (
                f"Git does not have commit {applied[:7]}, which the last record calls applied: run git fetch"
            )
            raise SourceError(Reason.GIT_UNAVAILABLE, message)
        begun = _begun(repository.key, chosen)
        before = await renderer.render(folder, applied)
        try:
            after = await renderer.render(chosen.folder, chosen.sha)
        except BuildError as error:
            return replace(begun, refused=error.failures)
    for each in (before, after):
        hidden.learn(repository.key, treated.secret_texts, each.declared.values())
    policy = replace(ownership.policy(repository), prune=spec.prune, gated=False)
    mask = Mask(secrets.token_bytes(32), hidden)
    found = recorded_objects.compare(before.declared, after.declared, policy, after.sha, mask)
    note = f"compared with commit {applied[:7]} of the last record: what changed in the cluster since is not known"
    return _ended(begun, found, (note,))


def _ended(begun: Comparison, found: Compared, notes: tuple[str, ...]) -> Comparison:
    return replace(
        begun,
        changes=found.changes,
        refused=found.refused,
        blocked=found.blocked,
        notes=(*begun.notes, *notes),
    )


def _begun(key: Key, chosen: ChosenRevision) -> Comparison:
    notes = (chosen.note,) if chosen.note else ()
    return Comparison(repository=key, target=chosen.title, sha=chosen.sha, notes=notes)


async def _no_other_repository(key: Key, _path: str, field: str) -> GitValuesFile | None:
    message = f"{field}: values of GitRepository {key} are not read here: set spec.mode to Observe instead"
    raise SourceError(Reason.INVALID_SPEC, message)
