"""What it costs to know who changed what: the operator's own search in a long history, and `towline blame`."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from towline.render.documents import YamlLimits
from towline.render.file_versions import Versions
from towline.source.access import Remote
from towline.source.authorship.walk import Wanted
from towline.source.mirror import Mirrors

from e2e.bench import render_costs, rows
from e2e.bench.rig import PATIENCE, Rig
from e2e.bench.rows import Row, Section, Unit
from e2e.bench.workloads import Workload
from e2e.harness.cluster import Object
from e2e.harness.gitrepo import ALICE, BOB, MAIN, Repo
from e2e.scenes import manifests, random_spread

FIRST_SECONDS = 5.0
NEXT_MILLISECONDS = 100.0
OBJECTS = 5000
BLAME_SECONDS = 2.0
BLAMES = 5
LINES = 500

_PULL_REQUESTS = 0.1
"""So many of the steps of a history are branches that are merged."""

_TICKS = 1_700_000_000


def authorship(rig: Rig, work: Workload) -> tuple[Section, ...]:
    """Find the commit of each of 5,000 objects in a history of so many commits with merges, and of one more commit."""
    drawn = random_spread.drawn(work.seed, OBJECTS, [f"team-{number}" for number in range(work.namespaces)])
    repo = rig.server.create("history")
    history = History(drawn.files, work.seed)
    rig.say(f"a history of {work.count:,} commits of {OBJECTS:,} objects")
    history.write(repo, work.count)
    with tempfile.TemporaryDirectory() as folder:
        return (asyncio.run(_searched(rig, repo, history, Path(folder), work)),)


async def _searched(rig: Rig, repo: Repo, history: History, folder: Path, work: Workload) -> Section:
    remote, mirrors = Remote(url=repo.url), Mirrors(folder)
    head = repo.sha(MAIN)
    await mirrors.look(remote, PATIENCE)
    await mirrors.fetch(remote, f"refs/heads/{MAIN}", head, PATIENCE)
    rig.say("the commit of each object")
    first = await _timed(mirrors, remote, head, _wanted(history.files))
    following = []
    for _ in range(10):
        base, before = head, dict(history.files)
        path = history.change(repo)
        head = repo.sha(MAIN)
        await mirrors.look(remote, PATIENCE)
        await mirrors.fetch(remote, f"refs/heads/{MAIN}", head, PATIENCE)
        changed = _wanted({path: history.files[path]}) - _wanted({path: before[path]})
        following.append(await _timed(mirrors, remote, head, changed, base))
    return _section(work, len(history.files), first, following)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What one search took by the clock and of the processor, git included."""

    seconds: float
    cpu: float


def _wanted(files: Mapping[str, str]) -> set[Wanted]:
    versions = Versions(YamlLimits())
    return {
        Wanted(ref, digest, file)
        for file, text in files.items()
        for ref, digest in versions.declared(text.encode()).items()
    }


async def _timed(
    mirrors: Mirrors, remote: Remote, head: str, wanted: Collection[Wanted], base: str = ""
) -> _Search:
    """Search as the operator does, by the commits since `base` first, where there is one."""
    begun, used = time.monotonic(), render_costs.used()
    since = await mirrors.history(remote, base, head) if base else None
    span = tuple((each.sha, *each.parents) for each in since.revisions) if since else ()
    found = await mirrors.blame(remote, head, span, wanted, Versions(YamlLimits()).declared)
    if len(found) < len(wanted):
        raise ValueError(f"no commit is found for {len(wanted) - len(found)} of {len(wanted)} objects")
    return _Search(seconds=time.monotonic() - begun, cpu=render_costs.used() - used)


def _section(work: Workload, files: int, first: _Search, following: Sequence[_Search]) -> Section:
    return Section(
        title=f"The commits of {OBJECTS:,} objects in {files:,} files, among {work.count:,} commits, seed {work.seed}",
        rows=(
            Row(
                what="once, as after a restart with an empty cache",
                value=first.seconds,
                unit=Unit.SECONDS,
                at_most=FIRST_SECONDS,
            ),
            Row(what="its CPU, git included", value=first.cpu, unit=Unit.SECONDS),
            Row(
                what="then for a commit that changes one object",
                value=1000 * statistics.median(each.seconds for each in following),
                unit=Unit.MILLISECONDS,
                at_most=NEXT_MILLISECONDS,
                low=1000 * min(each.seconds for each in following),
                high=1000 * max(each.seconds for each in following),
            ),
            Row(
                what="its CPU, git included",
                value=1000 * statistics.fmean(each.cpu for each in following),
                unit=Unit.MILLISECONDS,
            ),
        ),
    )


