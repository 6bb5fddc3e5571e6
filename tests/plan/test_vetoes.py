from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from towline.api.gitrepository import Removal
from towline.errors import Reason, Refusal
from towline.model import Action, Change, Key, Live, ObjectRef
from towline.plan import vetoes
from towline.plan.claims import ClaimResult
from towline.plan.ownership import Policy
from towline.plan.vetoes import Removals

from tests.plan import strategies as world
from tests.plan.strategies import POLICY, live


def config_map(name: str) -> ObjectRef:
    return ObjectRef("", "ConfigMap", "shop", name)


def config_maps(count: int, prefix: str = "c") -> list[ObjectRef]:
    return [config_map(f"{prefix}{number}") for number in range(count)]


def removed(
    found: Iterable[Live], desired: Iterable[ObjectRef] = (config_map("stays"),), policy: Policy = POLICY
) -> Removals:
    owned = {item.ref: item for item in found}
    return vetoes.removals(owned, frozenset(desired), policy)


def confirmed(found: Iterable[Live], desired: Iterable[ObjectRef], policy: Policy = POLICY) -> Removals:
    objects = list(found)
    token = removed(objects, desired, policy).token
    return removed(objects, desired, replace(policy, confirm=token))


def only(changes: tuple[Change, ...]) -> Change:
    (change,) = changes
    return change


GONE = live(config_map("gone"))
STAYS = live(config_map("stays"))
NAMESPACE = live(ObjectRef("", "Namespace", "", "shop"))


def test_an_object_of_ours_that_left_git_is_pruned() -> None:
    found = removed([GONE, STAYS])
    assert [(change.action, change.ref) for change in found.changes] == [(Action.PRUNE, GONE.ref)]
    assert (found.blocked, found.token) == ((), "")


@pytest.mark.parametrize("stranger", world.STRANGERS)
def test_what_only_looks_like_ours_is_skipped_with_a_reason(stranger: Any) -> None:
    change = only(removed([stranger(GONE)._replace(label=POLICY.label)]).changes)
    assert (change.action, change.reason) == (Action.SKIP, Refusal.NOT_OURS)
    assert "no " in change.message


def test_what_says_prune_disabled_is_kept_and_blocks_nothing() -> None:
    kept = live(config_map("kept"))._replace(prune_disabled=True)
    found = removed([GONE, kept])
    assert [change.action for change in found.changes] == [Action.PRUNE, Action.SKIP]
    assert "towline.dev/prune" in found.changes[1].message


@pytest.mark.parametrize("finalizing", [None, Removal.CREATED, Removal.ALL])
def test_what_the_operator_runs_by_is_released_and_blocks_nothing(finalizing: Removal | None) -> None:
    own = live(ObjectRef("apps", "Deployment", "towline-system", "towline"))
    policy = replace(POLICY, installation=frozenset({own.ref}), finalizing=finalizing)
    found = removed([GONE, own], policy=policy)
    assert {change.ref: change.action for change in found.changes} == {
        GONE.ref: Action.PRUNE,
        own.ref: Action.RELEASE,
    }


def test_what_another_repository_declares_is_released_and_blocks_nothing() -> None:
    moved = live(config_map("moved"))
    found = removed(
        [GONE, moved], policy=replace(POLICY, standing=ClaimResult(elsewhere=frozenset({moved.ref})))
    )
    assert {change.ref: change.action for change in found.changes} == {
        GONE.ref: Action.PRUNE,
        moved.ref: Action.RELEASE,
    }


def test_a_source_whose_objects_all_moved_to_another_repository_is_no_empty_source() -> None:
    moved = [live(config_map(f"moved-{number}")) for number in range(20)]
    elsewhere = frozenset(each.ref for each in moved)
    found = removed(moved, desired=(), policy=replace(POLICY, standing=ClaimResult(elsewhere=elsewhere)))
    assert {change.action for change in found.changes} == {Action.RELEASE}
    assert not found.blocked


def test_nothing_is_pruned_nor_called_blocked_while_another_repository_has_the_commit_to_read() -> None:
    moved, reader = live(config_map("moved")), Key("shop", "reader")
    refs = frozenset({moved.ref})
    standing = ClaimResult(elsewhere=refs, taken=refs, awaited=frozenset({reader}))
    found = removed([GONE, NAMESPACE, moved], policy=replace(POLICY, standing=standing))
    assert [(change.ref, change.action) for change in found.changes] == [(moved.ref, Action.RELEASE)]
    assert {change.ref for change in found.waiting} == {GONE.ref, NAMESPACE.ref}
    assert all("shop/reader" in change.message for change in found.waiting)
    assert not found.blocked


