"""Whatever others do to a managed object, it ends as it must: restored, created again, or left alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operators
from e2e.scenes.drift import case_objects, case_run, case_table, end_state
from e2e.scenes.drift.case_run import Performance
from e2e.scenes.drift.case_table import Case, Outcome

HARMLESS_FIRST = (Outcome.UNTOUCHED, Outcome.DOUBTFUL, Outcome.RECREATED, Outcome.RESTORED)


@pytest.fixture(scope="module")
def drifted(
    operators: Operators, cluster: Cluster, plane: ControlPlane, git_server: GitServer
) -> Iterator[Performance]:
    """One object for each case, after others have done to it what the case says."""
    operators.shared()
    cases = tuple(case for outcome in HARMLESS_FIRST for case in case_table.cases(outcome))
    wanted = {case.name: case.kind for case in cases}
    with case_objects.set_up(cluster, plane.audit, git_server, "rows", wanted) as built:
        yield case_run.perform(built, cases)


@pytest.fixture(scope="module")
def written(drifted: Performance) -> dict[str, list[str]]:
    """What we wrote to each object, when all that is to be restored is, also what had to be read."""
    return drifted.until_settled(case_table.cases(Outcome.DOUBTFUL))


@pytest.mark.parametrize("case", case_table.cases(Outcome.RESTORED), ids=str)
def test_what_others_change_is_restored_at_once(drifted: Performance, case: Case) -> None:
    live = drifted.until_restored(case)
    assert live["metadata"]["uid"] == drifted.stage.uid(case.name)


@pytest.mark.parametrize("case", case_table.cases(Outcome.RECREATED), ids=str)
def test_what_others_delete_is_there_again_at_once(drifted: Performance, case: Case) -> None:
    live = drifted.until_restored(case)
    assert live["metadata"]["uid"] != drifted.stage.uid(case.name)


@pytest.mark.parametrize("case", case_table.cases(Outcome.DOUBTFUL), ids=str)
def test_what_metadata_does_not_tell_is_restored_after_a_reading(drifted: Performance, case: Case) -> None:
    live = drifted.until_restored(case)
    assert live["metadata"]["uid"] == drifted.stage.uid(case.name)


@pytest.mark.parametrize("case", case_table.cases(Outcome.UNTOUCHED), ids=str)
def test_what_others_add_or_fail_to_change_is_left_alone(
    drifted: Performance, written: dict[str, list[str]], case: Case
) -> None:
    theirs = drifted.of(case)
    assert written[case.name] == []
    assert end_state.disagreements(end_state.content(theirs), drifted.stage.things[case.name].read()) == ()
