from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from towline.model import CURRENT, Action, Health, Live, Manifest, ObjectRef, Plan, State
from towline.plan import one_shot
from towline.plan.build import plan

from tests.plan.strategies import POLICY, SHA, applied, manifest

JOB = ObjectRef("batch", "Job", "shop", "migrate")
WEB = ObjectRef("apps", "Deployment", "shop", "web")
RUN = manifest(JOB)
DONE = {str(JOB): one_shot.short(RUN.digest)}
FAILED = Health(State.FAILED, "BackoffLimitExceeded")
RUNS = Health(State.IN_PROGRESS, "0 of 1 Pods have completed")


def planned(*wanted: Manifest, live: tuple[Live, ...] = (), done: Mapping[str, str] = DONE) -> Plan:
    written = {each.ref: each.digest for each in wanted}
    policy = replace(POLICY, written=written, done=done)
    return plan(wanted, {each.ref: each for each in live}, policy, SHA)


def actions(found: Plan) -> dict[str, tuple[Action, str]]:
    return {change.ref.name: (change.action, change.reason) for change in found.changes}


def test_what_ran_and_is_gone_is_done_and_not_created_again() -> None:
    assert actions(planned(RUN)) == {"migrate": (Action.KEEP, one_shot.DONE)}


def test_what_ran_and_is_going_is_done_and_no_error() -> None:
    going = applied(RUN)._replace(terminating=True)
    found = planned(RUN, live=(going,))
    assert (actions(found), found.failures) == ({"migrate": (Action.KEEP, one_shot.DONE)}, ())


def test_what_never_finished_and_is_gone_is_drift() -> None:
    found = planned(RUN, done={})
    assert actions(found)["migrate"][0] is Action.CREATE
    assert "was deleted" in found.changes[0].message


@pytest.mark.parametrize("changed", [manifest(JOB, "2"), manifest(JOB, rerun="2026-12-01")])
def test_new_content_or_a_new_rerun_value_runs_again(changed: Manifest) -> None:
    assert actions(planned(changed))["migrate"][0] is Action.CREATE


def test_a_gate_that_ran_and_is_gone_is_open() -> None:
    gate = manifest(JOB, "1", 1, **{"wave": "-1", "wave-gate": "Healthy"})
    done = {str(JOB): one_shot.short(gate.digest)}
    found = planned(gate, manifest(WEB), done=done)
    assert found.gated == ()
    assert actions(found)["web"][0] is Action.CREATE


@pytest.mark.parametrize(
    ("health", "action"),
    [(CURRENT, Action.REPLACE), (FAILED, Action.REPLACE), (RUNS, Action.UPDATE)],
)
def test_a_rerun_replaces_what_has_ended_and_does_not_stop_what_runs(health: Health, action: Action) -> None:
    live = applied(RUN)._replace(health=health, rerun="1")
    asked = manifest(JOB, rerun="2")
    assert actions(planned(asked, live=(live,)))["migrate"][0] is action


def test_a_rerun_means_nothing_for_what_does_not_run_once() -> None:
    live = applied(manifest(WEB))
    assert actions(planned(manifest(WEB, rerun="2"), live=(live,)))["web"][0] is Action.UPDATE


def test_what_is_written_anew_or_left_git_is_remembered_no_longer() -> None:
    changed = manifest(JOB, "2")

    def kept(
        *wanted: Manifest, written: tuple[ObjectRef, ...] = (), is_applied: bool = True
    ) -> dict[str, str]:
        return one_shot.remembered(DONE, wanted, written, is_applied=is_applied)

    assert kept(RUN) == DONE
    assert kept(changed) == DONE
    assert kept(changed, written=(JOB,)) == {}
    assert kept() == {}
    assert kept(is_applied=False) == DONE
