"""A control plane that begins and ends with the demo."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.controlplane import assemble, progress
from e2e.demo.grounds import Ground
from e2e.demo.stage import names
from e2e.harness import controlplane
from e2e.harness.operator import Operators


@contextmanager
def ground() -> Iterator[Ground]:
    """Build what is missing, and start a control plane; it ends with the block.

    Raises:
        StepError: something could not be built.
        ProcessError: the control plane does not start.
    """
    binaries = assemble.complete(os.environ)
    progress.say("starting etcd, kube-apiserver, kube-controller-manager and kwok …")
    with controlplane.running(binaries) as plane:
        operators = Operators(plane)
        try:
            helm = assemble.helm(os.environ)
            operator = operators.private("--kustomize", str(plane.kubectl), "--helm", str(helm))

            def check() -> bool:
                return plane.check() and operator.program.check()

            yield Ground(
                folder=plane.folder,
                kubeconfig=_in_namespace(plane.kubectl, plane.kubeconfig(), names().team),
                kubectl=plane.kubectl,
                names=names(),
                helm=helm,
                operator=operator,
                check=check,
            )
        finally:
            operators.stop()


def _in_namespace(kubectl: Path, kubeconfig: Path, namespace: str) -> Path:
    """Let commands without a namespace mean the team's."""
    subprocess.run(
        [kubectl, "config", "set-context", "--current", "--namespace", namespace],
        env={"KUBECONFIG": str(kubeconfig)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return kubeconfig
