from __future__ import annotations

from dataclasses import replace

from towline.api.syncrecord import ChangeEntry, Ending, FieldChange
from towline.errors import Failure
from towline.model import Action, Outcome, Result
from towline.records import closing, opening
from towline.status import preview
from towline.status.preview import Forecast

from tests.records import syncs
from tests.records.syncs import change, ended, sync

COLOUR = FieldChange(path="/data/colour", old="red", new="blue")


def entry(name: str, action: Action, *fields: FieldChange, digest: str = "d") -> ChangeEntry:
    return ChangeEntry(
        object=f"ConfigMap/shop/{name}", action=action, file="a.yaml", line=3, digest=digest, fields=fields
    )


def said(*entries: ChangeEntry, blocked: int = 0, failures: int = 0) -> str:
    refused = Failure(reason="Invalid", message="no", object="ConfigMap/shop/x", file="x.yaml", line=7)
    found = Forecast(
        entries=entries,
        blocked=tuple(change(f"b{number}", Action.PRUNE) for number in range(blocked)),
        failures=(refused,) * failures,
    )
    return preview.sentence(found, syncs.revision(), 42)


def test_the_sentence_counts_by_action_and_names_the_commit() -> None:
    entries = (entry("a", Action.CREATE), entry("b", Action.CREATE), entry("c", Action.PRUNE))
    assert said(*entries) == 'Would create 2, prune 1: 1111111 "Change things" by Ada'


def test_the_sentence_of_an_empty_plan_counts_what_is_declared() -> None:
    assert said() == 'Would change nothing: 42 objects as declared by 1111111 "Change things" by Ada'


def test_the_sentence_says_what_waits_for_a_person() -> None:
    assert said(entry("a", Action.UPDATE), blocked=2).startswith("Would update 1, prune 2 once confirmed: ")


def test_the_sentence_says_first_what_would_be_refused() -> None:
    assert said(entry("a", Action.UPDATE), failures=2) == (
        '1111111 "Change things" by Ada would fail: x.yaml:7 ConfigMap shop/x: no (and 1 more). '
        "Would otherwise update 1"
    )
    assert said(failures=1).endswith("Ada would fail: x.yaml:7 ConfigMap shop/x: no")


def test_an_object_with_several_entries_counts_once_with_all_its_fields() -> None:
    parts = [entry("a", Action.UPDATE, COLOUR), entry("a", Action.UPDATE, replace(COLOUR, path="/data/b"))]
    body = preview.body(Forecast(entries=tuple(parts)))
    assert (body["counts"], body["changesTotal"]) == ({"update": 1}, 1)
    assert preview.differences(parts, [entry("a", Action.UPDATE, *(each.fields[0] for each in parts))]) == ()


def test_the_status_shows_ten_changes_and_what_goes_away_comes_first() -> None:
    new = [entry(f"n{number}", Action.CREATE) for number in range(20)]
    body = preview.body(Forecast(entries=(*new, entry("old", Action.PRUNE))))
    assert (len(body["changes"]), body["changesTotal"]) == (10, 21)
    assert body["changes"][0]["object"] == "ConfigMap/shop/old"
    assert body["counts"] == {"create": 20, "prune": 1}


def test_the_status_shows_ten_fields_of_a_change_and_the_head_of_a_long_value() -> None:
    fields = [FieldChange(path=f"/data/k{number}", old=None, new="ß" * 2000) for number in range(30)]
    (shown,) = preview.body(Forecast(entries=(entry("a", Action.UPDATE, *fields),)))["changes"]
    assert (len(shown["fields"]), shown["fieldsTotal"]) == (10, 30)
    assert "old" not in shown["fields"][0]
    assert len(shown["fields"][0]["new"].encode()) <= 256


def test_the_fields_of_a_change_with_several_entries_are_all_counted() -> None:
    updated = change("a", Action.UPDATE)
    fields = tuple(FieldChange(path=f"/data/k{number}", old=None, new="x") for number in range(250))
    entries = syncs.entries([updated], {updated.ref: fields})
    assert len(entries) > 1
    (shown,) = preview.body(Forecast(entries=entries))["changes"]
    assert (len(shown["fields"]), shown["fieldsTotal"]) == (10, 250)


def test_what_waits_for_a_person_is_shown_with_its_reason_and_counted_as_blocked() -> None:
    waiting = replace(change("state", Action.PRUNE), message="deleting it deletes data")
    body = preview.body(Forecast(blocked=(waiting,)))
    assert body["counts"] == {"blocked": 1}
    assert body["changes"] == [
        {
            "object": "ConfigMap/shop/state",
            "ref": {"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "state"},
            "action": "prune",
            "message": "waits for a confirmation: deleting it deletes data",
        }
    ]


def test_nothing_to_do_shows_nothing() -> None:
    assert preview.body(preview.NOTHING) == {}


def test_differences_name_objects_actions_and_fields() -> None:
    was = [entry("a", Action.CREATE), entry("b", Action.UPDATE, COLOUR), entry("c", Action.PRUNE)]
    now = [entry("a", Action.ADOPT), entry("b", Action.UPDATE, replace(COLOUR, old="green"))]
    now.append(entry("d", Action.CREATE))
    assert preview.differences(was, now) == (
        "adopt instead of create: ConfigMap shop/a",
        "other content: update ConfigMap shop/b (data.colour)",
        "no longer: prune ConfigMap shop/c",
        "new: create ConfigMap shop/d",
    )


def test_another_commit_file_or_line_of_the_same_content_is_no_difference() -> None:
    was = entry("a", Action.CREATE)
    assert preview.differences([was], [replace(was, commit="2" * 40, file="b.yaml", line=9)]) == ()
    assert preview.differences([was], [replace(was, digest="e")]) == (
        "other content: create ConfigMap shop/a",
    )


def test_what_a_record_has_shown_leaves_out_what_would_not_be_done() -> None:
    going, refused, blocked = change("a"), change("b"), change("c", Action.PRUNE)
    why = preview.blocks(blocked)
    outcomes = (
        Outcome(change=refused, result=Result.FAILED, failures=(replace(why, reason="Invalid"),)),
        Outcome(change=blocked, result=Result.NOT_TRIED, failures=(why,)),
    )
    records = opening.opening(sync(), syncs.entries([going, refused, blocked]), None)
    closed = closing.close(records, ended(Ending.PLANNED, outcomes=outcomes, blocked=1))
    assert [each.object for each in preview.shown(closed)] == [str(going.ref)]
    counts = closed[0].closing.counts if closed[0].closing else None
    assert counts
    assert (counts.created, counts.pruned, counts.failed, counts.blocked) == (1, 0, 1, 1)


def test_what_stays_although_git_declares_it_no_more_is_named_and_what_is_not_ours_is_not() -> None:
    kept = [
        replace(change(f"k{number}", Action.PRUNE), action=Action.SKIP, message="kept") for number in range(5)
    ]
    strange = replace(kept[0], ref=syncs.ref("strange"), reason="NotOurs")
    held = replace(change("declared"), action=Action.SKIP, message="waits")
    assert preview.staying([strange, held]) == ""
    assert preview.staying([*kept[:1], strange]) == "1 object left Git: ConfigMap shop/k0 (kept)"
    assert preview.staying(kept).endswith("ConfigMap shop/k2 (kept) and 2 more")
