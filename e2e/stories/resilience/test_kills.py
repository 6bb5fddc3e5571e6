"""A process that is killed at any moment of a sync leaves nothing that its next start does not put in order."""

from __future__ import annotations

import difflib
import os
import random
import re
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from e2e.faults.gate import Gate
from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness import identity, repositories
from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Cluster, Kubectl
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects
from e2e.scenes.mixed_commits import Step, Steps

KILLS = 20
REPAIRS = 4
AGAIN = 5
"""After how many of the kills the operator is killed once more, while it puts things in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When the process dies: while so many requests of the sync are answered, and whether one more has its effect.

    `again` is the same for the start after that; None where that one may finish.
    """

    after: int
    acted: bool
    again: int | None

    def gate(self, proxy: Proxy) -> Gate:
        return proxy.hold(self.after, acted=self.acted, about=about_objects)


def about_objects(request: Request) -> bool:
    """Mean what a sync asks; watches, and what is asked at every start, come when they come."""
    return "namespaces" in request.path.split("/") and not request.watches


def moments(chance: random.Random, lengths: list[int]) -> list[Moment]:
    """Choose one moment for each sync, given how many requests it takes: each twentieth of a sync has one."""
    parts = list(range(len(lengths)))
    chance.shuffle(parts)
    once_more = set(chance.sample(parts, AGAIN))
    return [
        Moment(
            after=int((part + chance.random()) / len(lengths) * length),
            acted=chance.random() < 0.5,
            again=int(chance.random() * length) if part in once_more else None,
        )
        for part, length in zip(parts, lengths, strict=True)
    ]


@pytest.fixture
def seed() -> int:
    """What the moments are chosen by: TOWLINE_SEED, or chance."""
    return int(os.environ.get("TOWLINE_SEED", secrets.randbelow(2**32)))


