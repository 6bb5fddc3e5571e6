from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from towline.api.gitrepository import Adopt, Drift
from towline.errors import Failure, Refusal
from towline.fields import owned_paths
from towline.model import Action, Change, Live, Manifest, ObjectRef, Origin, Plan
from towline.plan.build import plan
from towline.plan.manifest import declare
from towline.plan.ownership import Ownership, Policy, ownership

from tests.plan import strategies as world
from tests.plan.strategies import POLICY, SHA, live, manifest

REF = ObjectRef("apps", "Deployment", "shop", "web")
WANTED = manifest(REF, "1", line=7)


def planned(*found: Live, desired: tuple[Manifest, ...] = (WANTED,)) -> Plan:
    return plan(desired, {item.ref: item for item in found}, POLICY, SHA)


def change(*found: Live) -> Change:
    (only,) = planned(*found).changes
    return only


def forbidden(found: Live) -> Failure:
    """Return why an object is left alone that must not be adopted."""
    (only,) = plan((WANTED,), {found.ref: found}, replace(POLICY, adopt=Adopt.NEVER), SHA).failures
    return only


def refusal(*found: Live, desired: Manifest = WANTED) -> Failure:
    result = planned(*found, desired=(desired,))
    assert result.changes == ()
    (only,) = result.failures
    return only


@pytest.mark.parametrize(
    ("found", "whose"),
    [
        (live(REF), Ownership.OURS),
        (live(REF)._replace(terminating=True), Ownership.OURS),
        (world.inherited(live(REF)), Ownership.INHERITED),
        (world.anothers(live(REF)), Ownership.ANOTHER),
        (world.copied(live(REF)), Ownership.NOT_OURS),
        (world.restored(live(REF)), Ownership.NOT_OURS),
        (world.restored(world.anothers(live(REF))), Ownership.NOT_OURS),
        (world.anothers(live(REF))._replace(fields=b""), Ownership.NOT_OURS),
        (live(REF)._replace(fields=b""), Ownership.NOT_OURS),
        (live(REF)._replace(manager="kubectl"), Ownership.NOT_OURS),
        (live(REF)._replace(label="team.infra"), Ownership.NOT_OURS),
        (live(REF)._replace(label=""), Ownership.NOT_OURS),
        (live(REF)._replace(owner=""), Ownership.NOT_OURS),
    ],
)
def test_an_object_is_ours_by_label_entry_and_owner_together(found: Live, whose: Ownership) -> None:
    assert ownership(found, POLICY) is whose


def test_an_object_that_is_not_there_is_created() -> None:
    assert (change().action, change().manifest) == (Action.CREATE, WANTED)


def test_an_object_with_the_same_content_is_kept() -> None:
    assert change(live(REF)).action is Action.KEEP


def test_an_object_with_other_content_is_updated() -> None:
    assert change(live(REF, "2")).action is Action.UPDATE


def test_an_object_that_lost_a_declared_path_is_repaired_and_the_path_is_named() -> None:
    found = change(world.robbed(live(REF)))
    assert found.action is Action.REPAIR
    assert "data.value" in found.message


@pytest.mark.parametrize("stamp", ["commit", "source", "owner", "digest"])
def test_an_object_whose_stamp_somebody_rewrote_is_repaired(stamp: str) -> None:
    entry = json.loads(live(REF).fields)
    del entry["f:metadata"]["f:annotations"][f"f:towline.dev/{stamp}"]
    found = change(live(REF)._replace(fields=json.dumps(entry).encode()))
    assert found.action is Action.REPAIR
    assert f"metadata.annotations[towline.dev/{stamp}]" in found.message


@pytest.mark.parametrize(("lost", "more"), [(5, ""), (6, " and 1 more"), (40, " and 35 more")])
def test_a_repair_names_a_few_paths_and_counts_the_others(lost: int, more: str) -> None:
    body = {**WANTED.body, "data": {f"key{number}": "x" for number in range(lost)}}
    wide = replace(WANTED, content=json.dumps(body).encode())
    (found,) = planned(world.robbed(live(REF)), desired=(wide,)).changes
    assert found.message.endswith(f": data.key0, data.key1, data.key2, data.key3, data.key4{more}")


