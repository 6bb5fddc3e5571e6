"""What follows the first sync: a pass with nothing new, and a commit that changes one object among 1,000."""

from __future__ import annotations

from dataclasses import dataclass

from e2e.bench import counting, load, rows
from e2e.bench.rig import Reading, Rig
from e2e.bench.rows import Section, Unit
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository

OBJECTS = 1000
COLOURS = ("red", "green", "yellow", "violet", "white")
PASSES = 20
LIVE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One commit that changes one object: seconds from `head moved` to its write, and what was asked for it."""

    live: float
    requests: int
    about_objects: int
    used: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Some passes that find nothing new; `echoes` are the writes that only tell that a pass was asked for."""

    used: Reading
    about_objects: int
    writes: int
    echoes: int


def measure(rig: Rig) -> tuple[Section, ...]:
    """Sync once, then look again and again, then change one object in each of some commits."""
    files = load.mixed(OBJECTS)
    repo, sha = rig.repo(files)
    with rig.operator() as operator, rig.repository(repo, interval="10m", preflight=True) as repository:
        rig.synced(operator, repository, sha)
        rig.say(f"{PASSES} passes with nothing new")
        quiet = _quiet(rig, operator, repository)
        rig.say(f"{len(COLOURS)} commits that change one object")
        path = load.first_map(files)
        changes = []
        for colour in COLOURS:
            before, mark, logged = rig.reading(operator), rig.plane.audit.mark(), operator.mark()
            sha = repo.commit(load.changed(path, colour))
            repository.annotate(reconcile=sha)
            repository.until_applied(sha)
            rig.rest(operator)
            used, events = rig.reading(operator) - before, rig.events(mark)
            moved = counting.seconds(operator.wait_for_log("head moved", mark=logged)["timestamp"])
            changes.append(
                Change(
                    live=counting.moment(counting.applies(events)[-1]) - moved,
                    requests=len(counting.asked(events)),
                    about_objects=len(counting.about_objects(events)),
                    used=used,
                )
            )
    return _quietly(quiet), _changed(changes)


def _quiet(rig: Rig, operator: Operator, repository: Repository) -> Quiet:
    rig.calm(operator)
    status = repository.status()
    before, mark = rig.reading(operator), rig.plane.audit.mark()
    for number in range(PASSES):
        repository.annotate(reconcile=f"pass {number}")
        rig.rest(operator)
    events = rig.events(mark)
    echoes = len(counting.echoes(events, status))
    return Quiet(
        used=rig.reading(operator) - before,
        about_objects=len(counting.about_objects(events)),
        writes=sum(event.writes for event in counting.asked(events)) - echoes,
        echoes=echoes,
    )


def _quietly(quiet: Quiet) -> Section:
    each = 1000 / PASSES
    return Section(
        title=f"A pass with nothing new, {OBJECTS:,} objects (of {PASSES}, each with a look at Git)",
        rows=(
            rows.Row(what="requests about objects, in all of them", value=quiet.about_objects, at_most=0),
            rows.Row(what="writes beside the echo of what asked for them", value=quiet.writes, at_most=0),
            rows.Row(what="echoes of what asked for them, in the status", value=quiet.echoes),
            rows.Row(
                what="operator CPU a pass, git included",
                value=quiet.used.operator.total * each,
                unit=Unit.MILLISECONDS,
            ),
            rows.Row(
                what="of this by git", value=quiet.used.operator.children * each, unit=Unit.MILLISECONDS
            ),
        ),
    )


def _changed(changes: list[Change]) -> Section:
    return Section(
        title=f"A commit that changes one object among {OBJECTS:,}, with preflight",
        rows=(
            rows.median(
                "from `head moved` until it is live",
                [one.live for one in changes],
                Unit.SECONDS,
                at_most=LIVE_SECONDS,
            ),
            rows.median("requests about objects", [one.about_objects for one in changes]),
            rows.median("requests of all kinds", [one.requests for one in changes]),
            rows.median(
                "operator CPU, git included",
                [one.used.operator.total * 1000 for one in changes],
                Unit.MILLISECONDS,
            ),
        ),
    )