@pytest.fixture
def calm_namespace(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A second namespace."""
    name = f"{namespace}-calm"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    repositories.abandon(cluster, name)
    cluster.delete("v1", "Namespace", name)


def test_twenty_kills_at_random_moments_of_syncs_end_where_no_kill_would_have(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    namespace: str,
    calm_namespace: str,
    seed: int,
) -> None:
    steps = [Step(number=number) for number in range(KILLS + 1)]
    commits = [(step, repo.commit(step.files())) for step in steps]
    calm = Steps.begun(cluster, repo, calm_namespace, *commits[0])
    torn = Steps.begun(cluster, repo, namespace, *commits[0])
    expected, lengths = undisturbed(calm, commits[1:], proxy)

    chosen = moments(random.Random(seed), lengths)  # noqa: S311  repeatable, not secret
    mark = audit.mark()
    for (step, sha), moment, end in zip(commits[1:], chosen, expected, strict=True):
        told = f"TOWLINE_SEED={seed}, step {step.number}, {moment}"
        gate = moment.gate(proxy)
        torn.take(step, sha)
        killed(behind, proxy, torn.repository, sha, gate)
        assert torn.orphans() == [], told
        if moment.again is not None:
            gate = proxy.hold(moment.again, acted=not moment.acted, about=about_objects)
            behind.start()
            killed(behind, proxy, torn.repository, sha, gate)
        behind.start()
        torn.repository.until_ready(sha)
        assert not (difference := _difference(end, torn.state())), f"{told}:\n{difference}"
    assert deleted_twice(audit, mark) == [], f"TOWLINE_SEED={seed}"
    check_history(cluster.kubectl, torn.repository)
    assert unrecorded(audit, mark, torn.repository) == [], f"TOWLINE_SEED={seed}"


def test_kills_in_the_middle_of_repairs_end_where_no_kill_would_have(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    namespace: str,
    calm_namespace: str,
    seed: int,
) -> None:
    step = Step(number=0)
    sha = repo.commit(step.files())
    calm = Steps.begun(cluster, repo, calm_namespace, step, sha)
    torn = Steps.begun(cluster, repo, namespace, step, sha)
    before = len(proxy.seen)
    calm.deviate()
    eventually(lambda: not calm.deviations() and calm.settled(), deadline=30, message="the repairs")
    expected = calm.state()
    length = sum(about_objects(seen.request) for seen in proxy.seen[before:])

    chance = random.Random(seed)  # noqa: S311  repeatable, not secret
    mark = audit.mark()
    for part in range(REPAIRS):
        after = int((part + chance.random()) / REPAIRS * length)
        gate = proxy.hold(after, acted=part % 2 == 0, about=about_objects)
        killed_in_repairs(behind, proxy, torn, gate)
        torn.repository.until_ready(sha)
        until_equal(torn, expected, f"TOWLINE_SEED={seed}, after {after} of {length} requests")
    check_history(cluster.kubectl, torn.repository)
    assert unrecorded(audit, mark, torn.repository) == [], f"TOWLINE_SEED={seed}"


def killed_in_repairs(operator: Operator, proxy: Proxy, course: Steps, gate: Gate) -> None:
    """Kill the operator while it repairs what was done by hand, and let the next start finish that."""
    course.deviate()
    eventually(lambda: gate.reached(0) or not course.deviations(), deadline=30, message="the repairs")
    operator.kill()
    proxy.mend()
    operator.start()
    eventually(lambda: not course.deviations(), deadline=30, message="the repairs of the next start")


def until_equal(course: Steps, expected: str, told: str) -> None:
    """Wait until a course is as another one: what is left of rivals is taken away after the repairs."""
    eventually(
        lambda: course.state() == expected,
        deadline=30,
        poll=0.5,
        message=lambda: f"{told}:\n{_difference(expected, course.state())}",
    )


def undisturbed(course: Steps, commits: list[tuple[Step, str]], proxy: Proxy) -> tuple[list[str], list[int]]:
    """Walk a course and return its state after each step, and how many requests each took."""
    states, lengths = [], []
    for step, sha in commits:
        before = len(proxy.seen)
        course.take(step, sha)
        course.repository.until_ready(sha)
        lengths.append(sum(about_objects(seen.request) for seen in proxy.seen[before:]))
        states.append(course.state())
    return states, lengths


def killed(operator: Operator, proxy: Proxy, repository: Repository, sha: str, gate: Gate) -> None:
    """Kill the operator when a request stands at the gate, or when it is done before that."""
    eventually(
        lambda: gate.reached(0) or repository.commit("applied") == sha,
        deadline=30,
        poll=0.002,
        message=lambda: f"the request; the log ends:\n{operator.program.tail()}",
    )
    operator.kill()
    proxy.mend()


def deleted_twice(audit: AuditLog, mark: Mark) -> list[str]:
    """Return the objects whose deletion was accepted more than once, and those that were deleted whatever they were."""
    deletions = [
        event for event in audit.writes(mark, identity.OPERATOR) if event.verb == "delete" and event.succeeded
    ]
    uids = Counter(((event.body or {}).get("preconditions") or {}).get("uid", "") for event in deletions)
    return [uid for uid, times in uids.items() if times > 1 or not uid]


def unrecorded(audit: AuditLog, mark: Mark, repository: Repository) -> list[str]:
    """Return the writes of managed objects that name no record which was there before, and is of their commit."""
    targets = {record["metadata"]["name"]: record["spec"]["to"] for record in repository.records()}
    opened: set[str] = set()
    found = []
    for event in audit.since(mark):
        if event.resource == "syncrecords" and event.code == 201:
            opened.add(event.name)
        if event.user == identity.OPERATOR and event.writes and managed_objects.managed(event, repository):
            named = re.search(r"commit=(\w+); record=([\w-]+)\)", event.user_agent)
            if not named or named[2] not in opened or targets[named[2]] != named[1]:
                found.append(f"{event}: {event.user_agent}")
    return found


def check_history(kubectl: Kubectl, repository: Repository) -> None:
    """Wait until every record is closed, and check that the chain holds."""
    repository.until_closed()
    printed = kubectl("get", "syncrecords", "-n", repository.namespace, "-o", "json")
    verified = subprocess.run(
        [sys.executable, "-m", "towline", "history", "verify"],
        input=printed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout


def _difference(expected: str, found: str) -> str:
    lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), "undisturbed", "killed", n=12)
    return "\n".join(lines)
