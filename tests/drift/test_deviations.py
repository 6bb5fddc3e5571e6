from __future__ import annotations

from typing import Any

from towline.drift import deviations
from towline.drift.deviations import Look
from towline.fields.mask import Mask
from towline.model import ObjectRef, Origin
from towline.plan.manifest import declare

MANAGER = "towline:shop/app"
MASK = Mask(b"k" * 32)
SENT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "shop"},
    "data": {"a": "1", "b": "2"},
}


def entry(manager: str, operation: str, time: str, *keys: str) -> dict[str, Any]:
    held: dict[str, Any] = {"f:data": {f"f:{key}": {} for key in keys}}
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": held}


def look(live: dict[str, str], *entries: dict[str, Any]) -> Look:
    ref = ObjectRef("", "ConfigMap", "shop", "settings")
    manifest = declare(SENT, ref, "d", Origin("a.yaml", 3))
    body = {**SENT, "data": live, "metadata": {**SENT["metadata"], "managedFields": list(entries)}}
    return Look(manifest=manifest, sent=SENT, body=body, manager=MANAGER, commit="c" * 40)


def test_a_changed_field_is_named_with_both_values_and_whoever_wrote_it() -> None:
    ours = entry(MANAGER, "Apply", "2026-01-01T00:00:00Z", "a")
    theirs = entry("kubectl-edit", "Update", "2026-01-01T00:00:05Z", "b")
    (found,) = deviations.of(look({"a": "1", "b": "9"}, ours, theirs), MASK)
    assert (found.object, found.field) == ("ConfigMap/shop/settings", "/data/b")
    assert (found.want, found.have) == ("2", "9")
    assert (found.by, found.since) == ("kubectl-edit", "2026-01-01T00:00:05Z")
    assert (found.file, found.line, found.commit) == ("a.yaml", 3, "c" * 40)


def test_a_removed_field_is_laid_at_the_door_of_the_latest_who_wrote_after_us() -> None:
    ours = entry(MANAGER, "Apply", "2026-01-01T00:00:00Z", "a")
    theirs = entry("kubectl-edit", "Update", "2026-01-01T00:00:05Z", "z")
    (found,) = deviations.of(look({"a": "1"}, ours, theirs), MASK)
    assert (found.field, found.have, found.by) == ("/data/b", None, "kubectl-edit")


def test_nobody_is_blamed_for_a_removed_field_who_wrote_before_us() -> None:
    ours = entry(MANAGER, "Apply", "2026-01-01T00:00:09Z", "a")
    theirs = entry("kubectl-edit", "Update", "2026-01-01T00:00:05Z", "z")
    (found,) = deviations.of(look({"a": "1"}, ours, theirs), MASK)
    assert (found.by, found.since) == ("", "")


def test_what_is_skipped_is_no_deviation() -> None:
    ours = entry(MANAGER, "Apply", "2026-01-01T00:00:00Z", "a")
    assert deviations.of(look({"a": "1", "b": "9"}, ours), MASK, {"/data/b"}) == ()


def test_an_object_as_declared_deviates_in_nothing() -> None:
    ours = entry(MANAGER, "Apply", "2026-01-01T00:00:00Z", "a", "b")
    assert deviations.of(look({"a": "1", "b": "2"}, ours), MASK) == ()


def test_drift_that_others_set_back_is_told_with_who_did_it_and_when() -> None:
    ours = entry(MANAGER, "Apply", "2026-01-01T00:00:00Z")
    theirs = entry("kubectl-edit", "Update", "2026-01-01T00:00:05Z", "a", "b")
    before = deviations.of(look({"a": "8", "b": "9"}, ours, theirs), MASK)
    back = entry("kubectl-patch", "Update", "2026-01-01T00:00:09Z", "b")
    now = look({"a": "8", "b": "2"}, ours, entry("kubectl-edit", "Update", "2026-01-01T00:00:05Z", "a"), back)
    (left,) = [each for each in deviations.of(now, MASK) if each.want != each.have]
    (ended,) = deviations.set_back(before, (left,), now)
    assert (ended.field, ended.want, ended.have) == ("/data/b", "2", "2")
    assert (ended.by, ended.since) == ("kubectl-patch", "2026-01-01T00:00:09Z")


def test_an_object_that_others_made_again_is_set_back_by_the_latest_who_wrote_it() -> None:
    now = look({"a": "1", "b": "2"}, entry("kubectl-create", "Update", "2026-01-01T00:00:09Z", "a", "b"))
    (ended,) = deviations.set_back((deviations.gone(now.manifest, "c" * 40, "then"),), (), now)
    assert (ended.field, ended.by, ended.since) == ("", "kubectl-create", "2026-01-01T00:00:09Z")


def test_what_has_a_reason_of_its_own_is_not_set_back_by_others() -> None:
    now = look({"a": "1", "b": "2"}, entry(MANAGER, "Apply", "2026-01-01T00:00:00Z", "a", "b"))
    overridden = deviations.gone(now.manifest, "c" * 40, "then", "OverriddenByAdmission")
    assert deviations.set_back((overridden,), (), now) == ()
