"""Whatever others do to a managed object, it ends as it must: restored, created again, or left alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operators
from e2e.stories.drift import oracle, performance, rows, stage
from e2e.stories.drift.performance import Performance
from e2e.stories.drift.rows import Case, Outcome

HARMLESS_FIRST = (Outcome.UNTOUCHED, Outcome.DOUBTFUL, Outcome.RECREATED, Outcome.RESTORED)


@pytest.fixture(scope="module")
def drifted(
    operators: Operators, cluster: Cluster, plane: ControlPlane, git_server: GitServer
) -> Iterator[Performance]:
    """One object for each case, after others have done to it what the case says."""
    operators.shared()
    cases = tuple(case for outcome in HARMLESS_FIRST for case in rows.cases(outcome))
    wanted = {case.name: case.kind for case in cases}
    with stage.set_up(cluster, plane.audit, git_server, "rows", wanted) as built:
        yield performance.perform(built, cases)


@pytest.fixture(scope="module")
def written(drifted: Performance) -> dict[str, list[str]]:
    """What we wrote to each object, when all that is to be restored is, also what had to be read."""
    return drifted.until_settled(rows.cases(Outcome.DOUBTFUL))


@pytest.mark.parametrize("case", rows.cases(Outcome.RESTORED), ids=str)
def test_what_others_change_is_restored_at_once(drifted: Performance, case: Case) -> None:
    live = drifted.until_restored(case)
    assert live["metadata"]["uid"] == drifted.stage.uid(case.name)


@pytest.mark.parametrize("case", rows.cases(Outcome.RECREATED), ids=str)
def test_what_others_delete_is_there_again_at_once(drifted: Performance, case: Case) -> None:
    live = drifted.until_restored(case)
    assert live["metadata"]["uid"] != drifted.stage.uid(case.name)


@pytest.mark.parametrize("case", rows.cases(Outcome.DOUBTFUL), ids=str)
def test_what_metadata_does_not_tell_is_restored_after_a_reading(drifted: Performance, case: Case) -> None:
    live = drifted.until_restored(case)
    assert live["metadata"]["uid"] == drifted.stage.uid(case.name)


@pytest.mark.parametrize("case", rows.cases(Outcome.UNTOUCHED), ids=str)
def test_what_others_add_or_fail_to_change_is_left_alone(
    drifted: Performance, written: dict[str, list[str]], case: Case
) -> None:
    theirs = drifted.of(case)
    assert written[case.name] == []
    assert oracle.disagreements(oracle.content(theirs), drifted.stage.things[case.name].read()) == ()
