"""`python -m e2e.soak [--save] [--size N] [--seed N] [PART …]`: try much more than `make test` has the time for."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from e2e.bench import machine
from e2e.controlplane import assemble, progress
from e2e.controlplane.progress import say
from e2e.harness.processes import ended_by_signals
from e2e.soak import effort, outcome, page
from e2e.soak.page import Run
from e2e.soak.parts import PARTS, Part

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str]) -> int:
    """Run the parts that are named, or all; the exit code is 1 where one of them was not survived."""
    asked = parser().parse_args(arguments)
    survived = True
    try:
        with ended_by_signals(), suppress(KeyboardInterrupt):
            binaries = assemble.complete(os.environ)
            for name in asked.parts or PARTS:
                survived &= _part(PARTS[name], asked, binaries)
    except (assemble.MissingError, progress.StepError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if survived else 1


def parser() -> argparse.ArgumentParser:
    """Return what reads the arguments."""
    found = argparse.ArgumentParser(prog="python -m e2e.soak", description=__doc__)
    found.add_argument("parts", nargs="*", metavar="PART", choices=[[], *PARTS], help=", ".join(PARTS))
    found.add_argument("--size", type=int, help="how many points, instead of the full number")
    found.add_argument("--seed", type=int, help="chooses what is tried; a random one unless given")
    found.add_argument("--save", action="store_true", help="put the outcome into docs/reliability.md")
    return found


def _part(part: Part, asked: argparse.Namespace, binaries: Path) -> bool:
    described = machine.describe(binaries)
    if not f"{described.kubernetes}.".startswith(part.kubernetes and f"{part.kubernetes}."):
        say(
            f"{part.name} is left out: this is Kubernetes {described.kubernetes}; KUBEBUILDER_ASSETS names another one"
        )
        return not asked.parts
    size = asked.size or part.full
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    say(f"{part.name}, seed {seed}, size {size or 'fixed'}: {part.proves}")
    found, passed = _played(part, size, seed)
    say(f"{part.name}: {found.survived} of {found.tried} {part.points} survived in {found.seconds:.0f} s")
    if asked.save:
        run = Run(
            part=part,
            size=size,
            seed=seed,
            outcome=found,
            commit=_commit(),
            day=described.day,
            conditions=f"Kubernetes {described.kubernetes}, {described.cores} cores, load {described.load:.0f}",
        )
        page.PAGE.write_text(page.with_run(page.PAGE.read_text(), run))
    return passed


def _played(part: Part, size: int, seed: int) -> tuple[outcome.Outcome, bool]:
    chosen = {effort.SEED: str(seed), **({effort.SIZE: str(size)} if part.full else {})}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        passed = play(part.path, report, chosen)
        return outcome.read(report), passed


def play(stories: str, report: Path, variables: Mapping[str, str]) -> bool:
    """Run stories, whose output is shown as it comes, and say whether all passed; the report is for `outcome.read`."""
    settings = ("junit_family=xunit1", "faulthandler_timeout=7200")
    options = ["-q", *(f"--override-ini={each}" for each in settings), f"--junitxml={report}"]
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", *options, stories],
        cwd=ROOT,
        env={**os.environ, **variables},
        check=False,
    )
    return answer.returncode == 0


def _commit() -> str:
    """Return the commit that is checked out, and say whether files differ from it; the page itself does not count."""
    git = ("git", "-C", str(ROOT))
    head = subprocess.run(
        [*git, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=True
    )
    others = ["--", ".", f":!{page.PAGE.relative_to(ROOT)}"]
    changed = subprocess.run(
        [*git, "status", "--porcelain", *others], capture_output=True, text=True, check=True
    )
    return head.stdout.strip() + (" with changes" if changed.stdout else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
