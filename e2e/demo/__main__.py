"""`python -m e2e.demo [--once]`: the main job on a real control plane, told as numbered steps."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from e2e.controlplane import assemble, progress
from e2e.controlplane.progress import say
from e2e.demo import helm, rendered, story
from e2e.demo.narrator import CommandError, Narrator
from e2e.demo.stage import Stage
from e2e.harness import cluster, controlplane, gitserver
from e2e.harness.operator import Operators
from e2e.harness.processes import ProcessError, ended_by_signals
from e2e.harness.waiting import eventually

HINTS = """
Look around, in another terminal:
  export KUBECONFIG={kubeconfig} PATH={binaries}:$PATH
  kubectl get tgr,syncrecords -A
  kubectl describe tgr shop -n team-shop
  git clone {url}      # change a file, commit, push: it is live within seconds
The operator's log: {log}"""

STAYS = "Ctrl-C ends everything."


def main(arguments: Sequence[str]) -> int:
    """Tell the story; with `--once` end after it, else run until Ctrl-C."""
    if [one for one in arguments if one != "--once"]:
        sys.stderr.write("usage: python -m e2e.demo [--once]\n")
        return 2
    try:
        with ended_by_signals() as asked, suppress(KeyboardInterrupt):
            _show(_leave if "--once" in arguments else partial(_stay, asked))
    except (assemble.MissingError, progress.StepError, ProcessError, CommandError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _show(end: Callable[[controlplane.ControlPlane], None]) -> None:
    binaries = assemble.complete(os.environ)
    say("starting etcd, kube-apiserver, kube-controller-manager and kwok …")
    with controlplane.running(binaries) as plane, gitserver.serving(plane.folder / "git") as server:
        operators = Operators(plane)
        try:
            _tell(plane, server, operators)
            end(plane)
        except CommandError:
            say(f"the operator's log ends:\n{operators.tail()}")
            raise
        finally:
            operators.stop()


def _stay(asked: Callable[[], bool], plane: controlplane.ControlPlane) -> None:
    say(STAYS)
    eventually(lambda: asked() or not plane.check(), deadline=math.inf, poll=1)


def _leave(_plane: controlplane.ControlPlane) -> None:
    say("\nThat was the main job; without ONCE=1 the demo stays.")


def _tell(plane: controlplane.ControlPlane, server: gitserver.GitServer, operators: Operators) -> None:
    narrator = _narrator(plane, operators)
    narrator.step("The CRDs are installed, and the operator runs")
    narrator.run("kubectl", "apply", "-f", str(story.CRDS))
    narrator.run("kubectl", "wait", f"--for={cluster.ESTABLISHED}", "-f", str(story.CRDS))
    repo = server.create("shop")
    with helm.building(os.environ) as (binary, built):
        operator = operators.private("--kustomize", str(plane.kubectl), "--helm", str(binary))
        operator.start()
        narrator.tell(f"towline operator --allow-http   (process {operator.program.pid})")
        stage = Stage(
            narrator=narrator, repo=repo, blog=server.create("blog"), folder=plane.folder, helm=built
        )
        for step in (*story.STEPS, *rendered.STEPS):
            step(stage)
    hints = HINTS.format(
        kubeconfig=plane.kubeconfig(), binaries=plane.kubectl.parent, url=repo.url, log=operator.log_file
    )
    say(hints)


def _narrator(plane: controlplane.ControlPlane, operators: Operators) -> Narrator:
    kubectl = cluster.Kubectl(
        binary=plane.kubectl, kubeconfig=plane.kubeconfig(), cache=plane.folder / "kubectl"
    )
    folders = (str(plane.kubectl.parent), str(Path(sys.executable).parent), os.environ["PATH"])
    path = os.pathsep.join(folders)
    return Narrator(plane.folder, {**kubectl.environment(), "PATH": path}, operators.check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