class History:
    """Commits that each change one object of one file, some on branches that are merged later, drawn by a seed.

    Attributes:
        files: as the newest commit has them.
    """

    def __init__(self, files: Mapping[str, str], seed: int) -> None:
        self.files = dict(files)
        self._chance = random.Random(seed)  # noqa: S311  whoever knows the seed can play it again
        self._bodies = {path: list(yaml.load_all(text, yaml.CSafeLoader)) for path, text in files.items()}
        self._paths = list(files)
        self._marks = 0

    def write(self, repo: Repo, count: int) -> None:
        """Write so many commits, at most five more."""
        repo.git("fast-import", "--quiet", "--date-format=raw", stdin="".join(self._stream(count)))

    def change(self, repo: Repo) -> str:
        """Put one more commit on top; return the path of the file that it changes."""
        path = self._chance.choice(self._paths)
        self._edit(path)
        self._marks += 1
        repo.commit({path: self.files[path]})
        return path

    def _stream(self, count: int) -> Iterator[str]:
        yield self._commit(self._paths)
        main = self._marks
        while self._marks < count:
            if self._chance.random() >= _PULL_REQUESTS:
                yield self._commit([self._edited()], main)
                main = self._marks
                continue
            side, path = main, self._edited()
            for _ in range(self._chance.randint(1, 3)):
                self._edit(path)
                yield self._commit([path], side, branch="side")
                side = self._marks
            other = self._chance.choice([each for each in self._paths[:50] if each != path])
            self._edit(other)
            yield self._commit([other], main)
            yield self._commit([path], self._marks, side)
            main = self._marks

    def _edited(self) -> str:
        path = self._chance.choice(self._paths)
        self._edit(path)
        return path

    def _edit(self, path: str) -> None:
        """Change one object of a file, as the mark of the next commit says."""
        body = self._chance.choice(self._bodies[path])
        body["metadata"].setdefault("annotations", {})["changed"] = str(self._marks + 1)
        self.files[path] = manifests.text(*self._bodies[path])

    def _commit(self, paths: Sequence[str], *parents: int, branch: str = MAIN) -> str:
        self._marks += 1
        who = f"Alice Author <alice@example.com> {_TICKS + 60 * self._marks} +0000"
        lines = [f"commit refs/heads/{branch}", f"mark :{self._marks}", f"author {who}", f"committer {who}"]
        message = f"Change {self._marks}"
        lines += [f"data {len(message)}", message]
        lines += [f"{word} :{parent}" for word, parent in zip(("from", "merge"), parents, strict=False)]
        for path in paths:
            lines += [f"M 100644 inline {path}", f"data {len(self.files[path])}", self.files[path]]
        return "\n".join((*lines, ""))


def blame(rig: Rig, work: Workload) -> tuple[Section, ...]:
    """Ask `towline blame` for an object of at least 500 lines, in a process of its own each time."""
    namespace = rig.namespace()
    repo = rig.server.create("blamed")
    chance = random.Random(work.seed)  # noqa: S311  whoever knows the seed can play it again
    body = _large(namespace)
    sha = repo.commit({"web.yaml": manifests.text(body)})
    for number in range(work.count - 1):
        container = chance.choice(body["spec"]["template"]["spec"]["containers"])
        chance.choice(container["env"])["value"] = f"changed-{number}"
        sha = repo.commit({"web.yaml": manifests.text(body)}, author=chance.choice((ALICE, BOB)))
    rig.say(f"an object of many lines, changed by {work.count:,} commits")
    with rig.operator() as operator, rig.repository(repo, interval="10m") as repository:
        rig.synced(operator, repository, sha)
        with tempfile.TemporaryDirectory() as home:
            runs = [_blamed(rig, repo, namespace, Path(home)) for _ in range(BLAMES)]
    return (
        Section(
            title=f"`towline blame` of an object of {runs[0].lines:,} lines that {work.count:,} commits changed",
            rows=(
                rows.median(
                    "until it has ended", [one.seconds for one in runs], Unit.SECONDS, at_most=BLAME_SECONDS
                ),
                rows.median("its CPU, git included", [one.cpu for one in runs], Unit.SECONDS),
            ),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blamed:
    seconds: float
    cpu: float
    lines: int


def _blamed(rig: Rig, repo: Repo, namespace: str, home: Path) -> _Blamed:
    command = [sys.executable, "-m", "towline", "blame", "deployment/web", "-n", namespace]
    command += ["--kubeconfig", str(rig.plane.kubeconfig()), "--repo", str(repo.path)]
    out = home / "out"
    begun = time.monotonic()
    with out.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, env={**os.environ, "HOME": str(home)})
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    lines = len(out.read_text().splitlines())
    if process.returncode or lines < LINES:
        raise ValueError(f"{' '.join(command)}: {process.returncode}, {lines} lines")
    return _Blamed(seconds=seconds, cpu=used.ru_utime + used.ru_stime, lines=lines)


def _large(namespace: str) -> Object:
    containers = [
        {
            "name": f"part-{number}",
            "image": f"registry.example/part:{number}",
            "env": [{"name": f"SETTING_{at}", "value": f"value-{at}"} for at in range(20)],
            "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}},
        }
        for number in range(12)
    ]
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
