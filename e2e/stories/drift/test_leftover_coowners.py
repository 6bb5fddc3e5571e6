"""What others left behind on an object that was repaired does not keep alive what Git drops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operators
from e2e.scenes import manifests
from e2e.scenes.drift import (
    case_objects,
    case_run,
    case_table,
    identity_changes,
    other_writers,
    shared_fields,
    value_changes,
)
from e2e.scenes.drift.case_run import Performance
from e2e.scenes.drift.case_table import Case, Outcome

DROPPABLE = ("ConfigMap", "Secret", "Service", "Widget", "Loose")

REPAIRED = case_table.listed(
    (
        (value_changes.a_put, DROPPABLE),
        (value_changes.a_change_and_its_undoing, DROPPABLE),
        (identity_changes.managed_fields_cleared, DROPPABLE),
        (identity_changes.a_deletion_and_a_copy, DROPPABLE),
        (shared_fields.a_rival_that_agreed_and_updates_it, DROPPABLE),
    ),
    Outcome.RESTORED,
)
RIVALS = case_table.listed(((shared_fields.a_rival_that_agrees, DROPPABLE),), Outcome.UNTOUCHED)


@pytest.fixture(scope="module")
def dropped(
    operators: Operators, cluster: Cluster, plane: ControlPlane, git_server: GitServer
) -> Iterator[Performance]:
    """Objects that others changed, that were repaired, and whose changed value was then dropped from Git."""
    operators.shared()
    cases = (*RIVALS, *REPAIRED)
    wanted = {case.name: case.kind for case in cases}
    with case_objects.set_up(cluster, plane.audit, git_server, "coowners", wanted) as built:
        performed = case_run.perform(built, cases)
        performed.until_settled(cases)
        things = built.things.values()
        less = {
            f"{one.name}.yaml": manifests.text(other_writers.without(one.body, one.kind.path))
            for one in things
        }
        built.repository.until_applied(built.repo.commit(less, message="Drop it"))
        yield performed


@pytest.mark.parametrize("case", REPAIRED, ids=str)
def test_a_value_that_others_had_changed_goes_when_git_drops_it(dropped: Performance, case: Case) -> None:
    thing = dropped.stage.things[case.name]
    *parents, last = thing.kind.path
    assert (
        other_writers.place(thing.read(), parents).get(last, "None") == "None"
    )  # a Service gets this default instead


@pytest.mark.parametrize("case", RIVALS, ids=str)
def test_a_value_that_a_rival_applies_stays_when_git_drops_it(dropped: Performance, case: Case) -> None:
    thing = dropped.stage.things[case.name]
    assert other_writers.place(thing.read(), thing.kind.path) == other_writers.place(
        thing.body, thing.kind.path
    )
