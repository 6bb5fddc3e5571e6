from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from towline.api import gitrepository, schema
from towline.api.gitrepository import Spec
from towline.api.ignoring import Rule
from towline.errors import Reason, SpecError
from towline.model import Key

CRD = yaml.safe_load((Path(__file__).parents[2] / "crds" / "gitrepositories.yaml").read_text())
SCHEMA = schema.validator(CRD)


def specify(*rules: Any) -> Spec:
    raw = {
        "metadata": {"namespace": "shop", "name": "app", "uid": "u-1"},
        "spec": {"url": "https://git.example/app.git", "ignoreFields": list(rules)},
    }
    assert gitrepository.identify(raw).key == Key("shop", "app")
    return gitrepository.specify(gitrepository.identify(raw), SCHEMA)


def test_a_rule_holds_its_target_and_its_pointers() -> None:
    target = {"kind": "Deployment", "group": "apps", "labelSelector": {"matchLabels": {"app": "web"}}}
    (rule,) = specify({"target": target, "fields": ["/spec/replicas"]}).ignore_fields
    assert rule == Rule(kind="Deployment", group="apps", labels={"app": "web"}, pointers=("/spec/replicas",))


def test_the_core_group_is_not_every_group() -> None:
    some, every = specify(
        {"target": {"group": ""}, "fields": ["/data"]}, {"target": {"kind": "Job"}, "fields": ["/spec"]}
    ).ignore_fields
    assert (some.group, every.group) == ("", None)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"fields": ["/spec"]}, "spec.ignoreFields[0].target"),
        ({"target": {}, "fields": ["/spec"]}, "spec.ignoreFields[0].target"),
        ({"target": {"kind": "Job"}}, "spec.ignoreFields[0].fields"),
        ({"target": {"kind": "Job"}, "fields": []}, "spec.ignoreFields[0].fields"),
        ({"target": {"kind": "Job"}, "fields": ["spec.replicas"]}, "spec.ignoreFields[0].fields[0]"),
        ({"target": {"kind": "Job"}, "fields": ["/spec", "/"]}, "spec.ignoreFields[0].fields[1]"),
        ({"target": {"kind": "Job"}, "fields": ["/spec/a~2b"]}, "spec.ignoreFields[0].fields[0]"),
        ({"target": {"kind": "Job"}, "fields": ["/metadata"]}, "spec.ignoreFields[0].fields[0]"),
        ({"target": {"kind": "Job"}, "fields": ["/metadata/name"]}, "spec.ignoreFields[0].fields[0]"),
        ({"target": {"kind": "Job"}, "fields": ["/kind"]}, "spec.ignoreFields[0].fields[0]"),
        (
            {"target": {"kind": "Job"}, "fields": ["/metadata/labels/towline.dev~1repository"]},
            "spec.ignoreFields[0].fields[0]",
        ),
        (
            {"target": {"kind": "Job", "regex": "x"}, "fields": ["/spec"]},
            "spec.ignoreFields[0].target.regex",
        ),
        (
            {"target": {"labelSelector": {"matchLabels": {}}}, "fields": ["/spec"]},
            "spec.ignoreFields[0].target.labelSelector.matchLabels",
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_named_by_its_field(rule: Any, field: str) -> None:
    with pytest.raises(SpecError) as caught:
        specify(rule)
    assert caught.value.reason is Reason.INVALID_SPEC
    assert [fault.partition(": ")[0] for fault in caught.value.message.split("; ")] == [field]