def test_an_inherited_object_is_taken_over_even_with_the_same_content() -> None:
    found = change(world.inherited(live(REF)))
    assert (found.action, found.reason) == (Action.UPDATE, Refusal.INHERITED)


@pytest.mark.parametrize("stale", [live(REF), live(REF, "2"), world.inherited(live(REF))])
def test_a_dying_object_is_waited_for_and_not_written(stale: Live) -> None:
    assert refusal(stale._replace(terminating=True)).reason == Refusal.TERMINATING


def test_an_object_of_another_repository_is_refused_by_name() -> None:
    found = refusal(world.anothers(live(REF)))
    assert found.reason == Refusal.OWNED_BY_ANOTHER
    assert "team/infra" in found.message


def test_a_refusal_names_object_file_line_and_commit() -> None:
    found = refusal(world.anothers(live(REF)))
    assert (found.object, found.file, found.line, found.commit) == (
        "Deployment.apps/shop/web",
        "app/all.yaml",
        7,
        SHA,
    )


@pytest.mark.parametrize(
    ("stranger", "lacks"),
    [
        (world.copied(live(REF)), "no Apply entry of towline:shop/web"),
        (live(REF)._replace(manager="kubectl"), "no Apply entry of towline:shop/web"),
        (live(REF)._replace(label="team.infra"), "no Apply entry of the repository"),
        (world.restored(live(REF)), "no towline.dev/owner annotation"),
        (world.anothers(live(REF))._replace(fields=b""), "no Apply entry of the repository"),
    ],
)
def test_an_object_that_only_carries_a_label_is_adopted_or_refused_with_what_it_lacks(
    stranger: Live, lacks: str
) -> None:
    found = forbidden(stranger)
    assert found.reason == Refusal.NOT_OURS
    assert lacks in found.message
    (adopted,) = planned(stranger).changes
    assert adopted.action is Action.ADOPT
    assert lacks in adopted.message


def test_an_object_with_remains_of_others_in_our_fields_is_repaired_although_nothing_is_lost() -> None:
    found = change(world.applied(WANTED)._replace(shared=True))
    assert found.action is Action.REPAIR
    assert found.message


@pytest.mark.parametrize("stranger", [world.restored(live(REF)), world.restored(world.anothers(live(REF)))])
def test_a_restored_object_is_not_said_to_lack_its_entry(stranger: Live) -> None:
    assert "Apply entry" not in forbidden(stranger).message


def test_what_a_stranger_wrote_into_an_annotation_is_not_repeated() -> None:
    found = forbidden(live(REF)._replace(owner="\x1b[31mgotcha", fields=b""))
    assert "gotcha" not in found.message


@pytest.mark.parametrize(
    "own",
    [
        ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", "gitrepositories.towline.dev"),
        ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", "syncrecords.towline.dev"),
        ObjectRef("towline.dev", "GitRepository", "shop", "web"),
        ObjectRef("towline.dev", "SyncRecord", "shop", "web-0b6a0c3e-00000001"),
    ],
)
def test_the_operator_does_not_manage_itself(own: ObjectRef) -> None:
    assert refusal(desired=manifest(own)).reason == Refusal.SELF_MANAGEMENT_REFUSED
    assert refusal(live(own), desired=manifest(own)).reason == Refusal.SELF_MANAGEMENT_REFUSED


@pytest.mark.parametrize("found", [{}, {REF: live(REF)}, {REF: live(REF, "2")}])
def test_what_the_operator_runs_by_is_neither_written_nor_removed(found: dict[ObjectRef, Live]) -> None:
    result = plan((WANTED,), found, replace(POLICY, installation=frozenset({REF})), SHA)
    assert (result.changes, result.blocked) == ((), ())
    (failure,) = result.failures
    assert failure.reason == Refusal.SELF_MANAGEMENT_REFUSED
    assert (failure.object, failure.line) == ("Deployment.apps/shop/web", 7)


