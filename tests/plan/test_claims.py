"""Who gets an object that two repositories declare, and who waits for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.api import gitrepository
from towline.api.gitrepository import Ref, RefKind
from towline.errors import Failure, Refusal
from towline.model import Action, Key, Live, Manifest, ObjectRef, Plan
from towline.plan import build, claims
from towline.plan.claims import Claim, ClaimResult, Neighbour
from towline.plan.same_ref import Follows

from tests.plan import strategies as world
from tests.plan.strategies import POLICY

ME, OTHER = POLICY.key, world.OTHER
SHA, BEFORE = "a" * 40, "b" * 40
URL = "https://git.example/shop.git"
FOLLOWS = Follows(url=URL, ref=Ref(kind=RefKind.NAME, value="refs/heads/main"))
ELSEWHERE = replace(FOLLOWS, url="https://git.example/else.git")
COMMIT, OTHER_COMMIT = "C" * 40, "D" * 40


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


def standing(decided: Plan, *others: Neighbour, live: dict[ObjectRef, Live] | None = None) -> ClaimResult:
    return claims.stand(me(), SHA, decided, live or {}, others)


def creates(*manifests: Manifest, policy: Any = POLICY) -> Plan:
    return build.plan(manifests, {}, policy, SHA)


def prunes(*manifests: Manifest) -> tuple[Plan, dict[ObjectRef, Live]]:
    live = {each.ref: world.applied(each) for each in manifests}
    return build.plan((declared("stays"),), live, POLICY, SHA), live


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
    assert decided.waiting[0].message == (
        "waits until 1 GitRepository of another namespace, which came first, has read its commit"
    )


def test_nobody_waits_for_a_younger_repository_nor_for_one_that_has_tried_in_vain() -> None:
    one = declared()
    assert standing(creates(one), neighbour(), elder(tried=True)) == claims.ALONE


def test_a_prune_waits_until_those_that_follow_the_same_ref_have_read_the_commit() -> None:
    one = declared()
    decided, live = prunes(one)
    behind = neighbour(claim=claim(sha=BEFORE), tried=True)
    assert standing(decided, behind, live=live).awaited == {OTHER}
    assert not standing(decided, replace(behind, claim=claim()), live=live).awaited
    assert not standing(decided, replace(behind, follows=ELSEWHERE), live=live).awaited
    assert not standing(decided, replace(behind, reads=False, writes=False), live=live).awaited


def follows(url: Any = URL, seen: str = "", **ref: str) -> Follows:
    """What is followed by a spec with this url and these fields of its ref, last seen to lead to `seen`."""
    raw = {"metadata": {"namespace": "a", "name": "b", "uid": "c"}, "spec": {"url": url, "ref": ref}}
    return claims.neighbour(gitrepository.identify(raw), name=seen).follows


def is_awaited(mine: Follows, others: Follows) -> bool:
    """Tell whether a prune waits for another one which has read another commit."""
    decided, live = prunes(declared())
    behind = neighbour(follows=others, claim=claim(sha=BEFORE), tried=True)
    return bool(claims.stand(replace(me(), follows=mine), SHA, decided, live, [behind]).awaited)


MAIN = follows(branch="main", seen="refs/heads/main")
HEAD = follows(seen="refs/heads/main")
RELEASE = follows(semver="1.x", seen="refs/tags/v1.2.0")
BY_SSH = follows("ssh://git.example/shop", branch="main")


@pytest.mark.parametrize(
    ("mine", "others"),
    [
        (MAIN, follows(branch="main")),
        (MAIN, follows(name="refs/heads/main")),
        (follows(name="refs/heads/main"), MAIN),
        (MAIN, follows()),
        (MAIN, HEAD),
        (HEAD, MAIN),
        (HEAD, follows()),
        (HEAD, follows(seen="refs/heads/before")),
        (MAIN, follows(seen="HEAD")),
        (follows(seen="HEAD"), MAIN),
        (MAIN, follows("HTTPS://Git.Example:443/shop.git", branch="main")),
        (BY_SSH, follows("ssh://git@GIT.example:22/shop", branch="main")),
        (follows(tag="v1.2.0"), follows(name="refs/tags/v1.2.0")),
        (follows(tag="v1.2.0"), follows(semver="1.x")),
        (RELEASE, follows(tag="v1.2.0")),
        (RELEASE, follows(semver="1.x", seen="refs/tags/v1.1.0")),
        (RELEASE, follows(semver=">=1.0.0", seen="refs/tags/v1.1.0")),
        (RELEASE, follows(semver="1.2.x")),
        (follows(commit=COMMIT), follows(commit=COMMIT.lower())),
    ],
)
def test_a_prune_waits_for_those_that_may_follow_the_same_ref_however_their_spec_says_it(
    mine: Follows, others: Follows
) -> None:
    assert is_awaited(mine, others)


@pytest.mark.parametrize(
    ("mine", "others"),
    [
        (MAIN, follows(branch="next")),
        (MAIN, follows(tag="main")),
        (MAIN, follows(name="refs/heads/next")),
        (MAIN, follows(seen="refs/heads/next")),
        (MAIN, follows(commit=COMMIT)),
        (MAIN, follows(semver="1.x")),
        (HEAD, follows(branch="next")),
        (RELEASE, HEAD),
        (RELEASE, follows(semver="2.x")),
        (RELEASE, follows(semver=">=1.0.0", seen="refs/tags/v2.0.0")),
        (RELEASE, follows(semver="no range")),
        (follows(commit=COMMIT), follows(commit=OTHER_COMMIT)),
        (MAIN, follows("https://git.example/SHOP.git", branch="main")),
        (MAIN, follows("https://git.example:8443/shop.git", branch="main")),
        (MAIN, follows("http://git.example/shop.git", branch="main")),
        (BY_SSH, follows("ssh://me@git.example/shop", branch="main")),
        (MAIN, follows(7, branch="main")),
    ],
)
def test_a_prune_waits_for_nobody_whose_ref_is_known_to_be_another(mine: Follows, others: Follows) -> None:
    assert not is_awaited(mine, others)


def test_a_ref_says_the_same_by_its_full_name_and_an_empty_one_what_none_says() -> None:
    def seen(spec: dict[str, Any]) -> Follows:
        raw = {"metadata": {"namespace": "a", "name": "b", "uid": "c"}, "spec": {"url": URL, **spec}}
        return claims.neighbour(gitrepository.identify(raw)).follows

    assert seen({"ref": {"name": "refs/heads/main"}}) == seen({"ref": {"branch": "main"}})
    assert seen({"ref": {"name": "refs/tags/v1"}}) == seen({"ref": {"tag": "v1"}})
    assert seen({"ref": {}}) == seen({})


def test_a_prune_waits_for_one_under_observe_too_so_that_chance_decides_nothing() -> None:
    one = declared()
    decided, live = prunes(one)
    observes = neighbour(writes=False, claim=claim(sha=BEFORE))
    assert standing(decided, observes, live=live).awaited == {OTHER}
    found = standing(decided, replace(observes, claim=claim(one.ref)), live=live)
    assert found == ClaimResult(elsewhere=frozenset({one.ref}))


def test_a_repository_that_ends_waits_for_no_neighbour_that_has_tried_in_vain() -> None:
    decided, live = prunes(declared())
    vain = neighbour(tried=True)
    assert not claims.stand(me(), "", decided, live, [vain]).awaited
    assert claims.stand(me(), "", decided, live, [neighbour()]).awaited == {OTHER}


def test_a_prune_waits_for_the_first_attempt_of_every_other_repository() -> None:
    decided, live = prunes(declared())
    assert standing(decided, neighbour(follows=ELSEWHERE), live=live).awaited == {OTHER}
    assert not standing(decided, neighbour(follows=ELSEWHERE, tried=True), live=live).awaited


def test_what_another_repository_declares_is_released_to_it_without_waiting() -> None:
    one = declared()
    decided, live = prunes(one)
    found = standing(decided, neighbour(claim=claim(one.ref)), live=live)
    assert found == ClaimResult(elsewhere=frozenset({one.ref}), taken=frozenset({one.ref}))


def test_only_who_has_read_the_same_commit_and_writes_is_about_to_take_an_object() -> None:
    one = declared()
    decided, live = prunes(one)
    taker = neighbour(claim=claim(one.ref), tried=True)
    earlier = replace(taker, claim=claim(one.ref, sha=BEFORE))
    assert standing(decided, taker, live=live).taken == {one.ref}
    assert not standing(decided, replace(taker, writes=False), live=live).taken
    assert not standing(decided, earlier, live=live).taken
    assert standing(decided, replace(earlier, follows=ELSEWHERE), live=live).taken == {one.ref}


def test_what_another_one_declared_in_an_earlier_commit_waits_until_that_one_has_read_this_one() -> None:
    one = declared()
    decided, live = prunes(one)
    earlier = neighbour(claim=claim(one.ref, sha=BEFORE), tried=True)
    found = standing(decided, earlier, live=live)
    assert found.elsewhere == {one.ref}
    assert found.awaited == {OTHER}
    suspended = replace(earlier, reads=False, writes=False)
    assert not standing(decided, suspended, live=live).awaited


@pytest.mark.parametrize("kept", [True, False], ids=["that is kept", "that is released"])
def test_an_object_that_would_not_be_deleted_moves_as_well(*, kept: bool) -> None:
    one = declared()
    live = {one.ref: world.applied(one)._replace(prune_disabled=kept)}
    policy = replace(POLICY, prune=kept)
    decided = build.plan((), live, policy, SHA)
    found = standing(decided, neighbour(claim=claim(one.ref)), live=live)
    (change,) = build.plan((), live, replace(policy, standing=found), SHA).taken
    assert (change.action, change.ref) == (Action.RELEASE, one.ref)


def test_an_object_that_is_kept_waits_for_nobody() -> None:
    one = declared()
    live = {one.ref: world.applied(one)._replace(prune_disabled=True)}
    decided = build.plan((), live, POLICY, SHA)
    assert standing(decided, neighbour(claim=claim(sha=BEFORE), tried=True), live=live) == claims.ALONE


def test_a_repository_that_is_being_deleted_declares_nothing_any_more() -> None:
    one = declared()
    decided, live = prunes(one)
    ending = neighbour(deleting=True, writes=False, claim=claim(one.ref))
    assert not standing(decided, ending, live=live).elsewhere


def anothers(one: Manifest) -> tuple[Plan, dict[ObjectRef, Live]]:
    """A plan that meets an object of `OTHER`."""
    live = {one.ref: world.anothers(world.applied(one))}
    return build.plan((one,), live, POLICY, SHA), live


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
        waits = build.plan((one,), live, replace(POLICY, standing=found), SHA)
        assert not waits.changes
        assert not waits.failures
        assert [change.action for change in waits.waiting] == [Action.SKIP]


def test_an_owner_that_may_follow_the_same_ref_is_waited_for_until_it_has_read_the_commit() -> None:
    one = declared()
    decided, live = anothers(one)
    behind = neighbour(claim=claim(one.ref, sha=BEFORE))
    for same in (follows(), HEAD, follows(name="refs/heads/main")):
        assert standing(decided, replace(behind, follows=same), live=live).coming == {one.ref: OTHER}
        read = replace(behind, follows=same, claim=claim(one.ref))
        assert not standing(decided, read, live=live).coming


def test_an_owner_whose_ref_is_known_to_be_another_keeps_its_object_at_once() -> None:
    one = declared()
    decided, live = anothers(one)
    behind = neighbour(claim=claim(one.ref, sha=BEFORE))
    for other in (follows(branch="next"), follows(seen="refs/heads/next")):
        assert not standing(decided, replace(behind, follows=other), live=live).coming


def test_an_object_is_not_waited_for_where_its_owner_cannot_read_its_source_or_does_not_write() -> None:
    one = declared()
    decided, live = anothers(one)
    assert not standing(decided, neighbour(tried=True), live=live).coming
    assert not standing(decided, neighbour(writes=False), live=live).coming
    assert not standing(decided, live=live).coming


def test_the_others_do_not_matter_to_a_plan_that_only_updates() -> None:
    one = declared()
    updated = build.plan((one,), {one.ref: world.applied(one)._replace(digest="old")}, POLICY, SHA)
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
    metadata = {"namespace": "a", "name": "b", "uid": "c"}
    raw = {"metadata": metadata, "spec": {"url": 7, "ref": "main"}}
    assert claims.neighbour(gitrepository.identify(raw)).writes
    paused = {**raw, "spec": {"suspend": True}}
    assert not claims.neighbour(gitrepository.identify(paused)).writes
    assert not claims.neighbour(gitrepository.identify(paused)).reads
    resting = {**raw, "metadata": {**metadata, "annotations": {"towline.dev/suspend": "by=ada"}}}
    assert not claims.neighbour(gitrepository.identify(resting)).reads
    observed = claims.neighbour(gitrepository.identify({**raw, "spec": {"mode": "Observe"}}))
    assert (observed.reads, observed.writes) == (True, False)
