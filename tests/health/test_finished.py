from __future__ import annotations

from typing import Any

import pytest
from towline.health.finished import is_finished
from towline.model import GroupKind

JOB = GroupKind("batch", "Job")
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}


@pytest.mark.parametrize(
    ("kind", "spec", "status"),
    [
        (JOB, {"ttlSecondsAfterFinished": 15}, COMPLETE),
        (JOB, {"ttlSecondsAfterFinished": 0}, COMPLETE),
        (GroupKind("argoproj.io", "Workflow"), {}, {"phase": "Succeeded"}),
        (
            GroupKind("tekton.dev", "PipelineRun"),
            {},
            {"conditions": [{"type": "Succeeded", "status": "True"}]},
        ),
        (
            GroupKind("kubeflow.org", "MPIJob"),
            {"runPolicy": {"ttlSecondsAfterFinished": 60}},
            {"conditions": [{"type": "Succeeded", "status": "True"}]},
        ),
    ],
    ids=str,
)
def test_what_did_its_work_and_goes_by_its_own_rule_is_finished(
    kind: GroupKind, spec: dict[str, Any], status: dict[str, Any]
) -> None:
    assert is_finished({"spec": spec, "status": status}, kind)
    assert not is_finished({"spec": spec, "status": {}}, kind)


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({}, COMPLETE),
        ({"ttlSecondsAfterFinished": None}, COMPLETE),
        ({"ttlSecondsAfterFinished": 15}, {"conditions": [{"type": "Failed", "status": "True"}]}),
        ({"ttlSecondsAfterFinished": 15}, {"conditions": [{"type": "Complete", "status": "False"}]}),
        ("odd", COMPLETE),
    ],
    ids=str,
)
def test_a_job_that_stays_runs_or_failed_is_not(spec: Any, status: dict[str, Any]) -> None:
    assert not is_finished({"spec": spec, "status": status}, JOB)