@pytest.mark.parametrize(
    ("namespace", "word", "refused"),
    [
        ("towline-system", "towline-keys", True),
        ("towline-system", "towline-keys-of-another-kind", False),
        ("shop", "towline-keys", False),
    ],
)
def test_no_object_of_the_operators_namespace_names_its_keys(
    namespace: str,
    word: str,
    refused: bool,  # noqa: FBT001  a column
) -> None:
    pod = manifest(ObjectRef("apps", "Deployment", namespace, "web"), word)
    own = ObjectRef("", "Secret", "towline-system", "towline-keys")
    result = plan((pod,), {}, replace(POLICY, installation=frozenset({own})), SHA)
    assert [one.reason for one in result.failures] == [Refusal.SELF_MANAGEMENT_REFUSED] * refused


@pytest.mark.parametrize(
    "other",
    [
        ObjectRef("towline.dev", "GitRepository", "shop", "child"),
        ObjectRef("towline.dev", "GitRepository", "other", "web"),
        ObjectRef("source.toolkit.fluxcd.io", "GitRepository", "shop", "web"),
        ObjectRef("", "ConfigMap", "shop", "gitrepositories.towline.dev"),
        ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", "widgets.example.com"),
    ],
)
def test_other_repositories_and_crds_may_be_declared(other: ObjectRef) -> None:
    (found,) = planned(desired=(manifest(other),)).changes
    assert found.action is Action.CREATE


def test_a_wave_that_is_no_number_is_refused_by_its_field() -> None:
    found = refusal(desired=manifest(REF, wave="soon"))
    assert found.reason == Refusal.INVALID
    assert found.field == "/metadata/annotations/towline.dev~1wave"


def test_a_refused_object_is_not_pruned() -> None:
    found = planned(live(REF), desired=(manifest(REF, wave="soon"),))
    assert (found.removals, found.blocked) == ((), ())


def test_all_refusals_are_told_at_once_in_the_order_of_the_files() -> None:
    places = [("b.yaml", 1, "b"), ("b.yaml", 1, "a"), ("a.yaml", 3, "d"), ("a.yaml", 2, "e")]
    refused = [
        (place, manifest(ObjectRef("", "ConfigMap", "shop", place[2]), wave="soon")) for place in places
    ]
    desired = tuple(replace(item, origin=Origin(place[0], place[1])) for place, item in refused)
    found = planned(desired=desired).failures
    assert [(item.file, item.line, item.object[-1]) for item in found] == sorted(places)


def test_objects_of_other_repositories_that_nobody_here_declares_are_not_mentioned() -> None:
    other = world.anothers(live(ObjectRef("", "ConfigMap", "shop", "theirs")))
    assert [item.ref for item in planned(live(REF), other).changes] == [REF]


def test_writes_are_ordered_by_wave_and_then_by_name() -> None:
    def config_map(name: str, **annotations: Any) -> Manifest:
        return manifest(ObjectRef("", "ConfigMap", "shop", name), **annotations)

    namespace = manifest(ObjectRef("", "Namespace", "", "shop"))
    desired = (WANTED, config_map("b"), config_map("late", wave="1"), namespace, config_map("a"))
    found = planned(live(ObjectRef("", "Secret", "shop", "old")), desired=desired)
    assert [item.ref.name for item in found.changes] == ["shop", "a", "b", "web", "late", "old"]
    assert found.changes[-1].action is Action.PRUNE


REPORTED = replace(POLICY, drift=Drift.REPORT)
WRITTEN = {REF: WANTED.digest}


def drifting(found: Live | None, policy: Policy, desired: Manifest = WANTED) -> Change:
    (only,) = plan((desired,), {found.ref: found} if found else {}, policy, SHA).changes
    return only


def test_reported_drift_is_skipped_with_its_reason() -> None:
    found = drifting(world.robbed(live(REF)), REPORTED)
    assert (found.action, found.reason) == (Action.SKIP, "Drifted")
    assert found.message


