from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.api.stateless_kinds import STATELESS, is_stateless
from towline.health import assessment, pod
from towline.model import GroupKind, Health, State

FIXTURES = Path(__file__).parent
PLACED = sorted(FIXTURES.rglob("*.yaml"))


class Case(NamedTuple):
    expected: Health
    body: dict[str, Any]
    kind: GroupKind


def read(path: Path) -> Case:
    expected, body = yaml.safe_load_all(path.read_text())
    group, _, _ = body["apiVersion"].rpartition("/")
    health = Health(State(expected["state"]), expected.get("message", ""))
    return Case(health, body, GroupKind(group, body["kind"]))


@pytest.mark.parametrize("path", PLACED, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_an_object_is_as_its_fixture_says(path: Path) -> None:
    case = read(path)
    assert assessment.assess(case.body, case.kind) == case.expected
    assert path.name.startswith(case.expected.state.name.lower().replace("_", "-"))


def test_every_kind_with_a_rule_has_a_fixture() -> None:
    assert {read(path).kind for path in PLACED} >= set(assessment.FAMILIES)


def test_no_kind_is_both_assessed_and_read_by_its_metadata_alone() -> None:
    assert STATELESS.isdisjoint(assessment.FAMILIES)
    assert not is_stateless(GroupKind("shop.example", "Cart"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
ANY_CONDITIONS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["Ready", "Stalled", "Reconciling", "Available", "Progressing"])},
        optional={"status": JSON, "reason": JSON, "message": JSON, "observedGeneration": JSON},
    ),
    max_size=3,
)
ANY_STATUS = JSON | st.fixed_dictionaries({}, optional={"conditions": JSON | ANY_CONDITIONS, "phase": JSON})
KINDS = st.sampled_from([*assessment.FAMILIES, GroupKind("shop.example", "Cart")])


@settings(max_examples=200)
@given(KINDS, JSON, ANY_STATUS)
def test_no_object_is_too_odd_to_be_assessed(kind: GroupKind, spec: object, status: object) -> None:
    found = assessment.assess({"metadata": {"name": "a"}, "spec": spec, "status": status}, kind)
    assert found.state in State
    assert "\n" not in found.message


def test_a_message_by_others_is_one_short_line() -> None:
    stalled = {"type": "Stalled", "status": "True", "reason": "A", "message": "no\x1b[31m\nmore" * 999}
    found = assessment.assess(
        {"metadata": {}, "status": {"conditions": [stalled]}}, GroupKind("shop.example", "Cart")
    )
    assert len(found.message.encode()) <= 300
    assert found.message.isprintable()


def test_the_pod_that_says_most_speaks_for_its_workload() -> None:
    bodies = {path.stem: read(path).body for path in (FIXTURES / "pod").iterdir()}
    assert "CrashLoopBackOff" in pod.worst([bodies["in-progress-image"], bodies["failed-crash-loop"]])
    assert "ImagePullBackOff" in pod.worst([bodies["current-ready"], bodies["in-progress-image"]])
    assert pod.worst([bodies["current-ready"], bodies["in-progress-starting"]]) == ""
    leaving = {**bodies["failed-crash-loop"], "metadata": {"name": "a", "deletionTimestamp": "now"}}
    assert pod.worst([leaving]) == ""
