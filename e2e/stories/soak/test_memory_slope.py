"""The operator does not grow with the number of commits."""

from __future__ import annotations

from e2e.bench import workloads
from e2e.bench.rig import Rig
from e2e.bench.workloads import Workload
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operators
from e2e.soak.effort import Effort

FEW = 100
"""With fewer commits, what an operator keeps of its first ones is most of what it grows by."""

FEW_MEBIBYTES = 16.0


def test_the_operator_keeps_its_size_over_many_commits(
    plane: ControlPlane, git_server: GitServer, operators: Operators, cluster: Cluster, effort: Effort
) -> None:
    said: list[str] = []
    rig = Rig(plane=plane, server=git_server, operators=operators, cluster=cluster, say=said.append)
    with effort.point(counts=effort.size):
        (section,) = workloads.memory(rig, Workload(count=effort.size, seed=effort.seed))
        growth = section.rows[-1]
        assert growth.at_most is not None
        assert growth.value <= (growth.at_most if effort.size > FEW else FEW_MEBIBYTES), section
