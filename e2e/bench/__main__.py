"""`python -m e2e.bench [--save] [--rounds N] [--idle SECONDS] [NAME …]`: one table of what Towline costs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from e2e.bench import first_sync, machine, scale, steady, table
from e2e.bench.rig import Rig
from e2e.bench.rows import Section
from e2e.controlplane import assemble, progress
from e2e.controlplane.progress import say
from e2e.harness import cluster, controlplane, gitserver
from e2e.harness.operator import Operators
from e2e.harness.processes import ProcessError, ended_by_signals
from e2e.harness.waiting import eventually

PAGE = Path(__file__).with_name("README.md")
CRDS = Path(__file__).parents[2] / "crds"

CONTROLLED = controlplane.Shape(nodes=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is measured, and on which control plane.

    First syncs and their floor run where nothing reacts to objects; what follows a sync is measured where
    workloads become ready, as they do in any cluster.
    """

    take: Callable[[Rig, argparse.Namespace], Sequence[Section]]
    shape: controlplane.Shape = CONTROLLED


MEASURES: Mapping[str, Measure] = {
    "first-sync": Measure(
        take=lambda rig, asked: first_sync.measure(rig, asked.rounds), shape=controlplane.BARE
    ),
    "steady": Measure(take=lambda rig, _asked: steady.measure(rig)),
    "scale": Measure(take=lambda rig, asked: scale.measure(rig, asked.idle)),
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
        "--idle", type=float, default=120.0, help="seconds of the idle window; 600 by the book"
    )
    return parser


def _run(asked: argparse.Namespace) -> None:
    binaries = assemble.complete(os.environ)
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
        kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
        eventually(lambda: kubectl("get", "towline", "-A") is not None, deadline=60.0, message="our kinds")
        operators = Operators(plane)
        try:
            with cluster.connected(kubectl) as connected:
                yield Rig(plane=plane, server=server, operators=operators, cluster=connected, say=say)
        finally:
            operators.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
