"""The first sync of 1,000 objects by an operator that has just started, against the floor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from e2e.bench import counting, floor, load, procfs, rows
from e2e.bench.rig import Reading, Rig
from e2e.bench.rows import Row, Section, Unit
from e2e.harness.audit import AuditEvent

OBJECTS = 1000

GOALS = {False: (1.3, 1.0), True: (2.3, 1.6)}
"""By preflight: times the floor, and milliseconds of processor time an object."""

MEMORY = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One first sync. Seconds count from the log line `head moved`: to the last write, and to the status."""

    written: float
    applied: float
    used: Reading
    requests: int
    about_objects: int
    resident: float
    together: float
    floor: floor.Run
    floor_server: float


def measure(rig: Rig, rounds: int) -> tuple[Section, ...]:
    """Alternate syncs without and with preflight, each followed by its floor; the first of all warms the server up."""
    files = load.mixed(OBJECTS)
    rig.say("first sync, not counted: the API server has just begun, too")
    _sample(rig, files, preflight=False)
    samples: dict[bool, list[Sample]] = {False: [], True: []}
    for number in range(rounds):
        for preflight, found in samples.items():
            rig.say(f"first sync, round {number + 1} of {rounds}, preflight {preflight}")
            found.append(_sample(rig, files, preflight=preflight))
    everything = [sample for found in samples.values() for sample in found]
    without, preflighted = (_section(found, preflight=which) for which, found in samples.items())
    return _floor(everything), without, preflighted, _memory(samples)


def _sample(rig: Rig, files: dict[str, str], *, preflight: bool) -> Sample:
    repo, sha = rig.repo(files)
    with rig.operator() as operator:
        before, mark = rig.reading(operator), rig.plane.audit.mark()
        with (
            procfs.memory_peak(operator.program.pid) as peak,
            rig.repository(repo, interval="10m", preflight=preflight) as repository,
        ):
            rig.synced(operator, repository, sha)
            used, events = rig.reading(operator) - before, rig.events(mark)
        moved = counting.seconds(operator.wait_for_log("head moved")["timestamp"])
        resident = procfs.resident_peak(operator.program.pid)
    writes = counting.applies(events)
    base, server = _floor_of(rig, writes, repository.namespace)
    return Sample(
        written=counting.moment(writes[-1]) - moved,
        applied=counting.moment(counting.applied(events, sha)) - moved,
        used=used,
        requests=len(counting.asked(events)),
        about_objects=len(counting.about_objects(events)),
        resident=resident,
        together=peak.mebibytes,
        floor=base,
        floor_server=server,
    )


def _floor_of(rig: Rig, writes: Iterable[AuditEvent], namespace: str) -> tuple[floor.Run, float]:
    """Send the same once more, by the bare client; returns the API server's seconds of processor time, too."""
    other = rig.namespace()
    wanted = list(floor.requests(writes, {namespace: other}))
    if len(wanted) != OBJECTS:
        raise ValueError(f"{len(wanted)} writes of {OBJECTS} objects")
    pid = rig.plane.program("kube-apiserver").pid
    before = procfs.cpu(pid).total
    base = floor.run(rig.plane, wanted)
    used = procfs.cpu(pid).total - before
    rig.clear(other)
    return base, used


def _floor(samples: Sequence[Sample]) -> Section:
    each = 1000 / OBJECTS
    return Section(
        title=f"The floor: {OBJECTS:,} applies by a bare client",
        rows=(
            rows.median("until all are answered", [one.floor.seconds for one in samples], Unit.SECONDS),
            rows.median("client CPU an object", [one.floor.cpu * each for one in samples], Unit.MILLISECONDS),
            rows.median(
                "API server CPU an object", [one.floor_server * each for one in samples], Unit.MILLISECONDS
            ),
        ),
    )


def _section(samples: Sequence[Sample], *, preflight: bool) -> Section:
    wall, cpu = GOALS[preflight]
    each = 1000 / OBJECTS
    return Section(
        title=f"First sync of {OBJECTS:,} objects {'with' if preflight else 'without'} preflight",
        rows=(
            rows.median(
                "until the last object is written, to the floor",
                [one.written / one.floor.seconds for one in samples],
                Unit.TIMES,
                at_most=wall,
            ),
            rows.median("until the last object is written", [one.written for one in samples], Unit.SECONDS),
            rows.median("until the status says so", [one.applied for one in samples], Unit.SECONDS),
            rows.median(
                "operator CPU an object",
                [one.used.operator.total * each for one in samples],
                Unit.MILLISECONDS,
                at_most=cpu,
            ),
            rows.median(
                "of this by git", [one.used.operator.children * each for one in samples], Unit.MILLISECONDS
            ),
            rows.median(
                "API server CPU an object", [one.used.server * each for one in samples], Unit.MILLISECONDS
            ),
            rows.median("requests about objects", [one.about_objects for one in samples]),
            rows.median("requests of all kinds", [one.requests for one in samples]),
        ),
    )


def _memory(samples: dict[bool, list[Sample]]) -> Section:
    everything = [one for found in samples.values() for one in found]
    return Section(
        title="Memory during these syncs",
        rows=tuple[Row, ...](
            (
                rows.highest(
                    "operator and children at their peak (PSS)",
                    [one.together for one in everything],
                    Unit.MEBIBYTES,
                    at_most=MEMORY,
                ),
                rows.highest(
                    "operator alone at its peak (RSS)",
                    [one.resident for one in everything],
                    Unit.MEBIBYTES,
                    at_most=MEMORY,
                ),
            )
        ),
    )
