"""What is true of every plan, whatever is declared and whatever the cluster holds."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.api.gitrepository import Adopt, Removal
from towline.model import REMOVES, Action, Change, GroupKind, Live, Manifest, ObjectRef, Plan
from towline.plan import build, vetoes, waves
from towline.plan.ownership import Ownership, Policy, ownership
from towline.plan.verdicts import Verdicts

from tests.plan import strategies as world

Desired = tuple[Manifest, ...]
Cluster = dict[ObjectRef, Live]

everything = given(desired=world.desired_sets(), cluster=world.clusters(), policy=world.policies)


def made(desired: Desired, cluster: Cluster, policy: Policy) -> Plan:
    return build.plan(desired, cluster, policy, world.SHA)


def unconfirmed(desired: Desired, cluster: Cluster, policy: Policy) -> Plan:
    """The plan as it goes on once a person has agreed to whatever it blocks."""
    token = made(desired, cluster, policy).token
    return made(desired, cluster, replace(policy, confirm=token))


@everything
def test_each_object_occurs_at_most_once(desired: Desired, cluster: Cluster, policy: Policy) -> None:
    found = made(desired, cluster, policy)
    mentioned = Counter([change.ref for change in (*found.changes, *found.blocked)])
    assert not [ref for ref, times in mentioned.items() if times > 1]
    assert not {str(ref) for ref in mentioned} & {failure.object for failure in found.failures}


@everything
def test_each_declared_object_is_applied_kept_or_refused(
    desired: Desired, cluster: Cluster, policy: Policy
) -> None:
    found = made(desired, cluster, policy)
    told = {str(change.ref) for change in found.changes if change.manifest}
    told |= {failure.object for failure in found.failures}
    assert told == {str(manifest.ref) for manifest in desired}


@everything
def test_nothing_declared_is_ever_removed(desired: Desired, cluster: Cluster, policy: Policy) -> None:
    found = unconfirmed(desired, cluster, policy)
    assert not {change.ref for change in found.removals} & {manifest.ref for manifest in desired}


@given(
    desired=world.desired_sets(),
    cluster=world.clusters(),
    policy=world.policies,
    ending=st.sampled_from([None, *Removal]),
)
def test_nothing_that_is_not_ours_is_ever_removed(
    desired: Desired, cluster: Cluster, policy: Policy, ending: Removal | None
) -> None:
    declared = () if ending else desired
    found = unconfirmed(declared, cluster, replace(policy, finalizing=ending))
    for change in found.removals:
        whose = ownership(cluster[change.ref], policy)
        assert whose in {Ownership.OURS, Ownership.INHERITED}
        assert whose is Ownership.OURS or change.action is Action.RELEASE or policy.prune


@everything
def test_nothing_that_is_not_ours_is_ever_written_but_to_adopt_what_belongs_to_no_repository(
    desired: Desired, cluster: Cluster, policy: Policy
) -> None:
    ours = {Ownership.OURS, Ownership.INHERITED}
    for change in made(desired, cluster, policy).applies:
        there = cluster.get(change.ref)
        allowed = {Ownership.NOT_OURS} if change.action is Action.ADOPT else ours
        assert there is None or ownership(there, policy) in allowed
    never = made(desired, cluster, replace(policy, adopt=Adopt.NEVER))
    assert Action.ADOPT not in {change.action for change in never.changes}


@given(
    desired=world.desired_sets(),
    cluster=world.clusters(),
    policy=world.policies,
    seed=st.integers(0, 2**32),
)
def test_the_order_of_files_and_of_the_cluster_changes_nothing(
    desired: Desired, cluster: Cluster, policy: Policy, seed: int
) -> None:
    shuffled, objects = list(desired), list(cluster.items())
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - a reproducible order, no secret
    random.Random(seed + 1).shuffle(objects)  # noqa: S311 - the same
    again = made(tuple(shuffled), dict(objects), policy)
    assert again == made(desired, cluster, policy)


@everything
def test_planning_an_executed_plan_again_keeps_everything(
    desired: Desired, cluster: Cluster, policy: Policy
) -> None:
    first = made(desired, cluster, policy)
    second = made(desired, world.executed(first, cluster), replace(policy, doubted=first.doubted))
    assert second.writes == ()
    assert {change.ref for change in second.changes if change.action is Action.KEEP} == {
        change.ref for change in first.changes if change.manifest
    }
    assert second.failures == first.failures
    assert (second.token, len(second.blocked)) == (first.token, len(first.blocked))


@everything
def test_a_blocked_list_holds_back_every_prune(desired: Desired, cluster: Cluster, policy: Policy) -> None:
    found = made(desired, cluster, policy)
    if found.blocked:
        assert Action.PRUNE not in {change.action for change in found.changes}
    assert bool(found.blocked) == bool(found.token)


@everything
def test_blocked_prunes_do_not_touch_the_applies(desired: Desired, cluster: Cluster, policy: Policy) -> None:
    waiting = made(desired, cluster, policy)
    going = unconfirmed(desired, cluster, policy)
    assert waiting.applies == going.applies


@everything
def test_the_token_confirms_exactly_the_list_that_was_shown(
    desired: Desired, cluster: Cluster, policy: Policy
) -> None:
    shown = made(desired, cluster, policy)
    going = unconfirmed(desired, cluster, policy)
    assert going.blocked == ()
    agreed = {(change.ref, change.action) for change in (*shown.blocked, *shown.removals)}
    assert {(change.ref, change.action) for change in going.removals} == agreed


@given(
    desired=world.desired_sets(),
    cluster=world.clusters(),
    policy=world.policies,
    token=st.text("0123456789abcdef", max_size=12),
)
def test_any_other_token_confirms_nothing(
    desired: Desired, cluster: Cluster, policy: Policy, token: str
) -> None:
    found = made(desired, cluster, policy)
    if token != found.token:
        assert made(desired, cluster, replace(policy, confirm=token)) == found


@given(cluster=world.clusters(), policy=world.policies)
def test_an_empty_source_removes_nothing_unasked_and_all_of_ours_once_asked(
    cluster: Cluster, policy: Policy
) -> None:
    unasked = {change.ref for change in made((), cluster, policy).removals}
    assert unasked <= policy.standing.elsewhere
    expected = {
        ref
        for ref, found in cluster.items()
        if ownership(found, policy) in {Ownership.OURS, Ownership.INHERITED}
        and not found.terminating
        and (ref in policy.standing.elsewhere or not found.prune_disabled)
    }
    assert {change.ref for change in unconfirmed((), cluster, policy).removals} == expected


@given(cluster=world.clusters(), policy=world.policies, ending=st.sampled_from(Removal))
def test_a_deleted_repository_leaves_nothing_of_its_own_behind_and_waits_for_nobody(
    cluster: Cluster, policy: Policy, ending: Removal
) -> None:
    found = made((), cluster, replace(policy, finalizing=ending))
    assert found.blocked == ()
    left = world.executed(found, cluster)
    ours = {Ownership.OURS, Ownership.INHERITED}
    assert not [ref for ref in left if ownership(left[ref], policy) in ours and not left[ref].terminating]
    for change in found.removals:
        if change.action is Action.PRUNE:
            assert ending is not Removal.NONE
            assert ending is Removal.ALL or not cluster[change.ref].adopted
            assert change.ref.group_kind not in vetoes.DATA_KINDS | policy.data_kinds


@everything
def test_applies_rise_through_the_waves_and_removals_fall(
    desired: Desired, cluster: Cluster, policy: Policy
) -> None:
    found = unconfirmed(desired, cluster, policy)
    applies = [change.wave for change in found.applies]
    removals = [change.wave for change in found.changes if change.action in REMOVES]
    assert applies == sorted(applies)
    assert removals == sorted(removals, reverse=True)


@given(
    desired=world.desired_sets(), cluster=world.clusters(), policies=st.tuples(world.policies, world.policies)
)
def test_what_was_remembered_changes_no_plan_under_whatever_policy(
    desired: Desired, cluster: Cluster, policies: tuple[Policy, Policy]
) -> None:
    memo = Verdicts()
    first, second = policies
    for policy in (first, first, second):
        assert again(desired, cluster, policy, memo) == again(desired, cluster, policy, Verdicts())
    later = dict(list(cluster.items())[::2])
    found = again(desired[::2], later, second, memo.carried())
    assert found == again(desired[::2], later, second, Verdicts())


@given(
    worlds=st.lists(
        st.tuples(world.desired_sets(), world.clusters(), world.policies), min_size=2, max_size=5
    ),
    share=st.integers(0, 3),
)
def test_whatever_happens_between_plans_each_is_what_it_would_be_without_the_ones_before(
    worlds: list[tuple[Desired, Cluster, Policy]], share: int
) -> None:
    memo = Verdicts()
    declared: dict[ObjectRef, Manifest] = {}
    cluster: Cluster = {}
    for desired, objects, policy in worlds:
        declared = _mixed(declared, {one.ref: one for one in desired}, share)
        cluster = _mixed(cluster, objects, share)
        for _ in range(2):
            found = again(tuple(declared.values()), cluster, policy, memo)
            assert found == again(tuple(declared.values()), cluster, policy, Verdicts())
            cluster = world.executed(
                build.plan(tuple(declared.values()), cluster, policy, world.SHA), cluster
            )


def _mixed(before: dict[ObjectRef, Any], now: dict[ObjectRef, Any], share: int) -> dict[ObjectRef, Any]:
    """Return what is there after some of what was before was kept, at the same place or another one."""
    kept = {ref: before[ref] for number, ref in enumerate(before) if number % 4 < share}
    return {**kept, **now} if share % 2 else {**now, **kept}


def again(
    desired: Desired, cluster: Cluster, policy: Policy, memo: Verdicts
) -> tuple[Plan, dict[ObjectRef, Change]]:
    """Plan with what is known from earlier plans; return the plan, and apart from it what stays as it is."""
    found = build.replan({one.ref: one for one in desired}, cluster, policy, world.SHA, memo)
    kept = {each.ref: each for each in found.changes if each.action is Action.KEEP}
    assert not kept.keys() & found.settled.keys()
    return replace(found, changes=found.changed, settled={}), {**kept, **found.settled}


@everything
def test_only_what_needs_something_new_waits_with_its_dry_run(
    desired: Desired, cluster: Cluster, policy: Policy
) -> None:
    found = made(desired, cluster, policy)
    new = {change.ref for change in found.applies if change.action is Action.CREATE}
    for change in found.applies:
        assert change.manifest is not None
        assert (change.ref in waves.deferred(found.changes)) == bool(waves.needs(change.manifest) & new)


@pytest.mark.parametrize("count", [10, 1000, 10_000])
def test_a_commit_that_changes_one_object_has_one_judged_however_many_there_are(count: int) -> None:
    refs = [world.placed(GroupKind("", "ConfigMap"), f"map-{number}") for number in range(count)]
    desired = tuple(world.manifest(ref) for ref in refs)
    cluster = {ref: world.applied(one) for ref, one in zip(refs, desired, strict=True)}
    memo = Verdicts()
    declared = {one.ref: one for one in desired}
    build.replan(declared, cluster, world.POLICY, world.SHA, memo)
    assert memo.judged == count
    later = memo.carried()
    changed = {**declared, refs[3]: world.manifest(refs[3], "2")}
    found = build.replan(changed, cluster, world.POLICY, world.SHA, later)
    assert [change.ref for change in found.writes] == [refs[3]]
    assert later.judged == 1
    touched = {**cluster, refs[5]: cluster[refs[5]]._replace(resource_version="another")}
    build.replan(changed, touched, world.POLICY, world.SHA, later)
    assert later.judged == 2