def test_a_deleted_object_is_reported_where_it_was_written_and_created_where_it_never_was() -> None:
    deleted = drifting(None, replace(REPORTED, written=WRITTEN))
    assert (deleted.action, deleted.reason) == (Action.SKIP, "Drifted")
    assert drifting(None, REPORTED).action is Action.CREATE
    assert drifting(None, replace(REPORTED, written={REF: "other content"})).action is Action.CREATE


def test_a_deleted_object_is_created_again_where_drift_is_repaired() -> None:
    assert drifting(None, replace(POLICY, written=WRITTEN)).action is Action.CREATE


def test_a_change_of_what_was_written_before_restores_it_whatever_became_of_its_marks() -> None:
    unmarked = live(REF)._replace(owner="")
    assert drifting(unmarked, POLICY).restores is False
    for found in (None, unmarked, live(REF)._replace(altered=True)):
        assert drifting(found, replace(POLICY, written=WRITTEN)).restores is True


def test_drift_whose_repair_was_refused_is_left_alone_and_a_new_commit_is_not() -> None:
    refused = replace(POLICY, refused={REF: "Duplicate value"}, written=WRITTEN)
    found = drifting(world.robbed(live(REF)), refused)
    assert (found.action, found.reason, found.message) == (Action.SKIP, "RepairRefused", "Duplicate value")
    assert drifting(None, refused).action is Action.SKIP
    assert drifting(live(REF), refused).action is Action.KEEP
    assert drifting(world.robbed(live(REF, "2")), refused).action is Action.UPDATE


def test_the_annotation_in_git_decides_for_its_object() -> None:
    reported, ignored = manifest(REF, "1", drift="report"), manifest(REF, "1", drift="ignore")
    robbed = world.robbed(live(REF))
    assert drifting(robbed._replace(digest=reported.digest), POLICY, reported).action is Action.SKIP
    assert drifting(robbed._replace(digest=ignored.digest), POLICY, ignored).action is Action.KEEP


def test_a_commit_that_changes_a_drifted_object_writes_it_whatever_is_reported() -> None:
    assert drifting(world.robbed(live(REF, "2")), REPORTED).action is Action.UPDATE


def test_an_object_that_is_fought_over_is_left_alone_with_the_reason() -> None:
    held = replace(POLICY, contested={REF: "somebody keeps changing it"})
    found = drifting(world.robbed(live(REF)), held)
    assert (found.action, found.reason) == (Action.SKIP, Refusal.CONTESTED)
    assert drifting(world.robbed(live(REF, "2")), held).action is Action.UPDATE


def test_values_that_a_read_has_shown_to_differ_are_repaired() -> None:
    assert drifting(live(REF)._replace(altered=True), POLICY).action is Action.REPAIR


def test_a_whole_that_was_taken_with_a_field_of_others_is_mended_once_a_read_shows_that_more_differs() -> (
    None
):
    spec = {"selector": {"app": "web", "color": "blue"}, "type": "ClusterIP"}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    wanted = replace(declare(body, REF, "1", WANTED.origin), ignored=("/spec/selector/color",))
    metadata = json.loads(live(REF).fields)["f:metadata"]

    def holding(spec: dict[str, Any]) -> Live:
        held = json.dumps({"f:metadata": metadata, "f:spec": spec}).encode()
        return live(REF)._replace(digest=wanted.digest, fields=held)

    taken = holding({"f:type": {}})
    assert drifting(taken, POLICY, wanted).action is Action.KEEP
    assert drifting(taken, REPORTED, wanted).action is Action.KEEP
    found = drifting(taken._replace(altered=True), POLICY, wanted)
    assert (found.action, found.message) == (
        Action.REPAIR,
        "changed or removed in the cluster: spec.selector.app",
    )
    more = drifting(holding({"f:other": {}}), POLICY, wanted)
    assert (more.action, more.message) == (Action.REPAIR, "changed or removed in the cluster: spec.type")


def test_what_admission_took_away_is_not_fought_for() -> None:
    robbed = world.robbed(live(REF))
    lost = frozenset(owned_paths.lost(WANTED.body, robbed.fields))
    assert lost
    known = replace(POLICY, overridden={(REF, WANTED.digest): lost})
    assert drifting(robbed, known).action is Action.KEEP