def test_what_another_repository_may_drop_again_is_not_released_before_it_has_read_the_commit() -> None:
    moved = live(config_map("moved"))
    awaited = frozenset({Key("shop", "reader")})
    standing = ClaimResult(elsewhere=frozenset({moved.ref}), awaited=awaited)
    found = removed([moved, STAYS], policy=replace(POLICY, standing=standing))
    assert found.changes == ()
    assert [(change.ref, change.action) for change in found.waiting] == [(moved.ref, Action.RELEASE)]


def test_a_rename_of_everything_is_not_forgotten_while_another_repository_has_the_commit_to_read() -> None:
    old, new = config_maps(12, "old"), config_maps(12, "new")
    waits = replace(POLICY, standing=ClaimResult(awaited=frozenset({Key("shop", "reader")})))
    first = removed(map(live, old), desired=new, policy=waits)
    assert {change.ref for change in first.waiting} == {change.ref for change in first.blocked} == set(old)
    assert first.changes == ()
    assert first.token


def test_a_loss_is_not_called_blocked_before_it_is_known_whether_the_objects_only_move() -> None:
    refs = config_maps(20)
    waits = replace(POLICY, standing=ClaimResult(awaited=frozenset({Key("shop", "reader")})))
    found = removed(map(live, refs), desired=refs[12:], policy=waits)
    assert len(found.waiting) == 12
    assert not found.blocked


def test_what_is_being_deleted_is_waited_for_in_silence() -> None:
    assert removed([GONE._replace(terminating=True)]) == Removals()


def test_without_prune_an_object_is_released() -> None:
    change = only(removed([GONE, STAYS], policy=replace(POLICY, prune=False)).changes)
    assert change.action is Action.RELEASE


