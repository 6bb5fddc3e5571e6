"""Who gets an object that two repositories declare, and who waits for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from towline.api import gitrepository
from towline.core import claims, plan
from towline.core.claims import Claim, Neighbour, Standing
from towline.errors import Failure, Refusal
from towline.model import Action, Key, Live, Manifest, ObjectRef, Plan

from tests.core import strategies as world
from tests.core.strategies import POLICY

ME, OTHER = POLICY.key, world.OTHER
SHA, BEFORE = "a" * 40, "b" * 40
FOLLOWS = "https://git.example/shop.git {'branch': 'main'}"


def neighbour(key: Key = OTHER, **differs: Any) -> Neighbour:
    """Another repository, younger than `ME`, that follows the same ref and has read nothing yet."""
    younger = "2026-01-02T00:00:00Z"
    plain = Neighbour(key=key, created_at=younger, follows=FOLLOWS, reads=True, writes=True, deleting=False)
    return replace(plain, **differs)


def elder(**differs: Any) -> Neighbour:
    """One that is older than `ME`."""
    return neighbour(**{"created_at": "2025-12-31T00:00:00Z", **differs})


def me() -> Neighbour:
    return neighbour(ME, created_at="2026-01-01T00:00:00Z")


def claim(*refs: ObjectRef, sha: str = SHA) -> Claim:
    return Claim(sha=sha, refs=frozenset(refs))


def declared(name: str = "one") -> Manifest:
    return world.manifest(ObjectRef("", "ConfigMap", "shop", name))


def standing(decided: Plan, *others: Neighbour, live: dict[ObjectRef, Live] | None = None) -> Standing:
    return claims.stand(me(), SHA, decided, live or {}, others)


def creates(*manifests: Manifest, policy: Any = POLICY) -> Plan:
    return plan.plan(manifests, {}, policy, SHA)


def prunes(*manifests: Manifest) -> tuple[Plan, dict[ObjectRef, Live]]:
    live = {each.ref: world.applied(each) for each in manifests}
    return plan.plan((declared("stays"),), live, POLICY, SHA), live


def test_what_nobody_owns_goes_to_the_older_of_two_repositories() -> None:
    one = declared()
    found = standing(creates(one), elder(claim=claim(one.ref)))
    decided = creates(one, policy=replace(POLICY, standing=found))
    assert not decided.applies
    (failure,) = decided.failures
    assert failure.reason == Refusal.OWNED_BY_ANOTHER
    assert str(OTHER) in failure.message


def test_the_older_of_two_repositories_creates_what_both_declare() -> None:
    one = declared()
    found = standing(creates(one), neighbour(claim=claim(one.ref)))
    assert creates(one, policy=replace(POLICY, standing=found)).applies


def test_of_two_repositories_of_the_same_second_the_first_name_wins() -> None:
    one = declared()
    twin = neighbour(created_at=me().created_at, claim=claim(one.ref))
    first, last = Key("a", "a"), Key("z", "z")
    assert standing(creates(one), replace(twin, key=first)).rivals == {one.ref: first}
    assert not standing(creates(one), replace(twin, key=last)).rivals


def test_of_three_repositories_the_oldest_is_named() -> None:
    one = declared()
    oldest = elder(key=Key("shop", "oldest"), created_at="2025-01-01T00:00:00Z", claim=claim(one.ref))
    assert standing(creates(one), elder(claim=claim(one.ref)), oldest).rivals == {one.ref: oldest.key}


def test_one_that_does_not_write_is_no_rival_but_keeps_an_object_from_being_pruned() -> None:
    one = declared()
    suspended = elder(writes=False, claim=claim(one.ref))
    assert not standing(creates(one), suspended).rivals
    decided, live = prunes(one)
    assert standing(decided, suspended, live=live).elsewhere == {one.ref}


def test_a_creation_waits_for_an_older_repository_that_has_said_nothing_yet() -> None:
    one = declared()
    found = standing(creates(one), elder())
    assert found.elders == {OTHER}
    decided = creates(one, policy=replace(POLICY, standing=found))
    assert not decided.changes
    assert [change.ref for change in decided.waiting] == [one.ref]
    assert str(OTHER) in decided.waiting[0].message


def test_nobody_waits_for_a_younger_repository_nor_for_one_that_has_tried_in_vain() -> None:
    one = declared()
    assert standing(creates(one), neighbour(), elder(tried=True)) == claims.ALONE


def test_a_prune_waits_until_those_that_follow_the_same_ref_have_read_the_commit() -> None:
    one = declared()
    decided, live = prunes(one)
    behind = neighbour(claim=claim(sha=BEFORE), tried=True)
    assert standing(decided, behind, live=live).awaited == {OTHER}
    assert not standing(decided, replace(behind, claim=claim()), live=live).awaited
    assert not standing(decided, replace(behind, follows="elsewhere"), live=live).awaited
    assert not standing(decided, replace(behind, reads=False, writes=False), live=live).awaited


def test_a_prune_waits_for_one_under_observe_too_so_that_chance_decides_nothing() -> None:
    one = declared()
    decided, live = prunes(one)
    observes = neighbour(writes=False, claim=claim(sha=BEFORE))
    assert standing(decided, observes, live=live).awaited == {OTHER}
    found = standing(decided, replace(observes, claim=claim(one.ref)), live=live)
    assert found == Standing(elsewhere=frozenset({one.ref}))


def test_a_repository_that_ends_waits_for_no_neighbour_that_has_tried_in_vain() -> None:
    decided, live = prunes(declared())
    vain = neighbour(tried=True)
    assert not claims.stand(me(), "", decided, live, [vain]).awaited
    assert claims.stand(me(), "", decided, live, [neighbour()]).awaited == {OTHER}


def test_a_prune_waits_for_the_first_attempt_of_every_other_repository() -> None:
    decided, live = prunes(declared())
    assert standing(decided, neighbour(follows="elsewhere"), live=live).awaited == {OTHER}
    assert not standing(decided, neighbour(follows="elsewhere", tried=True), live=live).awaited


def test_what_another_repository_declares_is_released_to_it_without_waiting() -> None:
    one = declared()
    decided, live = prunes(one)
    found = standing(decided, neighbour(claim=claim(one.ref)), live=live)
    assert found == Standing(elsewhere=frozenset({one.ref}))


def test_a_repository_that_is_being_deleted_declares_nothing_any_more() -> None:
    one = declared()
    decided, live = prunes(one)
    ending = neighbour(deleting=True, writes=False, claim=claim(one.ref))
    assert not standing(decided, ending, live=live).elsewhere


def anothers(one: Manifest) -> tuple[Plan, dict[ObjectRef, Live]]:
    """A plan that meets an object of `OTHER`."""
    live = {one.ref: world.anothers(world.applied(one))}
    return plan.plan((one,), live, POLICY, SHA), live


def test_an_object_is_left_to_an_owner_that_declares_it() -> None:
    one = declared()
    decided, live = anothers(one)
    found = standing(decided, neighbour(claim=claim(one.ref)), live=live)
    assert not found.coming
    assert [failure.reason for failure in decided.failures] == [Refusal.OWNED_BY_ANOTHER]


def test_an_object_is_waited_for_while_its_owner_may_still_let_it_go() -> None:
    one = declared()
    decided, live = anothers(one)
    lets_go = [
        neighbour(claim=claim()),
        neighbour(claim=claim(one.ref, sha=BEFORE)),
        neighbour(),
        neighbour(deleting=True, writes=False, claim=claim(one.ref)),
    ]
    for owner in lets_go:
        found = standing(decided, owner, live=live)
        assert found.coming == {one.ref: OTHER}
        waits = plan.plan((one,), live, replace(POLICY, standing=found), SHA)
        assert not waits.changes
        assert not waits.failures
        assert [change.action for change in waits.waiting] == [Action.SKIP]


def test_an_object_is_not_waited_for_where_its_owner_cannot_read_its_source_or_does_not_write() -> None:
    one = declared()
    decided, live = anothers(one)
    assert not standing(decided, neighbour(tried=True), live=live).coming
    assert not standing(decided, neighbour(writes=False), live=live).coming
    assert not standing(decided, live=live).coming


def test_the_others_do_not_matter_to_a_plan_that_only_updates() -> None:
    one = declared()
    updated = plan.plan((one,), {one.ref: world.applied(one)._replace(digest="old")}, POLICY, SHA)
    assert updated.applies
    assert not claims.concerns(updated)
    assert claims.concerns(creates(one))
    assert claims.concerns(Plan(failures=(Failure(reason=Refusal.OWNED_BY_ANOTHER, message=""),)))


@given(st.permutations([neighbour(Key("shop", name)) for name in "abcd"]))
def test_the_order_in_which_others_are_seen_does_not_matter(others: list[Neighbour]) -> None:
    one = declared()
    known = [replace(each, claim=claim(one.ref), created_at="2025-01-01T00:00:00Z") for each in others]
    assert standing(creates(one), *known).rivals == {one.ref: Key("shop", "a")}


def test_any_stored_resource_can_be_seen_by_the_others() -> None:
    raw = {"metadata": {"namespace": "a", "name": "b", "uid": "c"}, "spec": {"url": 7, "ref": "main"}}
    assert claims.neighbour(gitrepository.identify(raw)).writes
    paused = {**raw, "spec": {"suspend": True}}
    assert not claims.neighbour(gitrepository.identify(paused)).writes
    assert not claims.neighbour(gitrepository.identify(paused)).reads
    observed = claims.neighbour(gitrepository.identify({**raw, "spec": {"mode": "Observe"}}))
    assert (observed.reads, observed.writes) == (True, False)
