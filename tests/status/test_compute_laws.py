from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.api import condition, schema
from towline.api.condition import Type
from towline.errors import Failure, Reason, Refusal
from towline.model import Action, Body, Change, GroupKind, ObjectRef, Person, Revision
from towline.status import compute
from towline.status.compute import ObjectCounts, PassResult

CRD = yaml.safe_load((Path(__file__).parents[2] / "crds" / "gitrepositories.yaml").read_text())
(VERSION,) = CRD["spec"]["versions"]
STATUS_SCHEMA = VERSION["schema"]["openAPIV3Schema"]["properties"]["status"]

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime(2026, 1, 2, tzinfo=UTC)
OLD, NEW = "1a2b3c4" + "0" * 33, "5d6e7f8" + "0" * 33
TWELVE = ObjectCounts(declared=12, synced=12, failed=0)


ADA = Person(name="Ada", email="ada@example")
REVISIONS = tuple(
    Revision(
        sha=sha,
        author=ADA,
        committer=ADA,
        authored_at="2025-12-31T09:00:00Z",
        committed_at="2025-12-31T10:00:00Z",
        subject="raise the limits",
    )
    for sha in (OLD, NEW)
)

TEXTS = st.text(max_size=40)
FAILURES = st.builds(
    Failure,
    reason=st.sampled_from([*Refusal, *Reason]),
    message=TEXTS,
    object=TEXTS,
    file=TEXTS,
    line=st.integers(0, 9),
    commit=st.sampled_from(["", OLD, NEW]),
)
CHANGES = st.builds(
    Change,
    action=st.just(Action.PRUNE),
    ref=st.builds(ObjectRef, TEXTS, TEXTS, TEXTS, TEXTS),
    reason=TEXTS,
    message=TEXTS,
)
PASSES = st.builds(
    PassResult,
    generation=st.integers(1, 3),
    reason=st.sampled_from(Reason),
    message=TEXTS,
    observed=st.sampled_from(["", OLD, NEW]),
    attempted=st.sampled_from(["", OLD, NEW]),
    applied=st.sampled_from([None, *REVISIONS]),
    objects=st.sampled_from([None, TWELVE, ObjectCounts(declared=0, synced=0, failed=0)]),
    failures=st.none() | st.lists(FAILURES, max_size=12).map(tuple),
    blocked=st.none() | st.lists(CHANGES, max_size=12).map(tuple),
    token=TEXTS,
    kinds=st.frozensets(st.builds(GroupKind, TEXTS, TEXTS), max_size=3),
    last_record=TEXTS,
    attempts=st.integers(0, 3),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PASSES, min_size=1, max_size=3))
def test_every_status_fits_its_own_schema_and_repeating_the_pass_changes_nothing(
    passes: list[PassResult],
) -> None:
    found: Body = {}
    for passed in passes:
        found = compute.compute(found, passed, EARLY)
    closed = schema._closed(STATUS_SCHEMA)
    jsonschema.Draft202012Validator(closed).validate(json.loads(json.dumps(found)))
    assert [entry["type"] for entry in found["conditions"]] == [str(kind) for kind in Type]
    assert all(entry["reason"] for entry in found["conditions"])
    assert compute.compute(found, passes[-1], LATE) == found


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_message_for_people(reason: Reason) -> None:
    found = compute.compute({}, PassResult(generation=1, reason=reason), EARLY)
    assert condition.find(found, Type.READY)["message"]
