"""`python -m e2e.demo [--once] [--cluster [--confirm CONTEXT]]`: the main job on a real cluster, as numbered steps."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path

from e2e.controlplane import assemble, progress
from e2e.demo import borrowed, grounds, narrator, rendered, story, throwaway
from e2e.demo.narrator import CommandError, Page
from e2e.demo.refusal import RefusedError
from e2e.harness import gitserver
from e2e.harness.processes import ProcessError, ended_by_signals
from e2e.harness.waiting import eventually

HINTS = """
Look around, in another terminal:
  export KUBECONFIG={kubeconfig} PATH={binaries}:$PATH
  towline get; towline tree shop; kubectl get tgr,syncrecords
  git clone {url}      # change a file, commit, push: it is live within seconds
The operator's log: {log}"""

Asks = Callable[[], bool]


def main(arguments: Sequence[str]) -> int:
    """Tell the story; with `--once` end after it, else run until Ctrl-C."""
    asked = _parser().parse_args(arguments)
    page = narrator.page(sys.stdout, os.environ)
    where = partial(borrowed.ground, asked.confirm, page) if asked.cluster else throwaway.ground
    try:
        with ended_by_signals() as came, suppress(KeyboardInterrupt):
            _show(where, page, came, once=asked.once)
    except (assemble.MissingError, progress.StepError, ProcessError, CommandError, RefusedError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.demo", allow_abbrev=False)
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--cluster", action="store_true", help="on the cluster of KUBECONFIG")
    parser.add_argument("--confirm", metavar="CONTEXT", default="", help="its context, for scripts")
    return parser


def _show(
    where: Callable[[], AbstractContextManager[grounds.Ground]], page: Page, came: Asks, *, once: bool
) -> None:
    with where() as ground, gitserver.serving(ground.folder / "git") as server:
        stage = grounds.stage(ground, page, server)
        try:
            grounds.begin(ground, stage)
            for step in (*story.STEPS, *rendered.STEPS):
                step(stage)
        except CommandError:
            page.line(f"the operator's log ends:\n{ground.operator.program.tail(60)}")
            raise
        if once:
            page.line("\nThat was the main job; without ONCE=1 the demo stays.")
            return
        hints = HINTS.format(
            kubeconfig=ground.kubeconfig,
            binaries=f"{ground.kubectl.parent}{os.pathsep}{Path(sys.executable).parent}",
            url=stage.repo.url,
            log=ground.operator.log_file,
        )
        page.line(f"{hints}\nCtrl-C ends everything.")
        eventually(lambda: came() or not ground.check(), deadline=math.inf, poll=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
