from __future__ import annotations

from dataclasses import replace

from towline.model import Action, Change, Key, ObjectRef
from towline.status import blocked

from tests.records import syncs

KEY = Key("team", "shop")
ALLOW = "Allow: kubectl annotate tgr/shop towline.dev/confirm-prune=fc52 --overwrite -n team"


def prune(ref: ObjectRef, message: str, source: str = "") -> Change:
    live = syncs.live(ref.name)._replace(ref=ref, source=source) if source else None
    return replace(Change(action=Action.PRUNE, ref=ref, reason="PruneBlocked", message=message), live=live)


def test_a_claim_is_asked_for_with_the_command_that_allows_and_the_file_that_keeps() -> None:
    uploads = ObjectRef("", "PersistentVolumeClaim", "team", "uploads")
    waits = prune(uploads, f"deleting {uploads.display} loses data", "deploy/uploads.yaml")
    assert blocked.sentence([waits], "fc52", KEY) == (
        "Waiting for you: deleting PersistentVolumeClaim team/uploads loses data. "
        f"{ALLOW}; keep: restore deploy/uploads.yaml"
    )


def test_a_shrunken_source_is_told_by_its_numbers_and_first_objects() -> None:
    refs = [ObjectRef("", "ConfigMap", "team", f"shr{number}") for number in range(8)]
    waiting = [prune(ref, "8 of 12 objects would be deleted") for ref in refs]
    assert blocked.sentence(waiting, "fc52", KEY).startswith(
        "Waiting for you: 8 of 12 objects would be deleted: "
        f"ConfigMap team/shr0, ConfigMap team/shr1, ConfigMap team/shr2 and 5 more. {ALLOW}"
    )


def test_everything_that_holds_data_is_listed_and_comes_first() -> None:
    claims = [ObjectRef("", "PersistentVolumeClaim", "team", f"data-{number}") for number in range(14)]
    plain = [prune(ObjectRef("", "ConfigMap", "team", f"c{number}"), "30 of 40") for number in range(16)]
    waiting = [*plain, *(prune(ref, f"deleting {ref.display} loses data") for ref in claims)]
    shown = blocked.fields(waiting, "fc52")["blocked"]
    assert [entry["object"] for entry in shown["prunes"]] == list(map(str, claims))
    assert shown["prunesTotal"] == 30
    assert "deleting PersistentVolumeClaim team/data-0 loses data" in blocked.sentence(waiting, "fc52", KEY)


def test_a_wrong_token_is_answered() -> None:
    said = blocked.sentence([prune(ObjectRef("", "ConfigMap", "team", "c"), "all")], "fc52", KEY, "abcd")
    assert said.startswith(
        'Waiting for you: the token "abcd" in towline.dev/confirm-prune does not confirm this list. all'
    )
