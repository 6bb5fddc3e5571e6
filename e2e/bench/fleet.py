"""Many new repositories at once, and the same writes by a bare client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import NamedTuple

from e2e.bench import counting, floor, procfs
from e2e.bench.rig import PATIENCE, Reading, Rig
from e2e.bench.rows import Row, Section, Unit
from e2e.bench.workloads import Workload
from e2e.harness import repositories
from e2e.harness.audit import AuditEvent, Mark
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.waiting import eventually
from e2e.scenes import random_spread

EACH = 4
MILLISECONDS = 40.0
SECONDS = 5.0
"""For 100 repositories."""


class _Made(NamedTuple):
    """What a run left in the logs, and what it used; the servers are the API server and etcd, in seconds of CPU."""

    used: Reading
    servers: float
    events: tuple[AuditEvent, ...]


def measure(rig: Rig, work: Workload) -> tuple[Section, ...]:
    """Make many GitRepositories of a few objects at once, each in a namespace of its own."""
    repos = {}
    for number in range(work.count):
        namespace = rig.namespace()
        repos[namespace] = rig.repo(random_spread.drawn(work.seed + number, EACH, (namespace,)).files)
    places = {namespace: rig.namespace() for namespace in repos}
    rig.say(f"{work.count} new repositories of {EACH} objects")
    made = _make(rig, repos)
    chains = [list(floor.replayed(made.events, *each)) for each in places.items()]
    before = _servers(rig)
    base = floor.replay(rig.plane, chains)
    return (_section(work, made, [sha for _, sha in repos.values()], base, _servers(rig) - before),)


def _make(rig: Rig, repos: Mapping[str, tuple[Repo, str]]) -> _Made:
    wanted = {sha for _, sha in repos.values()}
    with rig.operator() as operator, ExitStack() as left:
        before, servers, mark = rig.reading(operator), _servers(rig), rig.plane.audit.mark()
        for namespace, (repo, _) in repos.items():
            left.callback(repositories.abandon, rig.cluster, namespace)
            repositories.create(rig.cluster, namespace, "app", url=repo.url, interval="10m")
        eventually(
            lambda: wanted <= counting.applied_moments(_rested(rig, operator, mark)).keys(),
            deadline=PATIENCE,
            message="all commits applied",
        )
        used, after = rig.reading(operator) - before, _servers(rig)
        return _Made(used=used, servers=after - servers, events=rig.events(mark))


def _rested(rig: Rig, operator: Operator, mark: Mark) -> tuple[AuditEvent, ...]:
    """Wait until the operator rests, without asking the API server: that would cost what is measured."""
    rig.rest(operator)
    return rig.events(mark)


def _servers(rig: Rig) -> float:
    return sum(procfs.cpu(rig.plane.program(name).pid).total for name in ("kube-apiserver", "etcd"))


def _section(
    work: Workload, made: _Made, shas: Iterable[str], base: floor.Run, base_servers: float
) -> Section:
    first = min(counting.moment(event) for event in made.events if _makes(event))
    applied, each = counting.applied_moments(made.events), 1 / work.count
    seconds = max(applied[sha] for sha in shas) - first
    return Section(
        title=f"{work.count} new repositories of {EACH} objects, seed {work.seed}",
        rows=(
            Row(
                what="until all are applied",
                value=seconds,
                unit=Unit.SECONDS,
                at_most=SECONDS * work.count / 100,
            ),
            Row(what="the same writes by a bare client", value=base.seconds, unit=Unit.SECONDS),
            Row(what="until all are applied, to these", value=seconds / base.seconds, unit=Unit.TIMES),
            _milliseconds(
                "operator and git CPU, a repository", made.used.operator.total * each, MILLISECONDS
            ),
            _milliseconds("of this by git", made.used.operator.children * each),
            _milliseconds("API server and etcd CPU, a repository", made.servers * each),
            _milliseconds("of this the same writes by a bare client", base_servers * each),
            Row(what="requests, a repository", value=len(counting.asked(made.events)) * each),
        ),
    )


def _milliseconds(what: str, seconds: float, at_most: float | None = None) -> Row:
    return Row(what=what, value=seconds * 1000, unit=Unit.MILLISECONDS, at_most=at_most)


def _makes(event: AuditEvent) -> bool:
    return (event.verb, event.resource) == ("create", "gitrepositories")
