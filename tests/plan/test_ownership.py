"""Who owns an object: what anybody may write on it proves nothing, what records tell of the time before does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from towline.errors import Refusal
from towline.model import Action, GroupKind, Live, ObjectRef, Stamp
from towline.plan import build, ownership
from towline.plan.ownership import Evidence, Ownership, Policy

from tests.plan import strategies as world
from tests.plan.strategies import EARLIER_UID, POLICY, SHA, UID

REF = ObjectRef("", "ConfigMap", "shop", "settings")
LIVE = world.live(REF)
NAMED = frozenset({str(REF)})
WITHOUT_VALID = [Stamp.NONE, Stamp.WRONG, Stamp.REMOVED]


def known(**evidence: object) -> Policy:
    return replace(POLICY, evidence=Evidence(**evidence))  # type: ignore[arg-type]  # the values of the tests below


def whose(found: Live, policy: Policy = POLICY) -> Ownership:
    return ownership.ownership(found, policy)


@pytest.mark.parametrize("stamp", WITHOUT_VALID)
@pytest.mark.parametrize("owner", [UID, EARLIER_UID])
def test_without_a_valid_stamp_an_object_is_nobodys_whatever_else_it_says(stamp: Stamp, owner: str) -> None:
    assert whose(LIVE._replace(stamp=stamp, owner=owner)) is Ownership.NOT_OURS
    assert "stamp" in ownership.missing(LIVE._replace(stamp=stamp, owner=owner), POLICY)


def test_an_object_from_before_stamps_counts_where_a_record_names_it() -> None:
    before = LIVE._replace(stamp=Stamp.NONE)
    assert whose(before, known(named={UID: NAMED})) is Ownership.OURS
    assert whose(before, known(named={UID: frozenset({"ConfigMap/shop/another"})})) is Ownership.NOT_OURS
    assert whose(before, known(named={EARLIER_UID: NAMED})) is Ownership.NOT_OURS


def test_where_records_are_missing_only_what_is_older_than_the_key_waits_for_a_person() -> None:
    early = LIVE._replace(stamp=Stamp.NONE, early=True)
    assert whose(early) is Ownership.INHERITED
    assert whose(early, known(whole=frozenset({UID}))) is Ownership.NOT_OURS
    assert whose(early._replace(early=False)) is Ownership.NOT_OURS


def test_with_a_lost_key_what_records_name_waits_for_a_person() -> None:
    lost = LIVE._replace(stamp=Stamp.WRONG)
    assert whose(lost, known(named={UID: NAMED}, whole=frozenset({UID}))) is Ownership.INHERITED
    assert whose(lost._replace(early=True)) is Ownership.INHERITED


def test_an_object_whose_stamp_was_taken_off_is_known_and_belongs_to_nobody_until_it_is_repaired() -> None:
    robbed = LIVE._replace(stamp=Stamp.REMOVED, early=True)
    assert whose(robbed, known(named={UID: NAMED})) is Ownership.NOT_OURS
    plan = build.plan((world.manifest(REF),), {REF: robbed}, replace(POLICY, written={REF: LIVE.digest}), SHA)
    assert [(each.action, each.restores) for each in plan.changes] == [(Action.ADOPT, True)]


def test_what_an_earlier_resource_of_this_name_wrote_is_inherited_and_what_another_one_wrote_is_not() -> None:
    theirs = LIVE._replace(owner=EARLIER_UID)
    assert whose(theirs) is Ownership.INHERITED
    relabelled = known(strangers=frozenset({EARLIER_UID}))
    assert whose(theirs, relabelled) is Ownership.NOT_OURS
    assert "another GitRepository" in ownership.missing(theirs, relabelled)
    assert whose(theirs._replace(stamp=Stamp.NONE, early=True), relabelled) is Ownership.NOT_OURS


@pytest.mark.parametrize("stamp", WITHOUT_VALID)
def test_nobody_is_kept_from_a_declared_object_by_forged_marks_of_another_repository(stamp: Stamp) -> None:
    forged = world.anothers(LIVE)._replace(stamp=stamp)
    assert whose(world.anothers(LIVE)) is Ownership.ANOTHER
    assert whose(forged) is Ownership.NOT_OURS
    plan = build.plan((world.manifest(REF),), {REF: forged}, POLICY, SHA)
    assert [each.action for each in plan.changes] == [Action.ADOPT]
    early = forged._replace(early=stamp is not Stamp.REMOVED)
    assert whose(early) is (Ownership.NOT_OURS if stamp is Stamp.REMOVED else Ownership.ANOTHER)


@pytest.mark.parametrize("early", [True, False])
def test_an_upgrade_by_itself_changes_nothing(early: bool) -> None:  # noqa: FBT001
    before = LIVE._replace(stamp=Stamp.NONE, early=early)
    policy = known(named={UID: NAMED}, whole=frozenset({UID})) if not early else POLICY
    plan = build.plan((world.manifest(REF),), {REF: before}, policy, SHA)
    assert [each.action for each in plan.changes] == [Action.KEEP]
    plan = build.plan((world.manifest(REF, "2"),), {REF: before}, policy, SHA)
    assert [each.action for each in plan.changes] == [Action.UPDATE]


def test_what_left_git_before_it_had_a_stamp_is_pruned_if_a_record_names_it_and_else_waits() -> None:
    before, kept = LIVE._replace(stamp=Stamp.NONE, early=True), ObjectRef("", "ConfigMap", "shop", "kept")
    live = {REF: before, kept: world.live(kept)}
    desired = (world.manifest(kept),)
    gone = build.plan(desired, live, known(named={UID: NAMED}), SHA)
    assert [each.ref for each in gone.removals] == [REF]
    waits = build.plan(desired, live, POLICY, SHA)
    assert [(each.ref, each.reason) for each in waits.blocked] == [(REF, Refusal.INHERITED)]
    assert "stamp" in waits.blocked[0].message


def test_after_the_loss_of_the_key_declared_objects_are_stamped_anew_and_others_wait() -> None:
    left = ObjectRef("", "ConfigMap", "shop", "left")
    lost = {ref: world.live(ref)._replace(stamp=Stamp.WRONG, early=True) for ref in (REF, left)}
    plan = build.plan((world.manifest(REF),), lost, POLICY, SHA)
    assert [(each.ref, each.action) for each in plan.applies] == [(REF, Action.UPDATE)]
    assert "stamped anew" in plan.applies[0].message
    assert [(each.ref, each.reason) for each in plan.blocked] == [(left, Refusal.INHERITED)]


@pytest.mark.parametrize("stamp", [Stamp.NONE, Stamp.WRONG])
def test_forged_objects_of_every_kind_block_no_prune_and_count_for_nothing(stamp: Stamp) -> None:
    kept, gone = (ObjectRef("", "ConfigMap", "shop", name) for name in ("kept", "gone"))
    kinds = [GroupKind("", "ConfigMap")] * 20 + [GroupKind("", "PersistentVolumeClaim")]
    refs = [ObjectRef(*kind, "theirs", f"forged-{number}") for number, kind in enumerate(kinds)]
    forged = {ref: world.live(ref)._replace(stamp=stamp) for ref in refs}
    live = {kept: world.live(kept), gone: world.live(gone), **forged}
    plan = build.plan((world.manifest(kept),), live, POLICY, SHA)
    assert plan.blocked == ()
    assert [each.ref for each in plan.removals] == [gone]
    assert not plan.token
