"""`python -m e2e.bench [--save] [--rounds N] [--idle SECONDS] [--seed N] [--count N] [NAME …]`: what Towline costs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from e2e.bench import (
    chart_renders,
    first_sync,
    fleet,
    ledger_sizes,
    machine,
    provenance,
    renders,
    scale,
    steady,
    table,
    traces,
    workloads,
)
from e2e.bench.rig import Rig
from e2e.bench.rows import Section
from e2e.bench.workloads import Workload
from e2e.controlplane import assemble, progress
from e2e.controlplane.progress import say
from e2e.harness import cluster, controlplane, gitserver
from e2e.harness.operator import Operators
from e2e.harness.processes import ProcessError, ended_by_signals
from e2e.harness.waiting import eventually
from e2e.scenes import random_spread

PAGE = Path(__file__).with_name("README.md")
CRDS = Path(__file__).parents[2] / "crds"

CONTROLLED = controlplane.Shape(nodes=0)

_GROWTH = (10, 1000, 5000, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is measured, and on which control plane.

    First syncs and their floor run where nothing reacts to objects; what follows a sync is measured where
    workloads become ready, as they do in any cluster.
    """

    take: Callable[[Rig, argparse.Namespace], Sequence[Section]]
    shape: controlplane.Shape = CONTROLLED


def _drawn(take: Callable[[Rig, Workload], Sequence[Section]], count: int, namespaces: int = 10) -> Measure:
    """Measure a workload that is drawn by a seed, where nothing reacts to objects."""

    def taken(rig: Rig, asked: argparse.Namespace) -> Sequence[Section]:
        return take(rig, Workload(count=asked.count or count, namespaces=namespaces, seed=asked.seed))

    return Measure(take=taken, shape=controlplane.BARE)


def _sizes(asked: argparse.Namespace) -> tuple[Workload, ...]:
    most = asked.count or max(_GROWTH)
    counts = (*(count for count in _GROWTH if count < most), most)
    return tuple(Workload(count=count, seed=asked.seed) for count in counts)


MEASURES: Mapping[str, Measure] = {
    "first-sync": Measure(
        take=lambda rig, asked: first_sync.measure(rig, asked.rounds), shape=controlplane.BARE
    ),
    "steady": Measure(take=lambda rig, _asked: steady.measure(rig)),
    "scale": Measure(take=lambda rig, asked: scale.measure(rig, asked.idle)),
    **{
        f"spread-{count}-{namespaces}": _drawn(workloads.spread, count, namespaces)
        for count in (1000, 5000)
        for namespaces in (10, 200)
    },
    "growth": Measure(take=lambda rig, asked: workloads.growth(rig, _sizes(asked)), shape=controlplane.BARE),
    **{f"new-repositories-{count}": _drawn(fleet.measure, count) for count in (100, 500)},
    "renders": Measure(
        take=lambda rig, asked: (
            *renders.measure(rig, asked.seed),
            *traces.measure(rig, asked.seed),
            *chart_renders.measure(rig, assemble.helm(os.environ), asked.seed),
        ),
        shape=controlplane.BARE,
    ),
    "memory": _drawn(workloads.memory, 500),
    "long-history": _drawn(workloads.history, 10_000),
    "authorship": _drawn(provenance.authorship, 10_000),
    "blame": _drawn(provenance.blame, 200),
    "records": _drawn(ledger_sizes.measure, 5000),
}
"""In this order."""


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table, and keep it where that was asked for."""
    asked = _parser().parse_args(arguments)
    try:
        with ended_by_signals(), suppress(KeyboardInterrupt):
            _run(asked)
    except (assemble.MissingError, progress.StepError, ProcessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*MEASURES, []], help="what to measure; everything by default"
    )
    parser.add_argument("--save", action="store_true", help="put the table into e2e/bench/README.md")
    parser.add_argument("--rounds", type=int, default=3, help="how often first syncs are repeated")
    parser.add_argument(
        "--seed",
        type=int,
        default=random_spread.seed(),
        help="draws namespaces, kinds, files and sizes; another one each time",
    )
    parser.add_argument(
        "--count", type=int, help="objects, repositories or commits, instead of the usual ones: for a try"
    )
    parser.add_argument(
        "--idle", type=float, default=120.0, help="seconds of the idle window; 600 by the book"
    )
    return parser


def _run(asked: argparse.Namespace) -> None:
    binaries = assemble.complete(os.environ)
    say(f"seed {asked.seed}")
    described = machine.describe(binaries)
    sections: list[Section] = []
    for measure in (MEASURES[name] for name in asked.names or MEASURES):
        with _rig(binaries, measure.shape) as rig:
            sections += measure.take(rig, asked)
    table.show(described, sections)
    if asked.save:
        table.save(PAGE, table.markdown(described, sections))


@contextmanager
def _rig(binaries: Path, shape: controlplane.Shape) -> Iterator[Rig]:
    with (
        controlplane.running(binaries, shape) as plane,
        gitserver.serving(plane.folder / "git") as server,
    ):
        kubectl = cluster.Kubectl(
            binary=plane.kubectl, kubeconfig=plane.kubeconfig(), cache=plane.folder / "kubectl"
        )
        kubectl("apply", "-f", str(CRDS))
        kubectl.until_established("-f", str(CRDS))
        eventually(lambda: kubectl("get", "towline", "-A") is not None, deadline=60.0, message="our kinds")
        operators = Operators(plane)
        try:
            with cluster.connected(kubectl) as connected:
                yield Rig(plane=plane, server=server, operators=operators, cluster=connected, say=say)
        finally:
            operators.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
