from __future__ import annotations

import pytest
from towline.read.explanation import status_causes
from towline.read.explanation.cause import FoundCause


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        ("unknown field spec.replicsa (did you mean replicas?)", "/spec/replicsa"),
        ("spec.template.spec.containers[0].image: Required value", "/spec/template/spec/containers/0/image"),
        (
            'metadata.labels["app.kubernetes.io/name"]: Invalid value',
            "/metadata/labels/app.kubernetes.io~1name",
        ),
        ("data: Invalid value: must be a map", "/data"),
        ('spec.containers[name="web"].image: Required value', "/spec/containers"),
        ("Deployment.apps is invalid: spec.selector: field is immutable", "/spec/selector"),
        ("exceeded quota: small, requested: pods=1", ""),
        ("the specification says so", ""),
        ("deploy/data.yaml is not YAML", ""),
        ("see https://example.com/spec.html", ""),
        ("", ""),
    ],
)
def test_a_message_names_its_field(message: str, pointer: str) -> None:
    assert status_causes.field_in(message) == pointer


def test_a_waiting_deletion_names_the_commit_that_a_closer_look_found() -> None:
    told = FoundCause(
        commit="b" * 40,
        author="Bob",
        reason="PruneBlocked",
        evidence="bbbbbbb no longer declares it: loses data",
    )
    found = status_causes.left_by(told, "a" * 40, "Ada")
    assert (found.commit, found.author) == ("a" * 40, "Ada")
    assert found.evidence == "aaaaaaa no longer declares it: loses data"
