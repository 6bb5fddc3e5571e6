"""Compare a revision with a cluster, or with the last record, as a user asks for it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.api.pins import Pin
from towline.api.value_sources import ValuesCommit
from towline.errors import BuildError, Reason, SourceError
from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.model import Key
from towline.plan import ownership
from towline.read.cluster import Cluster
from towline.read.comparison import recorded_objects
from towline.read.comparison.compared import Comparison
from towline.read.comparison.declared_revision import RevisionRenderer
from towline.read.comparison.online_revisions import AskedComparison, OnlineRevisions
from towline.read.comparison.recorded_objects import Compared
from towline.read.comparison.revision_choice import ChosenRevision, RevisionFinder
from towline.read.revisions import user_values
from towline.read.revisions.revision_builds import RevisionBuilds
from towline.read.revisions.user_parts import UserParts
from towline.read.revisions.user_values import UserValues
from towline.reconcile.values.treatments import Treated
from towline.render.variables.treatment import Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCommit:
    """What a record says of the commit that it calls applied: its id, and what it was built on elsewhere."""

    sha: str
    pins: tuple[Pin, ...] = ()
    sources: tuple[ValuesCommit, ...] = ()

    @property
    def short(self) -> str:
        """Its id as people write it."""
        return self.sha[:7]


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
    online = await OnlineRevisions.opened(cluster, repository, asked)
    observed = (repository.status.get("commit") or {}).get("observed", "")
    chosen = await online.finder.chosen(observed, repository.applied)
    begun = _begun(repository.key, chosen)
    try:
        findings = await online.findings(chosen.revision, chosen.source)
    except BuildError as error:
        return replace(begun, refused=error.failures, notes=(*begun.notes, *online.notes))
    return _ended(begun, findings.compared, findings.notes)


async def with_record(
    repository: GitRepository, treatment: Treatment, known: RecordedCommit, asked: AskedComparison
) -> Comparison:
    """Return what a revision declares otherwise than the commit that a record calls applied, without a cluster.

    Args:
        repository: from a file.
        treatment: the variables and keys that its spec refers to.
        known: what the last record says of that commit.
        asked: what is compared.

    Raises:
        TowlineError: an error that leaves nothing to compare.
    """
    hidden = HiddenValues()
    renderer, missing = await _offline(repository, treatment, known, asked, hidden)
    finder = RevisionFinder(renderer.spec, asked.choice)
    source = await finder.of(known.sha)
    if source is None:
        message = (
            f"Git does not have commit {known.short}, which the last record calls applied: run git fetch"
        )
        raise SourceError(Reason.GIT_UNAVAILABLE, message)
    chosen = await finder.chosen(known.sha, known.sha)
    begun = _begun(repository.key, chosen)
    before = await renderer.render(source, was_applied=True)
    try:
        after = await renderer.render(chosen.source)
    except BuildError as error:
        return replace(begun, refused=error.failures)
    for each in (before, after):
        hidden.learn(repository.key, renderer.treated.secret_texts, each.declared.values())
    policy = replace(ownership.policy(repository), prune=renderer.spec.prune, gated=False)
    mask = Mask(secrets.token_bytes(32), hidden)
    found = recorded_objects.compare(before.declared, after.declared, policy, after.sha, mask)
    found = await renderer.lines(chosen.source, after).located(found)
    note = f"compared with commit {known.short} of the last record: what changed in the cluster since is not known"
    return _ended(begun, found, (*missing, note))


async def _offline(
    repository: GitRepository,
    treatment: Treatment,
    known: RecordedCommit,
    asked: AskedComparison,
    hidden: HiddenValues,
) -> tuple[RevisionRenderer, Sequence[str]]:
    """Return what renders revisions without a cluster, and which values are not known then."""
    key, choice = repository.key, asked.choice
    spec = gitrepository.specify(repository, asked.against)
    builds = RevisionBuilds(asked.tools)
    keys = treatment.keys.through(await asyncio.to_thread(builds.find_sops)) if treatment.keys else None
    values = UserValues(used=known.sources, repos=choice.repos, offline=choice.offline)
    layers, sources, missing = await user_values.layers_without_cluster(key, spec, values)
    treated = Treated(
        key=key, treatment=replace(treatment, keys=keys), layers=layers, layers_mark="known", sources=sources
    )
    parts = UserParts(key=key, uid=repository.uid, spec=spec, pins=known.pins, offline=choice.offline)
    hidden.learn(key, treated.secret_texts, ())
    return RevisionRenderer(key=key, spec=spec, treated=treated, builds=builds, parts=parts), missing


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
