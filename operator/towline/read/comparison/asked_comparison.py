"""Compare a revision with a cluster, or with the last record, as a user asks for it."""

from __future__ import annotations

import secrets
from dataclasses import replace

from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
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
from towline.reconcile.values.treatments import Treated


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
    async with online.finder.chosen(observed, repository.applied) as chosen:
        begun = _begun(repository.key, chosen)
        try:
            findings = await online.findings(chosen.revision, chosen.folder, chosen.sha)
        except BuildError as error:
            return replace(begun, refused=error.failures)
    return _ended(begun, findings.compared, findings.notes)


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
        found = renderer.lines(chosen.folder, after).located(found)
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
