from __future__ import annotations

from dataclasses import replace

import pytest
from towline.model import CURRENT, Action, Health, Live, Manifest, ObjectRef, Plan, State
from towline.plan.build import plan
from towline.plan.claims import ClaimResult
from towline.plan.ownership import Policy

from tests.plan.strategies import POLICY, SHA, entry, live, manifest

JOB = ObjectRef("batch", "Job", "shop", "migrate")
WEB = ObjectRef("apps", "Deployment", "shop", "web")
SETTINGS = ObjectRef("", "ConfigMap", "shop", "settings")
GATE = manifest(JOB, "1", 1, **{"wave": "-1", "wave-gate": "healthy"})
DESIRED = (GATE, manifest(WEB))
RUNS = Health(State.IN_PROGRESS, "0 of 1 Pods have completed")


def current(wanted: Manifest, health: Health = CURRENT) -> Live:
    """Return the live object that this manifest has led to."""
    return live(wanted.ref)._replace(digest=wanted.digest, fields=entry(wanted.body), health=health)


def planned(*found: Live, desired: tuple[Manifest, ...] = DESIRED, policy: Policy = POLICY) -> Plan:
    return plan(desired, {item.ref: item for item in found}, policy, SHA)


def done(found: Plan) -> dict[str, Action]:
    return {change.ref.name: change.action for change in found.changes}


def test_only_the_gate_is_written_at_first_and_what_comes_later_says_what_it_waits_for() -> None:
    found = planned()
    assert done(found) == {"migrate": Action.CREATE}
    (web,) = found.gated
    assert (web.ref, web.action) == (WEB, Action.CREATE)
    assert web.message == "waits until Job shop/migrate is healthy"


def test_what_another_repository_takes_waits_for_no_gate() -> None:
    moved = live(SETTINGS)
    refs = frozenset({SETTINGS})
    policy = replace(POLICY, standing=ClaimResult(elsewhere=refs, taken=refs))
    found = planned(moved, policy=policy)
    assert done(found) == {"migrate": Action.CREATE, "settings": Action.RELEASE}
    assert [change.ref for change in found.handover.changes] == [SETTINGS]
    assert {change.ref for change in found.handover.waiting} == {JOB, WEB}


@pytest.mark.parametrize(
    "health",
    [RUNS, Health(State.FAILED, "BackoffLimitExceeded"), Health(State.TERMINATING)],
    ids=lambda health: str(health.state),
)
def test_a_gate_that_is_not_current_stays_closed(health: Health) -> None:
    found = planned(current(GATE, health))
    assert done(found) == {"migrate": Action.KEEP}
    assert [change.ref for change in found.gated] == [WEB]


def test_an_open_gate_holds_nothing() -> None:
    found = planned(current(GATE))
    assert done(found) == {"migrate": Action.KEEP, "web": Action.CREATE}
    assert found.gated == ()


def test_a_gate_that_is_to_change_is_closed_however_well_it_is() -> None:
    changed = manifest(JOB, "2", 1, **{"wave": "-1", "wave-gate": "healthy"})
    found = planned(current(GATE), desired=(changed, manifest(WEB)))
    assert done(found) == {"migrate": Action.UPDATE}
    assert [change.ref for change in found.gated] == [WEB]


def test_a_gate_holds_later_waves_only() -> None:
    beside = manifest(SETTINGS, wave="-1")
    found = planned(desired=(GATE, beside, manifest(WEB)))
    assert done(found) == {"migrate": Action.CREATE, "settings": Action.CREATE}


def test_the_first_of_several_gates_counts() -> None:
    second = manifest(WEB, "1", 1, **{"wave-gate": "healthy"})
    last = manifest(SETTINGS, wave="1")
    assert [each.ref for each in planned(desired=(GATE, second, last)).gated] == [WEB, SETTINGS]
    found = planned(current(GATE), desired=(GATE, second, last))
    assert [each.message for each in found.gated] == ["waits until Deployment shop/web is healthy"]


def test_nothing_is_removed_before_the_gate_is_open() -> None:
    leaving = live(SETTINGS)
    web = manifest(WEB)
    shut = planned(current(GATE, RUNS), current(web), leaving)
    assert [(each.ref, each.action) for each in shut.gated] == [(SETTINGS, Action.PRUNE)]
    assert shut.removals == ()
    assert [each.ref for each in planned(current(GATE), current(web), leaving).removals] == [SETTINGS]


def test_drift_is_repaired_behind_a_closed_gate() -> None:
    web = manifest(WEB)
    robbed = current(web)._replace(fields=b"{}")
    assert done(planned(current(GATE, RUNS), robbed))["web"] is Action.REPAIR


def test_what_was_written_before_and_is_gone_comes_back_behind_a_closed_gate() -> None:
    web = manifest(WEB)
    found = planned(current(GATE, RUNS), policy=replace(POLICY, written={WEB: web.digest}))
    assert done(found)["web"] is Action.CREATE


def test_a_gate_that_has_let_everything_through_once_holds_nothing_any_more() -> None:
    found = planned(current(GATE, RUNS), policy=replace(POLICY, gated=False))
    assert done(found) == {"migrate": Action.KEEP, "web": Action.CREATE}


def test_a_gate_that_is_refused_is_closed() -> None:
    anothers = current(GATE)._replace(terminating=True)
    found = planned(anothers)
    assert [failure.object for failure in found.failures] == [str(JOB)]
    assert [change.ref for change in found.gated] == [WEB]
