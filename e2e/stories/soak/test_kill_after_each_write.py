"""A process that dies right after any one write of a sync leaves nothing that its next start does not finish."""

from __future__ import annotations

from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.scenes import killed_syncs
from e2e.scenes.mixed_commits import Step, Steps
from e2e.soak.effort import Effort


def test_a_kill_after_each_write_of_a_sync_ends_where_no_kill_would_have(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    namespace: str,
    calm_namespace: str,
    effort: Effort,
) -> None:
    begun = Step(number=0)
    sha = repo.commit(begun.files())
    calm = Steps.begun(cluster, repo, calm_namespace, begun, sha)
    torn = Steps.begun(cluster, repo, namespace, begun, sha)
    mark = audit.mark()
    waiting: list[int] | None = None
    number = 0
    while waiting is None or waiting:
        number += 1
        step = Step(number=number)
        sha = repo.commit(step.files())
        (expected,), (writes,) = killed_syncs.undisturbed(calm, [(step, sha)], proxy, writes_of_a_sync)
        if waiting is None:
            waiting = chosen(effort, writes)
        after = waiting.pop()
        with effort.point(f"write {after + 1} of {writes} of commit {number}"):
            gate = proxy.hold(after, acted=True, about=writes_of_a_sync)
            torn.take(step, sha)
            killed_syncs.killed(behind, proxy, torn.repository, sha, gate)
            assert torn.orphans() == []
            behind.start()
            torn.repository.until_ready(sha, deadline=60)
            assert not (difference := killed_syncs.difference(expected, torn.state())), difference
            assert killed_syncs.deleted_twice(audit, mark) == []
    killed_syncs.check_history(cluster.kubectl, torn.repository)
    assert killed_syncs.unrecorded(audit, mark, torn.repository) == []


def chosen(effort: Effort, writes: int) -> list[int]:
    """Return after which writes to kill: after each, or after as many of them as the effort allows."""
    return effort.chance().sample(range(writes), min(effort.size, writes))


def writes_of_a_sync(request: Request) -> bool:
    """Mean what a sync writes: objects, its record and the status; not the lease, nor Events."""
    return killed_syncs.about_objects(request) and request.writes and not about_itself(request)


def about_itself(request: Request) -> bool:
    return request.of("leases") or request.of("events")
