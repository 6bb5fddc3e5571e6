"""A process that is killed at any moment of a sync leaves nothing that its next start does not put in order."""

from __future__ import annotations

import random
from dataclasses import dataclass

from e2e.faults.gate import Gate
from e2e.faults.proxy import Proxy
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.waiting import eventually
from e2e.scenes import killed_syncs
from e2e.scenes.mixed_commits import Step, Steps
from e2e.soak.effort import Effort

AGAIN = 4
"""After one of so many kills the operator is killed once more, while it puts things in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When the process dies: while so many requests of the sync are answered, and whether one more has its effect.

    `again` is the same for the start after that; None where that one may finish.
    """

    after: int
    acted: bool
    again: int | None

    def gate(self, proxy: Proxy) -> Gate:
        return proxy.hold(self.after, acted=self.acted, about=killed_syncs.about_objects)


def moments(chance: random.Random, lengths: list[int]) -> list[Moment]:
    """Choose one moment for each sync, given how many requests it takes: each equal part of a sync has one."""
    parts = list(range(len(lengths)))
    chance.shuffle(parts)
    once_more = set(chance.sample(parts, -(-len(parts) // AGAIN)))
    return [
        Moment(
            after=int((part + chance.random()) / len(lengths) * length),
            acted=chance.random() < 0.5,
            again=int(chance.random() * length) if part in once_more else None,
        )
        for part, length in zip(parts, lengths, strict=True)
    ]


def test_kills_at_random_moments_of_syncs_end_where_no_kill_would_have(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    namespace: str,
    calm_namespace: str,
    effort: Effort,
) -> None:
    steps = [Step(number=number) for number in range(effort.size + 1)]
    commits = [(step, repo.commit(step.files())) for step in steps]
    calm = Steps.begun(cluster, repo, calm_namespace, *commits[0])
    torn = Steps.begun(cluster, repo, namespace, *commits[0])
    expected, lengths = killed_syncs.undisturbed(calm, commits[1:], proxy)

    chosen = moments(effort.chance(), lengths)
    mark = audit.mark()
    for (step, sha), moment, end in zip(commits[1:], chosen, expected, strict=True):
        with effort.point(f"step {step.number}, {moment}"):
            gate = moment.gate(proxy)
            torn.take(step, sha)
            killed_syncs.killed(behind, proxy, torn.repository, sha, gate)
            assert torn.orphans() == []
            if moment.again is not None:
                gate = proxy.hold(moment.again, acted=not moment.acted, about=killed_syncs.about_objects)
                behind.start()
                killed_syncs.killed(behind, proxy, torn.repository, sha, gate)
            behind.start()
            torn.repository.until_ready(sha)
            assert not (difference := killed_syncs.difference(end, torn.state())), difference
    assert killed_syncs.deleted_twice(audit, mark) == []
    killed_syncs.check_history(cluster.kubectl, torn.repository)
    assert killed_syncs.unrecorded(audit, mark, torn.repository) == []


def test_kills_in_the_middle_of_repairs_end_where_no_kill_would_have(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    namespace: str,
    calm_namespace: str,
    effort: Effort,
) -> None:
    step = Step(number=0)
    sha = repo.commit(step.files())
    calm = Steps.begun(cluster, repo, calm_namespace, step, sha)
    torn = Steps.begun(cluster, repo, namespace, step, sha)
    before = len(proxy.seen)
    calm.deviate()
    eventually(lambda: not calm.deviations() and calm.settled(), deadline=30, message="the repairs")
    expected = calm.state()
    length = sum(killed_syncs.about_objects(seen.request) for seen in proxy.seen[before:])

    chance = effort.chance()
    mark = audit.mark()
    for part in range(effort.size):
        after = int((part + chance.random()) / effort.size * length)
        with effort.point(f"after {after} of {length} requests"):
            gate = proxy.hold(after, acted=part % 2 == 0, about=killed_syncs.about_objects)
            killed_in_repairs(behind, proxy, torn, gate)
            torn.repository.until_ready(sha)
            until_equal(torn, expected)
    killed_syncs.check_history(cluster.kubectl, torn.repository)
    assert killed_syncs.unrecorded(audit, mark, torn.repository) == []


def killed_in_repairs(operator: Operator, proxy: Proxy, course: Steps, gate: Gate) -> None:
    """Kill the operator while it repairs what was done by hand, and let the next start finish that."""
    course.deviate()
    eventually(lambda: gate.reached(0) or not course.deviations(), deadline=30, message="the repairs")
    operator.kill()
    proxy.mend()
    operator.start()
    eventually(lambda: not course.deviations(), deadline=30, message="the repairs of the next start")


def until_equal(course: Steps, expected: str) -> None:
    """Wait until a course is as another one: what is left of rivals is taken away after the repairs."""
    eventually(
        lambda: course.state() == expected,
        deadline=30,
        poll=0.5,
        message=lambda: killed_syncs.difference(expected, course.state()),
    )
