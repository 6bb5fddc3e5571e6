from __future__ import annotations

from dataclasses import replace

from towline.drift.deviations import Deviation
from towline.errors import Refusal
from towline.status import drift_fields

FIELD = Deviation(object="ConfigMap/shop/a", field="/data/x", want="1", have="2", by="kubectl-edit")
OVERRIDDEN = Deviation(object="Pod/shop/b", field="/spec/y", reason=Refusal.OVERRIDDEN_BY_ADMISSION)
FOREIGN = Deviation(object="Pod/shop/c", field="/spec/z", reason=Refusal.FOREIGN_FIELDS)
APPLIED = {"commit": {"applied": "1" * 40}}


def test_nothing_is_said_where_nobody_looked() -> None:
    assert drift_fields.fields(None, {}) == {}
    found = drift_fields.condition(None, {}, APPLIED)
    assert (found.status, found.reason) == ("Unknown", "NotAssessed")


def test_a_condition_stays_as_it_was_while_nobody_looks() -> None:
    before = {"type": "Drifted", "status": "True", "reason": "Drifted", "message": "one field"}
    found = drift_fields.condition(None, {"conditions": [before]}, APPLIED)
    assert (found.status, found.reason, found.message) == ("True", "Drifted", "one field")


def test_no_deviation_is_no_drift() -> None:
    found = drift_fields.condition((), {}, APPLIED)
    assert (found.status, found.reason) == ("False", "NoDrift")


def test_nothing_drifts_where_nothing_was_ever_applied() -> None:
    found = drift_fields.condition((), {}, {"commit": {"observed": "1" * 40}})
    assert (found.status, found.reason) == ("Unknown", "NotAssessed")


def test_an_entry_names_its_object_by_parts_for_scripts() -> None:
    (entry,) = drift_fields.fields((FIELD,), {})["drift"]
    assert entry["ref"] == {"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "a"}


def test_drift_counts_objects_and_fields_and_names_the_first() -> None:
    said = drift_fields.fields((FIELD, OVERRIDDEN), {"objects": {"declared": 4}})
    assert said["objects"] == {"declared": 4, "drifted": 2}
    assert said["driftTotal"] == 2
    assert [each["object"] for each in said["drift"]] == ["ConfigMap/shop/a", "Pod/shop/b"]
    found = drift_fields.condition((FIELD, OVERRIDDEN), {}, APPLIED)
    assert (found.status, found.reason) == ("True", "Drifted")
    assert 'ConfigMap shop/a data.x is "2", Git says "1" (kubectl-edit)' in found.message


def test_foreign_fields_are_listed_last_and_are_no_drift() -> None:
    said = drift_fields.fields((FOREIGN, FIELD), {})
    assert [each["object"] for each in said["drift"]] == ["ConfigMap/shop/a", "Pod/shop/c"]
    assert (said["driftTotal"], said["objects"]) == (1, {"drifted": 1})
    found = drift_fields.condition((FOREIGN,), {}, APPLIED)
    assert (found.status, found.reason) == ("False", "ForeignFields")


def test_what_admission_holds_otherwise_has_a_reason_of_its_own() -> None:
    found = drift_fields.condition((OVERRIDDEN,), {}, APPLIED)
    assert (found.status, found.reason) == ("True", "OverriddenByAdmission")


def test_a_repair_that_is_refused_is_told_with_its_reason_and_the_words_of_the_refusal() -> None:
    refused = replace(FIELD, reason=Refusal.INVALID, message="Duplicate value: http")
    (entry,) = drift_fields.fields((refused,), {})["drift"]
    assert entry["reason"] == "Invalid"
    found = drift_fields.condition((refused,), {}, APPLIED)
    assert (found.status, found.reason) == ("True", "Drifted")
    assert "the repair of ConfigMap shop/a is refused: Duplicate value: http" in found.message


def test_only_ten_are_listed_and_all_are_counted() -> None:
    many = tuple(Deviation(object=f"ConfigMap/shop/{number:02}", field="/data/x") for number in range(30))
    said = drift_fields.fields(many, {})
    assert (len(said["drift"]), said["driftTotal"]) == (10, 30)


def test_news_are_told_once() -> None:
    before = drift_fields.fields((FIELD,), {})
    assert drift_fields.news({}, before)
    assert drift_fields.news(before, before) == ""
    assert "Pod shop/b" in drift_fields.news(before, drift_fields.fields((FIELD, OVERRIDDEN), {}))


def test_a_status_is_read_back_as_it_was_written() -> None:
    said = drift_fields.fields((FIELD, OVERRIDDEN), {})
    assert drift_fields.remembered(said, Refusal.OVERRIDDEN_BY_ADMISSION) == (OVERRIDDEN,)
    assert drift_fields.remembered(said, "") == (FIELD,)
    assert drift_fields.remembered({}, Refusal.OVERRIDDEN_BY_ADMISSION) == ()


def test_what_is_set_back_is_said_with_its_value_and_who_did_it() -> None:
    ended = replace(FIELD, have="1", by="kubectl-patch", since="2026-01-01T00:00:09Z")
    assert drift_fields.set_back(ended) == (
        'ConfigMap shop/a data.x is "1" again (kubectl-patch, 2026-01-01T00:00:09Z)'
    )
    assert drift_fields.set_back(Deviation(object="ConfigMap/shop/a")) == "ConfigMap shop/a is there again"


def test_under_observe_nothing_is_said_of_drift() -> None:
    said = drift_fields.fields(drift_fields.UNASSESSED, {"objects": {"declared": 4, "drifted": 2}})
    assert (said["drift"], said["driftTotal"], said["objects"]) == ([], 0, {"declared": 4})
    found = drift_fields.condition(drift_fields.UNASSESSED, {}, APPLIED)
    assert (found.status, found.reason) == ("Unknown", "NotAssessed")