@pytest.mark.parametrize(
    "kind",
    [
        ("", "Namespace"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("towline.dev", "GitRepository"),
        ("argoproj.io", "Application"),
        ("kustomize.toolkit.fluxcd.io", "Kustomization"),
        ("helm.toolkit.fluxcd.io", "HelmRelease"),
        ("cluster.x-k8s.io", "Cluster"),
    ],
)
def test_a_data_kind_blocks_every_prune_of_the_plan(kind: tuple[str, str]) -> None:
    precious = live(ObjectRef(*kind, "shop", "x"))
    found = removed([precious, GONE, STAYS])
    assert found.changes == ()
    assert {change.ref for change in found.blocked} == {precious.ref, GONE.ref}
    reasons = {change.ref: change.message for change in found.blocked}
    assert kind[1] in reasons[precious.ref]
    assert "waits" in reasons[GONE.ref]
    assert {change.reason for change in found.blocked} == {Reason.PRUNE_BLOCKED}


def test_the_configurable_list_can_be_emptied_but_not_the_fixed_one() -> None:
    policy = replace(POLICY, data_kinds=frozenset())
    assert removed([live(ObjectRef("argoproj.io", "Application", "shop", "x"))], policy=policy).blocked == ()
    assert removed([NAMESPACE], policy=policy).blocked


def test_a_data_kind_does_not_hold_a_release_back() -> None:
    change = only(removed([NAMESPACE], policy=replace(POLICY, prune=False)).changes)
    assert change.action is Action.RELEASE


def test_a_namesake_of_a_data_kind_in_another_group_is_pruned() -> None:
    assert removed([live(ObjectRef("example.com", "Namespace", "shop", "x"))]).blocked == ()


def test_an_inherited_object_waits_for_a_person() -> None:
    change = only(removed([world.inherited(GONE)]).blocked)
    assert (change.action, change.reason) == (Action.PRUNE, Refusal.INHERITED)


def test_an_empty_source_removes_nothing() -> None:
    found = removed([GONE, STAYS], desired=())
    assert found.changes == ()
    assert {change.reason for change in found.blocked} == {Reason.SOURCE_EMPTY}


def test_an_empty_source_releases_nothing_either() -> None:
    found = removed([GONE], desired=(), policy=replace(POLICY, prune=False))
    assert found.changes == ()
    assert only(found.blocked).action is Action.RELEASE


def test_an_empty_source_that_never_had_anything_is_in_order() -> None:
    assert removed([], desired=()) == Removals()


@pytest.mark.parametrize(
    ("owned", "leaving", "blocked"),
    [(20, 12, True), (20, 11, True), (20, 10, False), (10, 6, True), (10, 5, False), (9, 8, False)],
)
def test_losing_most_of_many_objects_is_blocked(owned: int, leaving: int, blocked: bool) -> None:  # noqa: FBT001 - a table
    refs = config_maps(owned)
    found = removed(map(live, refs), desired=refs[leaving:])
    assert bool(found.blocked) is blocked
    assert len(found.blocked or found.changes) == leaving
    assert all(f"{leaving} of {owned}" in change.message for change in found.blocked)


def test_losing_most_of_many_objects_holds_releases_back_too() -> None:
    refs = config_maps(20)
    found = removed(map(live, refs), desired=refs[12:], policy=replace(POLICY, prune=False))
    assert found.changes == ()
    assert {change.action for change in found.blocked} == {Action.RELEASE}


def test_strangers_and_dying_objects_do_not_count_as_owned() -> None:
    refs = config_maps(9)
    dying = [live(ref)._replace(terminating=True) for ref in config_maps(5, "dying")]
    copies = [world.copied(live(ref)) for ref in config_maps(5, "copy")]
    found = removed([*map(live, refs), *dying, *copies], desired=refs[8:])
    assert found.blocked == ()


def test_a_rename_of_everything_stays_blocked_after_the_new_names_are_written() -> None:
    old, new = config_maps(12, "old"), config_maps(12, "new")
    first = removed(map(live, old), desired=new)
    assert len(first.blocked) == 12
    second = removed(map(live, old + new), desired=new, policy=replace(POLICY, doubted=first.doubted))
    assert {change.message for change in second.blocked} == {change.message for change in first.blocked}
    assert {change.ref for change in second.blocked} == set(old)
    assert second.token == first.token


def test_what_is_left_of_a_blocked_list_goes_when_it_is_no_loss_to_speak_of() -> None:
    refs = config_maps(20)
    found = removed(map(live, refs), desired=refs[5:], policy=replace(POLICY, doubted=20))
    assert len(found.changes) == 5


def test_the_token_lets_exactly_its_list_go() -> None:
    found = confirmed([NAMESPACE, GONE, STAYS], [STAYS.ref])
    assert {change.ref for change in found.changes} == {NAMESPACE.ref, GONE.ref}
    assert (found.blocked, found.token) == ((), "")


@pytest.mark.parametrize(
    "since",
    [
        {"more": live(config_map("another"))},
        {"uid": "recreated"},
        {"policy": replace(POLICY, uid="another repository")},
        {"policy": replace(POLICY, prune=False)},
        {"policy": replace(POLICY, applied="the commit that took the loss back")},
    ],
)
def test_a_token_is_stale_once_its_list_has_changed(since: dict[str, Any]) -> None:
    objects = [live(ref) for ref in config_maps(20)]
    shown = removed(objects, [objects[0].ref])
    changed = [objects[-1]._replace(uid=since.get("uid", objects[-1].uid)), *objects[:-1]]
    if "more" in since:
        changed.append(since["more"])
    policy = since.get("policy", POLICY)
    if policy.uid != POLICY.uid:
        changed = [item._replace(owner=item.owner.replace(POLICY.uid, policy.uid)) for item in changed]
    later = removed(changed, [objects[0].ref], replace(policy, confirm=shown.token))
    assert later.token not in {"", shown.token}
    assert later.changes == ()


def test_a_token_without_a_list_does_nothing() -> None:
    assert removed([STAYS], policy=replace(POLICY, confirm="0123456789ab")) == Removals()


def test_a_token_is_short_enough_to_type() -> None:
    token = removed([NAMESPACE]).token
    assert 8 <= len(token) <= 16
    assert set(token) <= set("0123456789abcdef")


def test_prunes_run_in_reverse_order_of_the_writes() -> None:
    kinds = [
        ("", "ConfigMap"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apps", "Deployment"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
    ]
    found = removed([live(ObjectRef(*kind, "shop", "x")) for kind in kinds])
    assert [change.ref.kind for change in found.changes] == [
        "ValidatingWebhookConfiguration",
        "Deployment",
        "RoleBinding",
        "Role",
        "ConfigMap",
    ]


ENDING = replace(POLICY, finalizing=Removal.CREATED)


def test_a_deleted_repository_prunes_its_objects_however_many() -> None:
    found = removed(map(live, config_maps(30)), desired=(), policy=ENDING)
    assert {change.action for change in found.changes} == {Action.PRUNE}
    assert (len(found.changes), found.blocked) == (30, ())


@pytest.mark.parametrize(
    "protected",
    [NAMESPACE, GONE._replace(prune_disabled=True), world.inherited(GONE)],
    ids=["data kind", "prune disabled", "inherited"],
)
def test_a_deleted_repository_releases_what_may_not_be_deleted(protected: Live) -> None:
    found = removed([protected, STAYS], desired=(), policy=ENDING)
    assert {change.ref: change.action for change in found.changes} == {
        protected.ref: Action.RELEASE,
        STAYS.ref: Action.PRUNE,
    }
    assert all(change.message for change in found.changes if change.action is Action.RELEASE)


@pytest.mark.parametrize(
    ("policy", "action"), [(Removal.CREATED, Action.RELEASE), (Removal.ALL, Action.PRUNE)]
)
def test_a_deleted_repository_deletes_what_it_adopted_only_where_the_spec_says_so(
    policy: Removal, action: Action
) -> None:
    existed = GONE._replace(adopted=True)
    found = removed([existed, STAYS], desired=(), policy=replace(ENDING, finalizing=policy))
    assert {change.ref: change.action for change in found.changes} == {
        existed.ref: action,
        STAYS.ref: Action.PRUNE,
    }


def test_what_was_adopted_and_leaves_git_is_pruned_like_everything_else() -> None:
    assert only(removed([GONE._replace(adopted=True)]).changes).action is Action.PRUNE


def test_the_annotation_of_an_object_comes_before_the_spec() -> None:
    wanted = GONE._replace(prune_enabled=True)
    policy = replace(POLICY, prune=False)
    assert only(removed([wanted], policy=policy).changes).action is Action.PRUNE
    assert only(removed([GONE], policy=policy).changes).action is Action.RELEASE


def test_no_annotation_lifts_the_veto_of_a_data_kind() -> None:
    found = removed([NAMESPACE._replace(prune_enabled=True)], policy=replace(POLICY, prune=False))
    assert (found.changes, [change.ref for change in found.blocked]) == ((), [NAMESPACE.ref])
    (ended,) = removed([NAMESPACE._replace(prune_enabled=True)], desired=(), policy=ENDING).changes
    assert ended.action is Action.RELEASE


def test_a_deleted_repository_releases_what_another_one_declares() -> None:
    policy = replace(ENDING, standing=ClaimResult(elsewhere=frozenset({GONE.ref})))
    assert only(removed([GONE], desired=(), policy=policy).changes).action is Action.RELEASE


@pytest.mark.parametrize("policy", [replace(POLICY, finalizing=Removal.NONE), replace(ENDING, prune=False)])
def test_a_repository_that_orphans_releases_everything_of_its_own(policy: Policy) -> None:
    found = removed([NAMESPACE, GONE, world.inherited(STAYS)], desired=(), policy=policy)
    assert [change.action for change in found.changes] == 3 * [Action.RELEASE]


@pytest.mark.parametrize("ending", Removal)
@pytest.mark.parametrize("stranger", world.STRANGERS)
def test_a_deleted_repository_leaves_alone_what_only_looks_like_its_own(
    stranger: Any, ending: Removal
) -> None:
    found = removed(
        [stranger(GONE)._replace(label=POLICY.label)], desired=(), policy=replace(POLICY, finalizing=ending)
    )
    assert only(found.changes).action is Action.SKIP


def test_a_data_kind_that_blocked_leaves_no_doubt_about_the_source_and_comes_first() -> None:
    found = removed(
        [*map(live, config_maps(6, "gone")), NAMESPACE, *map(live, config_maps(9, "z"))],
        desired=config_maps(9, "z"),
    )
    assert found.doubted == 0
    assert found.blocked[0].ref == NAMESPACE.ref
    assert found.blocked[0].message == "deleting Namespace shop loses everything in it"


def test_many_that_are_waited_for_are_counted_and_three_of_the_own_namespace_named() -> None:
    near = {Key("shop", f"app-{number}") for number in range(5)}
    awaited = frozenset(near | {Key("secret", f"x-{number}") for number in range(24)})
    change = removed([GONE], policy=replace(POLICY, standing=ClaimResult(awaited=awaited))).waiting[0]
    assert change.message == (
        "waits until 29 other GitRepositories (shop/app-0, shop/app-1, shop/app-2 and 26 more), "
        "which may declare it, have read the commit"
    )


def test_one_of_another_namespace_that_is_waited_for_is_not_named() -> None:
    standing = ClaimResult(awaited=frozenset({Key("secret", "x")}))
    change = removed([GONE], policy=replace(POLICY, standing=standing)).waiting[0]
    assert "secret" not in change.message
