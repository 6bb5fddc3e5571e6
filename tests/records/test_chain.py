from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from towline.api import recordbody
from towline.api.syncrecord import Trigger
from towline.records import chain, newest, opening

from tests.records import syncs
from tests.records.syncs import change, entries, sync

ROOT = Path(__file__).parents[2]

BEFORE_REFS = "sha256:153700c638e282b2192d9f2e0b091c34d29d497f8b18c0599003e8eadd98dd3e"
"""The digest of the first record of `syncs.history`, as it was computed by version 1."""

HISTORY = [recordbody.to_body(made) for made in syncs.history(1, 2, 2200, 1)]
"""Six records of four syncs: the third has three parts."""


def said(bodies: list[Any]) -> list[str]:
    return [f"{problem.record[-1:]} {problem.message}" for problem in chain.verify(bodies)]


def test_an_untouched_history_is_well_in_any_order() -> None:
    bodies = copy.deepcopy(HISTORY)
    random.Random(1).shuffle(bodies)  # noqa: S311  an order, not a secret
    assert chain.verify(bodies) == ()


def test_a_history_survives_what_the_api_server_adds_to_it() -> None:
    bodies = json.loads(json.dumps(HISTORY))
    for body in bodies:
        body["metadata"] |= {"uid": "u", "labels": {"edited": "yes"}}
        body["spec"]["somethingNew"] = True
    assert chain.verify(bodies) == ()


def test_a_history_from_before_a_field_was_covered_goes_on() -> None:
    [older] = syncs.history(1)
    body = recordbody.to_body(older)
    for field in ("ref", "author"):
        del body["spec"][field]
    body["spec"]["digestVersion"] = 1
    body["status"]["digest"] = BEFORE_REFS
    tip = newest.of([recordbody.from_body(body)])
    [newer] = opening.opening(sync(), (), tip)
    assert newer.intent.digest_version == chain.VERSION
    assert chain.verify([body, recordbody.to_body(newer)]) == ()


def test_the_newest_digest_covers_every_field_of_the_schema() -> None:
    schema = yaml.safe_load((ROOT / "crds/syncrecords.yaml").read_text())["spec"]["versions"][0]["schema"]
    places = schema["openAPIV3Schema"]["properties"]
    covered = chain.NAMED[chain.VERSION]
    assert covered["spec"] == places["spec"]["properties"].keys()
    assert covered["status"] | {"digest"} == places["status"]["properties"].keys()


def test_an_open_record_at_the_end_is_well() -> None:
    last = newest.of(syncs.history(1))
    running = opening.opening(sync(), entries(change(f"o{number}") for number in range(700)), last)
    bodies = [recordbody.to_body(made) for made in (*syncs.history(1), *running)]
    assert chain.verify(bodies) == ()


def test_histories_of_several_repositories_are_checked_apart() -> None:
    other = syncs.sync().subject.__class__(namespace="shop", name="other", uid="f" * 36)
    bodies = [recordbody.to_body(made) for made in syncs.history(1, 1, subject=other)]
    assert chain.verify(HISTORY + bodies) == ()


@pytest.mark.parametrize("index", range(6))
@pytest.mark.parametrize(
    ("place", "field", "value"),
    [
        ("spec", "operator", "somebody"),
        ("spec", "trigger", str(Trigger.MANUAL)),
        ("spec", "changes", []),
        ("spec", "flags", ["Late"]),
        ("spec", "ref", "refs/tags/main"),
        ("spec", "author", {"name": "Eve", "email": "eve@example.com"}),
        ("status", "outcome", "Failed"),
        ("status", "counts", {}),
        ("status", "failures", [{"reason": "x", "message": "y"}]),
    ],
)
def test_an_edited_record_is_found(index: int, place: str, field: str, value: Any) -> None:
    bodies = copy.deepcopy(HISTORY)
    bodies[index][place][field] = value
    assert f"{index + 1} its digest is not that of its content" in said(bodies)


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize("place", ["spec", "status"])
def test_a_record_that_was_replaced_by_a_consistent_one_is_found(index: int, place: str) -> None:
    bodies = copy.deepcopy(HISTORY)
    forged = bodies[index]
    forged[place] |= {"operator": "somebody"} if place == "spec" else {"finishedAt": "2020-01-01T00:00:00Z"}
    del forged["status"]["digest"]
    forged["status"]["digest"] = chain.digest(forged)
    assert said(bodies)


@pytest.mark.parametrize("index", range(1, 5))
def test_a_missing_record_is_found_and_named_as_missing(index: int) -> None:
    problems = chain.verify(HISTORY[:index] + HISTORY[index + 1 :])
    assert [(problem.missing, problem.message) for problem in problems] == [
        (True, f"the records {index + 1} to {index + 1} before it are missing")
    ]


def test_the_oldest_records_may_be_gone() -> None:
    assert chain.verify(HISTORY[4:]) == ()


def test_an_open_record_in_the_middle_is_found() -> None:
    bodies = copy.deepcopy(HISTORY)
    del bodies[0]["status"]
    assert said(bodies) == ["1 is still open, although app-0b6a0c3e-00000002 follows it"]


def test_two_records_of_one_sequence_are_found() -> None:
    again = copy.deepcopy(HISTORY[1])
    again["metadata"]["name"] = "copy-2"
    assert said([*HISTORY, again]) == ["2 has the sequence of app-0b6a0c3e-00000002"]


def test_a_first_record_that_follows_another_is_found() -> None:
    bodies = copy.deepcopy(HISTORY[:1])
    bodies[0]["spec"]["previous"] = "sha256:0"
    bodies[0]["status"].pop("digest")
    bodies[0]["status"]["digest"] = chain.digest(bodies[0])
    assert said(bodies) == ["1 only the first record has none before it"]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"metadata": {"name": "x"}},
        {"metadata": {"name": "x"}, "spec": {"repository": {"uid": "u"}, "sequence": 1, "digestVersion": 9}},
        {
            "metadata": {"name": "x"},
            "spec": {"repository": {"uid": "u"}, "sequence": 1, "digestVersion": None},
        },
        {"metadata": None, "spec": []},
        {
            "metadata": {"name": "x"},
            "spec": {"repository": {"uid": "u"}, "sequence": 1, "digestVersion": 1, "to": "\ud800"},
        },
    ],
)
def test_what_is_no_record_is_a_problem_and_no_crash(broken: Any) -> None:
    [problem] = chain.verify([*HISTORY, broken])
    assert problem.message.startswith("cannot be read")
