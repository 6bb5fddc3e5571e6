"""What a sync's record must say of its why and whence, put together from what a pass has found out."""

from __future__ import annotations

from towline.api.gitrepository import GitRepository, Spec
from towline.api.syncrecord import Ending, Flag, RecordedRepository, Trigger
from towline.model import Plan, Revision
from towline.plan.stamp import Identity
from towline.reconcile.desired import CommitReader, Head
from towline.reconcile.executor import Executor
from towline.reconcile.sync import SyncRequest
from towline.records.newest import NewestSync


class SyncRequests:
    """Writes orders for plans.

    Args:
        source: knows the commits between two.
        syncs: knows what the newest record says.
    """

    def __init__(self, source: CommitReader, executor: Executor) -> None:
        self._source = source
        self._executor = executor

    async def order(  # noqa: PLR0913  for whom, from which commit, what and why
        self,
        repository: GitRepository,
        spec: Spec,
        *,
        head: Head,
        revision: Revision,
        plan: Plan,
        trigger: Trigger,
    ) -> SyncRequest:
        """Order a plan to be carried out, with all that its record tells.

        Raises:
            SourceError: the mirror could not be read.
            ClusterError: the newest record could not be read.
        """
        identity = Identity(key=repository.key, uid=repository.uid)
        newest = await self._executor.newest(identity)
        base = _base(newest)
        history = await self._source.history(head, base)
        return SyncRequest(
            subject=RecordedRepository(
                namespace=repository.key.namespace,
                name=repository.key.name,
                uid=repository.uid,
                url=spec.url,
                path=spec.path,
            ),
            identity=identity,
            revision=revision,
            plan=plan,
            trigger=trigger,
            source=base,
            commits=history.revisions,
            commits_total=history.total,
            flags=(Flag.HISTORY_REWRITTEN,) if history.rewritten else (),
            preflight=spec.preflight,
            force=spec.force,
            adopt=spec.adopt,
            foreign=spec.foreign_fields,
        )


def _base(newest: NewestSync | None) -> str:
    """Return the commit that the next record begins at.

    That is the last one that a record calls applied, or that a newer one took over from: its commits are told.
    """
    if newest is None:
        return ""
    return newest.target if newest.ending in {Ending.SUCCEEDED, Ending.SUPERSEDED} else newest.source
