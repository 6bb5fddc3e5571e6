"""What it costs to hold much: 5,000 objects of one repository, and 200 repositories of 20 objects beside it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from e2e.bench import counting, floor, load, procfs, rows
from e2e.bench.rig import PATIENCE, Reading, Rig
from e2e.bench.rows import Section, Unit
from e2e.harness import identity, repositories
from e2e.harness.audit import AuditEvent, Mark
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository

OBJECTS = 5000
REPOSITORIES = 200
EACH = 20
EDITS = 100
LOOKS = 20
INTERVAL = "1m"
"""The default one."""

KINDS = ("/ConfigMap", "/Secret", "/Service", "apps/Deployment")

CHECKED_SECONDS = 5.0
REPAIRED_SECONDS = 1.0
MEMORY = 140.0
MEMORY_SHARED = 150.0
"""With 200 repositories more: the event loop's TLS keeps more than one of our own did (docs/adr/0017)."""

IDLE_PERCENT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A while in which nothing changes; `bare_look` is the processor time of one bare `git ls-remote`."""

    seconds: float
    used: Reading
    looks: int
    bare_look: float
    requests: int
    about_objects: int


def measure(rig: Rig, idle: float) -> tuple[Section, ...]:
    """Sync much, restart, drift, add many small repositories, and let it be for `idle` seconds."""
    files = load.mixed(OBJECTS)
    repo, sha = rig.repo(files)
    with rig.operator() as operator:
        pid = operator.program.pid
        with (
            procfs.memory_peak(pid) as syncing,
            rig.repository(repo, interval=INTERVAL, preflight=False) as repository,
        ):
            rig.say(f"first sync of {OBJECTS:,} objects")
            rig.synced(operator, repository, sha)
            view = _view(rig)
            names = [
                path.rpartition("/")[2].removesuffix(".yaml") for path in files if "/config-map-" in path
            ]
            rig.say(f"{EDITS} edits of one object each")
            repaired = [_repaired(rig, repository, name) for name in names[:: len(names) // EDITS]]
            rig.say("a restart")
            checked = _restarted(rig, operator, repository, names[-1])
            with procfs.memory_peak(operator.program.pid) as holding:
                fleet, repos = _fleet(rig)
                rig.say(f"{idle:.0f} seconds without a change")
                quiet = _idle(rig, operator, [repo, *repos], idle)
            rig.clear(fleet)
    return (
        _held(view, syncing.mebibytes, holding.mebibytes),
        _drifted(repaired, checked),
        _quietly(quiet),
    )


def _view(rig: Rig) -> float:
    """Return the bytes that one object takes in the live view."""
    done = subprocess.run(
        [sys.executable, "-m", "e2e.bench.view", *KINDS],
        env={"KUBECONFIG": str(rig.plane.kubeconfig(identity.OPERATOR))},
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    found = json.loads(done.stdout)
    return float(found["bytes"]) / float(found["objects"])


def _edit(rig: Rig, repository: Repository, name: str) -> None:
    change = {"data": {"colour": "edited"}}
    rig.cluster.patch("v1", "ConfigMap", name, repository.namespace, change)


def _repair(rig: Rig, mark: Mark, name: str) -> AuditEvent:
    def repairs(event: AuditEvent) -> bool:
        ours = event.user == identity.OPERATOR and event.writes and event.succeeded
        return ours and event.resource == "configmaps" and event.name == name

    return rig.plane.audit.until(repairs, mark=mark, deadline=PATIENCE, message=f"the repair of {name}")


def _repaired(rig: Rig, repository: Repository, name: str) -> float:
    """Edit one object; return the seconds from the answer to the edit to that of its repair."""
    mark = rig.plane.audit.mark()
    _edit(rig, repository, name)
    repair = _repair(rig, mark, name)
    edit = rig.plane.audit.until(lambda event: event.writes and event.name == name, mark=mark)
    return counting.moment(repair) - counting.moment(edit)


def _restarted(rig: Rig, operator: Operator, repository: Repository, name: str) -> float:
    """Edit one object while nobody looks; return the seconds from the start of the process to its repair."""
    operator.stop()
    _edit(rig, repository, name)
    mark, started = rig.plane.audit.mark(), time.time()
    operator.start()
    seconds = counting.moment(_repair(rig, mark, name)) - started
    rig.rest(operator)
    return seconds


def _fleet(rig: Rig) -> tuple[str, list[Repo]]:
    """Make many small repositories in one namespace, and wait until all are applied; returns the namespace, too."""
    rig.say(f"{REPOSITORIES} repositories of {EACH} objects")
    namespace = rig.namespace()
    repos, waiting = [], []
    for number in range(REPOSITORIES):
        repo, sha = rig.repo(load.config_maps(EACH, f"app-{number:03}"))
        repos.append(repo)
        spec: dict[str, Any] = {"url": repo.url, "interval": INTERVAL}
        waiting.append((repositories.create(rig.cluster, namespace, f"app-{number:03}", **spec), sha))
    for repository, sha in waiting:
        repository.until_applied(sha, deadline=PATIENCE)
    return namespace, repos


def _idle(rig: Rig, operator: Operator, repos: Sequence[Repo], seconds: float) -> Idle:
    rig.calm(operator)
    looks, mark = _looks(rig, repos), rig.plane.audit.mark()
    before, started = rig.reading(operator), time.monotonic()
    time.sleep(seconds)
    used, passed = rig.reading(operator) - before, time.monotonic() - started
    events = rig.events(mark)
    return Idle(
        seconds=passed,
        used=used,
        looks=_looks(rig, repos) - looks,
        bare_look=floor.look(repos[0].url, LOOKS),
        requests=len(counting.asked(events)),
        about_objects=len(counting.about_objects(events)),
    )


def _looks(rig: Rig, repos: Sequence[Repo]) -> int:
    asked = (request for repo in repos for request in rig.server.requests(repo.path.stem))
    return sum(request.path == "/info/refs" for request in asked)


def _held(view: float, syncing: float, holding: float) -> Section:
    everything = f"{OBJECTS:,} objects and {REPOSITORIES} repositories of {EACH} at their peak (PSS)"
    return Section(
        title=f"What is held of {OBJECTS:,} objects in one repository",
        rows=(
            rows.Row(what="live view, an object", value=view, unit=Unit.BYTES),
            rows.Row(
                what="operator and children during the first sync, at their peak (PSS)",
                value=syncing,
                unit=Unit.MEBIBYTES,
                at_most=MEMORY,
            ),
            rows.Row(what=everything, value=holding, unit=Unit.MEBIBYTES, at_most=MEMORY_SHARED),
        ),
    )


def _drifted(repaired: Sequence[float], checked: float) -> Section:
    median, slowest = (rows.percentile(repaired, share) * 1000 for share in (0.5, 0.99))
    return Section(
        title=f"Drift among {OBJECTS:,} objects, {len(repaired)} edits of one field one after the other",
        rows=(
            rows.Row(what="from edit to repair, half of them within", value=median, unit=Unit.MILLISECONDS),
            rows.Row(
                what="from edit to repair, 99 of 100 within",
                value=slowest,
                unit=Unit.MILLISECONDS,
                at_most=REPAIRED_SECONDS * 1000,
            ),
            rows.Row(
                what="from the start of the process to the repair of what drifted before",
                value=checked,
                unit=Unit.SECONDS,
                at_most=CHECKED_SECONDS,
            ),
        ),
    )


def _quietly(quiet: Idle) -> Section:
    minutes, count = quiet.seconds / 60, REPOSITORIES + 1
    bare = quiet.looks * quiet.bare_look
    share = 100 / quiet.seconds
    return Section(
        title=f"{minutes:.0f} minutes without a change, {count} repositories, each looked at every {INTERVAL}",
        rows=(
            rows.Row(what="requests about objects", value=quiet.about_objects, at_most=0),
            rows.Row(what="requests of all kinds, a minute", value=quiet.requests / minutes),
            rows.Row(what="looks at Git, a minute", value=quiet.looks / minutes),
            rows.Row(
                what="operator CPU beyond as many bare `git ls-remote`, of one core",
                value=share * (quiet.used.operator.total - bare),
                unit=Unit.PERCENT,
                at_most=IDLE_PERCENT,
            ),
            rows.Row(
                what="of this its git processes beyond bare ones",
                value=share * (quiet.used.operator.children - bare),
                unit=Unit.PERCENT,
            ),
            rows.Row(what="the bare ones", value=share * bare, unit=Unit.PERCENT),
        ),
    )
