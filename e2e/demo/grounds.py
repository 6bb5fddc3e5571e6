"""The cluster that the demo is told on, whoever owns it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from e2e.demo.narrator import Narrator, Page
from e2e.demo.stage import Names, Stage
from e2e.harness import gitserver
from e2e.harness.operator import Operator

CRDS = Path(__file__).parents[2] / "crds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A cluster with its kubeconfig, whose namespace is the team's; the operator is not started yet."""

    folder: Path
    kubeconfig: Path
    kubectl: Path
    names: Names
    operator: Operator
    has_crds: bool = False
    runs_pods: bool = True
    helm: Path | None
    """None where there is none, and none is built for this."""
    home: Mapping[str, str] = field(default_factory=dict)
    """What credentials may need besides PATH: the variables of whoever owns the cluster."""
    check: Callable[[], object] = lambda: None

    def environment(self) -> dict[str, str]:
        """Return the variables of the demo's commands: none of them writes outside of the folder."""
        tools = (self.kubectl, Path(sys.executable), *([self.helm] if self.helm else []))
        path = (*(str(tool.parent) for tool in tools), os.environ["PATH"])
        return {
            "HOME": str(self.folder),
            **self.home,
            "PATH": os.pathsep.join(path),
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kubectl"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }


def stage(ground: Ground, page: Page, server: gitserver.GitServer) -> Stage:
    """Return where the story is told."""
    return Stage(
        narrator=Narrator(page, ground.folder, ground.environment(), ground.check),
        names=ground.names,
        repo=server.create("shop"),
        blog=server.create("blog"),
        folder=ground.folder,
        has_helm=ground.helm is not None,
        runs_pods=ground.runs_pods,
    )


def begin(ground: Ground, stage: Stage) -> None:
    """Install the CRDs where they are absent, make the team's namespace, and start the operator."""
    tell = stage.narrator
    tell.step("The operator runs")
    if ground.has_crds:
        tell.tell("The CRDs are installed already, and they stay.")
    else:
        tell.run(f"kubectl apply -f {CRDS}")
    wait = f"kubectl wait --for=condition=Established --timeout=20s -f {CRDS}"  # it gives up on very new CRDs
    tell.quietly(f"for _ in 1 2 3; do {wait} && exit; sleep 1; done; exit 1")
    tell.quietly(f"kubectl create namespace {ground.names.team}")
    ground.operator.start()
    tell.tell(f"towline operator --allow-http    runs as process {ground.operator.program.pid}")
