"""What people do with kubectl to a managed object is undone, unless it only adds something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operators
from e2e.harness.waiting import eventually
from e2e.scenes import manifests
from e2e.scenes.drift import case_objects, case_run, case_table, end_state, kinds, kubectl_commands
from e2e.scenes.drift.case_run import Performance
from e2e.scenes.drift.case_table import Case, Outcome
from e2e.scenes.drift.other_writers import changed

RESTORED = case_table.listed(kubectl_commands.RESTORED, Outcome.RESTORED)
UNTOUCHED = case_table.listed(kubectl_commands.UNTOUCHED, Outcome.UNTOUCHED)
REVISED = "revised"


@pytest.fixture(scope="module")
def drifted(
    operators: Operators, cluster: Cluster, plane: ControlPlane, git_server: GitServer
) -> Iterator[Performance]:
    """One object for each command, after it was given, and one more Deployment."""
    operators.shared()
    cases = (*UNTOUCHED, *RESTORED)
    wanted = {case.name: case.kind for case in cases} | {REVISED: "Deployment"}
    with case_objects.set_up(cluster, plane.audit, git_server, "commands", wanted) as built:
        yield case_run.perform(built, cases)


@pytest.fixture(scope="module")
def written(drifted: Performance) -> dict[str, list[str]]:
    """What we wrote to each object, when all that is to be restored is."""
    return drifted.until_settled(RESTORED)


@pytest.mark.parametrize("case", RESTORED, ids=str)
def test_what_a_command_changes_is_restored_at_once(drifted: Performance, case: Case) -> None:
    drifted.until_restored(case)


@pytest.mark.parametrize("case", UNTOUCHED, ids=str)
def test_what_a_command_adds_is_left_alone(
    drifted: Performance, written: dict[str, list[str]], case: Case
) -> None:
    theirs = drifted.of(case)
    assert written[case.name] == []
    assert end_state.disagreements(end_state.content(theirs), drifted.stage.things[case.name].read()) == ()


def test_a_rollout_that_is_undone_by_hand_is_rolled_out_again(drifted: Performance) -> None:
    thing = drifted.stage.things[REVISED]
    newer = changed(thing.body, kinds.DEPLOYMENT.path, "registry.example/main:2")
    sha = drifted.stage.repo.commit({f"{REVISED}.yaml": manifests.text(newer)})
    drifted.stage.repository.until_applied(sha)
    eventually(
        lambda: thing.read()["metadata"]["annotations"][end_state.REVISION] == "2",
        message="a second revision",
    )

    writes = drifted.stage.written()[REVISED]

    kubectl_commands.kubectl_rollout_undo(thing)

    eventually(lambda: end_state.disagreements(newer, thing.read()) == (), message="what is declared")
    assert len(drifted.stage.written()[REVISED]) > len(writes)
