"""Other shapes of work, drawn by a seed: spread over namespaces, growing, with a long history."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from e2e.bench import counting, floor, procfs, rows
from e2e.bench.rig import PATIENCE, Reading, Rig
from e2e.bench.rows import Row, Section, Unit
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests, random_spread

FIRST_SYNC = {False: 1.3, True: 2.0}
"""Times the floor, by preflight."""

REQUESTS = 1.02
"""About objects, for each object of a first sync without preflight."""

GROWTH = 1.3
COMMITS = 20
CHANGED_FILES = 6
FLAT_FROM = 0.4
GROWTH_MEBIBYTES = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How much is measured: the objects, over how many namespaces, drawn by which seed."""

    count: int
    namespaces: int = 10
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one commit cost until it was applied: seconds from `head moved` to its last write."""

    seconds: float
    used: Reading
    requests: int


def spread(rig: Rig, work: Workload) -> tuple[Section, ...]:
    """Sync objects that are spread over namespaces for the first time, without and with preflight."""
    return tuple(_first_sync(rig, work, preflight=preflight) for preflight in FIRST_SYNC)


def _first_sync(rig: Rig, work: Workload, *, preflight: bool) -> Section:
    places = {rig.namespace(): rig.namespace() for _ in range(work.namespaces)}
    drawn = random_spread.drawn(work.seed, work.count, tuple(places))
    repo, sha = rig.repo(drawn.files)
    rig.say(f"first sync of {work.count:,} objects in {work.namespaces} namespaces, preflight {preflight}")
    with rig.operator() as operator:
        before, mark = rig.reading(operator), rig.plane.audit.mark()
        with rig.repository(repo, interval="10m", preflight=preflight) as repository:
            rig.synced(operator, repository, sha)
            used, events = rig.reading(operator) - before, rig.events(mark)
        moved = counting.seconds(operator.wait_for_log("head moved")["timestamp"])
    writes = counting.applies(events)
    base = floor.run(rig.plane, list(floor.requests(writes, places)))
    seconds, about = counting.moment(writes[-1]) - moved, len(counting.about_objects(events))
    allowed = None if preflight else REQUESTS
    return Section(
        title=f"First sync of {work.count:,} objects in {work.namespaces} namespaces "
        f"{'with' if preflight else 'without'} preflight, seed {work.seed}",
        rows=(
            Row(
                what="until the last object is written, to the floor",
                value=seconds / base.seconds,
                unit=Unit.TIMES,
                at_most=FIRST_SYNC[preflight],
            ),
            Row(what="until the last object is written", value=seconds, unit=Unit.SECONDS),
            _milliseconds("operator CPU an object", used.operator.total / work.count),
            Row(
                what="requests about objects, for each object",
                value=about / work.count,
                unit=Unit.TIMES,
                at_most=allowed,
            ),
        ),
    )


def growth(rig: Rig, sizes: Sequence[Workload]) -> tuple[Section, ...]:
    """Change one object in each of some commits, in smaller and larger repositories."""
    steps = {work.count: _commits(rig, work) for work in sizes}
    return (
        *(
            Section(
                title=f"A commit that changes one object among {count:,}, seed {sizes[0].seed}",
                rows=(
                    rows.median("until it is live", [one.seconds for one in found], Unit.SECONDS),
                    _milliseconds("operator CPU", _mean(one.used.operator.own for one in found)),
                    _milliseconds("git CPU", _mean(one.used.operator.children for one in found)),
                    rows.median("requests of all kinds", [one.requests for one in found]),
                ),
            )
            for count, found in steps.items()
        ),
        _grown(steps),
    )


def _grown(steps: dict[int, list[Step]]) -> Section:
    smallest, *larger = steps
    live = {count: statistics.median(one.seconds for one in found) for count, found in steps.items()}
    cpu = {count: _mean(one.used.operator.total for one in found) for count, found in steps.items()}
    return Section(
        title=f"The same to a commit among {smallest:,}",
        rows=tuple(
            Row(
                what=f"{what}, {count:,} objects",
                value=found[count] / found[smallest],
                unit=Unit.TIMES,
                at_most=GROWTH,
            )
            for what, found in (("until it is live", live), ("CPU, git included", cpu))
            for count in larger
        ),
    )


def _mean(samples: Iterable[float]) -> float:
    """Return the mean: the kernel counts processor time in ticks of 10 ms, too coarse for a median of few samples."""
    return statistics.fmean(samples)


def _commits(rig: Rig, work: Workload) -> list[Step]:
    drawn = random_spread.drawn(work.seed, work.count, [rig.namespace() for _ in range(work.namespaces)])
    repo, sha = rig.repo(drawn.files)
    rig.say(f"commits that change one object among {work.count:,}")
    path = drawn.maps[len(drawn.maps) // 2]
    steps = []
    with rig.operator() as operator, rig.repository(repo, interval="10m") as repository:
        rig.synced(operator, repository, sha)
        for number in range(COMMITS + 1):
            sha = repo.commit(random_spread.changed(drawn, path, str(number)))
            steps.append(_step(rig, operator, repository, sha))
    return steps[1:]  # the first one judges what the sync has written


def _step(rig: Rig, operator: Operator, repository: Repository, sha: str) -> Step:
    before, mark, logged = rig.reading(operator), rig.plane.audit.mark(), operator.mark()
    repository.annotate(reconcile=sha)
    repository.until_applied(sha, deadline=PATIENCE)
    rig.rest(operator)
    used, events = rig.reading(operator) - before, rig.events(mark)
    moved = counting.seconds(operator.wait_for_log("head moved", mark=logged)["timestamp"])
    last = counting.applies(events)[-1]
    return Step(seconds=counting.moment(last) - moved, used=used, requests=len(counting.asked(events)))


def history(rig: Rig, work: Workload) -> tuple[Section, ...]:
    """Fetch a repository with so many commits for the first time, each of which changed one of its files."""
    drawn = random_spread.drawn(work.seed, 100, [rig.namespace()])
    repo, _ = rig.repo(drawn.files)
    rig.say(f"a history of {work.count:,} commits")
    sha = repo.commits(_changes(drawn, work.count - 1))
    with rig.operator() as operator, rig.repository(repo, interval="10m") as repository:
        before, mark, logged = rig.reading(operator), rig.plane.audit.mark(), operator.mark()
        rig.synced(operator, repository, sha)
        used, events = rig.reading(operator) - before, rig.events(mark)
        moved = counting.seconds(operator.wait_for_log("head moved", mark=logged)["timestamp"])
    return (
        Section(
            title=f"A first fetch of {work.count:,} commits, 100 objects, seed {work.seed}",
            rows=(
                Row(
                    what="from `head moved` until the first object is written",
                    value=counting.moment(counting.applies(events)[0]) - moved,
                    unit=Unit.SECONDS,
                ),
                Row(
                    what="until the status says so",
                    value=counting.moment(counting.applied(events, sha)) - moved,
                    unit=Unit.SECONDS,
                ),
                _milliseconds("operator CPU", used.operator.own),
                _milliseconds("git CPU", used.operator.children),
            ),
        ),
    )


def memory(rig: Rig, work: Workload) -> tuple[Section, ...]:
    """Change six files in each of many commits, and see what the operator keeps of those that are replaced."""
    drawn = random_spread.drawn(work.seed, 100, [rig.namespace()])
    repo, sha = rig.repo(drawn.files)
    rig.say(f"{work.count} commits of {CHANGED_FILES} files")
    held: dict[int, float] = {}
    with rig.operator() as operator, rig.repository(repo, interval="10m") as repository:
        rig.synced(operator, repository, sha)
        for number in range(1, work.count + 1):
            paths = [drawn.maps[(number + step) % len(drawn.maps)] for step in range(CHANGED_FILES)]
            changes = [random_spread.changed(drawn, path, str(number)) for path in paths]
            sha = repo.commit({path: text for change in changes for path, text in change.items()})
            repository.annotate(reconcile=sha)
            repository.until_applied(sha, deadline=PATIENCE)
            held[number] = procfs.resident(operator.program.pid)
    early = max(1, round(work.count * FLAT_FROM))
    return (
        Section(
            title=f"{work.count} commits of {CHANGED_FILES} files among 100 objects, seed {work.seed}",
            rows=(
                Row(what=f"operator after {early} of them (RSS)", value=held[early], unit=Unit.MEBIBYTES),
                Row(
                    what="what it grows by in the others",
                    value=held[work.count] - held[early],
                    unit=Unit.MEBIBYTES,
                    at_most=GROWTH_MEBIBYTES,
                ),
            ),
        ),
    )


def _changes(drawn: random_spread.Spread, count: int) -> Iterator[dict[str, str]]:
    texts = {path: f"{path}.txt" for path in drawn.maps}
    for number in range(count):
        path = drawn.maps[number % len(drawn.maps)]
        if number < len(drawn.maps):
            yield random_spread.changed(drawn, path, str(number))
        else:
            yield {texts[path]: manifests.text({"number": number})}


def _milliseconds(what: str, seconds: float) -> Row:
    return Row(what=what, value=seconds * 1000, unit=Unit.MILLISECONDS)
