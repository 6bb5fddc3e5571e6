from __future__ import annotations

from dataclasses import replace

from towline.fields.mask import Mask
from towline.model import GroupKind, Manifest, ObjectRef
from towline.plan.ownership import Policy
from towline.read.comparison import recorded_objects
from towline.read.comparison.recorded_objects import Compared

from tests.plan.strategies import POLICY, SHA, manifest, placed

CONFIG_MAP = GroupKind("", "ConfigMap")
MASK = Mask(b"k" * 32)
ONE, TWO = (placed(CONFIG_MAP, name) for name in ("one", "two"))


def compare(before: list[Manifest], after: list[Manifest], policy: Policy = POLICY) -> Compared:
    return recorded_objects.compare(
        {each.ref: each for each in before}, {each.ref: each for each in after}, policy, SHA, MASK
    )


def told(found: Compared) -> list[tuple[str, str]]:
    return [(str(each.action), each.ref.name) for each in found.changes]


def test_what_two_revisions_declare_alike_does_not_change() -> None:
    assert compare([manifest(ONE)], [manifest(ONE, line=9)]) == Compared()


def test_what_is_new_changed_and_gone_is_told_with_its_fields() -> None:
    gone = placed(CONFIG_MAP, "gone")
    found = compare([manifest(ONE), manifest(gone)], [manifest(ONE, "2", line=4), manifest(TWO)])
    assert sorted(told(found)) == [("create", "two"), ("delete", "gone"), ("update", "one")]
    (update,) = (each for each in found.changes if each.ref == ONE)
    assert [(each.path, each.old, each.new) for each in update.fields] == [("/data/value", "1", "2")]
    assert (update.file, update.line) == ("app/all.yaml", 4)


def test_a_field_that_leaves_git_is_told_as_removed() -> None:
    found = compare([manifest(ONE, rerun="a")], [manifest(ONE)])
    (field,) = found.changes[0].fields
    assert field.old
    assert field.new is None


def test_secret_values_stay_masked() -> None:
    secret = ObjectRef("", "Secret", "shop", "db")
    found = compare([manifest(secret, "aHVudGVyMg==")], [manifest(secret, "Y29ycmVjdA==")])
    (field,) = found.changes[0].fields
    assert field.old.startswith("***")
    assert field.new.startswith("***")
    assert field.old != field.new


def test_what_holds_data_waits_for_a_confirmation() -> None:
    claim = placed(GroupKind("", "PersistentVolumeClaim"), "uploads")
    found = compare([manifest(claim), manifest(ONE)], [manifest(ONE)])
    assert found.changes == ()
    (each,) = found.blocked
    assert each.waits
    assert "loses data" in each.message


def test_a_source_that_lost_most_of_its_objects_is_doubted() -> None:
    many = [manifest(placed(CONFIG_MAP, f"m{n}")) for n in range(12)]
    found = compare(many, many[:2])
    assert found.changes == ()
    assert len(found.blocked) == 10
    assert "10 of 12 objects would be deleted" in found.blocked[0].message


def test_an_object_that_says_so_stays_and_is_named() -> None:
    found = compare([manifest(ONE, prune="Disabled"), manifest(TWO)], [manifest(TWO)])
    assert found.changes == ()
    assert [(each.ref, each.waits) for each in found.blocked] == [(ONE, False)]


def test_without_pruning_what_leaves_git_is_released() -> None:
    found = compare([manifest(ONE), manifest(TWO)], [manifest(TWO)], replace(POLICY, prune=False))
    assert told(found) == [("release", "one")]
    assert found.changes[0].message == "released: spec.prune is false"
