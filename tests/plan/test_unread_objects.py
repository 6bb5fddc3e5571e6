"""What a plan does while a kind cannot be read: its objects wait, others go on, and nothing goes by mistake."""

from __future__ import annotations

from dataclasses import replace

import pytest
from towline.model import Action, Live, Manifest, ObjectRef, Plan
from towline.plan import claims
from towline.plan.build import plan
from towline.plan.claims import ClaimResult

from tests.plan.strategies import POLICY, SHA, live, manifest

WIDGET = ObjectRef("example.com", "Widget", "shop", "first")
WANTED = manifest(WIDGET)
WRITTEN = {WIDGET: WANTED.digest}
GATE = manifest(WIDGET, **{"wave-gate": "Healthy", "wave": "-1"})  # type: ignore[arg-type]  # no number among them
NEW, GONE = ObjectRef("", "ConfigMap", "shop", "new"), ObjectRef("", "ConfigMap", "shop", "gone")


def planned(
    *found: Live,
    desired: tuple[Manifest, ...] = (WANTED,),
    written: dict[ObjectRef, str] | None = None,
    standing: ClaimResult = claims.ALONE,
) -> Plan:
    policy = replace(
        POLICY,
        unreadable=frozenset({WIDGET.group_kind}),
        written=WRITTEN if written is None else written,
        standing=standing,
    )
    return plan(desired, {each.ref: each for each in found}, policy, SHA)


def actions(decided: Plan) -> list[tuple[Action, str]]:
    return [(change.action, change.ref.name) for change in decided.changes]


@pytest.mark.parametrize("known", [True, False])
def test_its_objects_are_neither_created_nor_deleted_nor_refused(*, known: bool) -> None:
    decided = planned(*([live(WIDGET)] if known else []))
    assert (decided.changes, decided.failures, decided.blocked) == ((), (), ())
    assert (decided.unread, decided.behind) == ((WIDGET,), False)


def test_objects_of_other_kinds_are_written_and_pruned() -> None:
    decided = planned(live(GONE), desired=(WANTED, manifest(NEW)))
    assert actions(decided) == [(Action.CREATE, "new"), (Action.PRUNE, "gone")]


@pytest.mark.parametrize("written", [{}, {WIDGET: "of an earlier commit"}], ids=["restarted", "changed"])
def test_nothing_is_pruned_before_the_whole_commit_is_known_to_be_written(
    written: dict[ObjectRef, str],
) -> None:
    decided = planned(live(GONE), desired=(WANTED, manifest(NEW)), written=written)
    assert actions(decided) == [(Action.CREATE, "new")]
    assert decided.behind


def test_what_another_repository_takes_waits_for_no_kind_that_cannot_be_read() -> None:
    refs = frozenset({GONE})
    standing = ClaimResult(elsewhere=refs, taken=refs)
    decided = planned(live(GONE), written={WIDGET: "of an earlier commit"}, standing=standing)
    assert actions(decided) == [(Action.RELEASE, "gone")]


def test_an_object_that_git_drops_waits_and_the_commit_is_not_whole() -> None:
    decided = planned(live(WIDGET), live(NEW), desired=(manifest(NEW),))
    assert actions(decided) == [(Action.KEEP, "new")]
    assert (decided.blocked, decided.behind) == ((), True)


def test_a_gate_that_cannot_be_read_holds_later_waves() -> None:
    decided = planned(desired=(GATE, manifest(NEW)), written={WIDGET: GATE.digest})
    assert decided.changes == ()
    assert [change.ref for change in decided.gated] == [NEW]


def test_a_source_of_unread_objects_alone_is_not_empty() -> None:
    decided = planned(live(GONE))
    assert (actions(decided), decided.blocked) == ([(Action.PRUNE, "gone")], ())
