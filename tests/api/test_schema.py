from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from towline.api import schema

CRD = yaml.safe_load((Path(__file__).parents[2] / "crds" / "gitrepositories.yaml").read_text())
SCHEMA = schema.validator(CRD)
URL = "https://git.example/app.git"


def faults(**spec: Any) -> list[str]:
    return [str(fault) for fault in SCHEMA.faults({"url": URL, **spec})]


def test_a_minimal_spec_has_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"url": 3}, "spec.url: must be a string"),
        ({"url": f"{URL}?token=x"}, "spec.url: must not have a query (?) or a fragment (#)"),
        ({"url": f"{URL}#readme"}, "spec.url: must not have a query (?) or a fragment (#)"),
        ({"prune": "yes"}, "spec.prune: must be true or false"),
        ({"mode": "observe"}, "spec.mode: must be one of Enforce, Observe"),
        ({"exclude": ["a", 1]}, "spec.exclude[1]: must be a string"),
        ({"exclude": ["a"] * 101}, "spec.exclude: must have at most 100 entries"),
        ({"exclude": [""]}, "spec.exclude[0]: must not be empty"),
        ({"secretRef": {}}, "spec.secretRef.name: is required"),
        ({"secretRef": "git"}, "spec.secretRef: must be a map"),
        ({"brunch": "main"}, "spec.brunch: is not a field of a GitRepository"),
        ({"ref": {"brunch": "main"}}, "spec.ref.brunch: is not a field of a GitRepository"),
        ({"path": "a" * 1025}, "spec.path: must have at most 1024 characters"),
        ({"defaultNamespace": "No"}, "spec.defaultNamespace: must match ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
        (
            {"ref": {"branch": "main", "tag": "v1"}},
            "spec.ref: must name at most one of branch, tag, semver and name",
        ),
        (
            {"ref": {"commit": "1" * 40, "tag": "v1"}},
            "spec.ref: must name at most one of commit, tag, semver and name",
        ),
    ],
)
def test_a_fault_names_its_field_and_says_what_is_wanted(spec: dict[str, Any], said: str) -> None:
    assert faults(**spec) == [said]


def test_all_faults_are_found_at_once() -> None:
    found = faults(url="file:///srv", path="/etc", interval="0s", prune=1)
    assert [fault.split(":")[0] for fault in found] == [
        "spec.interval",
        "spec.path",
        "spec.prune",
        "spec.url",
    ]


def test_no_fault_repeats_the_value() -> None:
    planted = "hunter2"
    everywhere = dict.fromkeys(SCHEMA.spec["properties"], f"\x00{planted}\\..")
    found = [*SCHEMA.faults(everywhere), *SCHEMA.faults({"url": f"https://ada:{planted}@git.example/"})]
    assert len(found) > len(everywhere)
    assert planted not in " ".join(map(str, found))


def test_an_unknown_field_is_quoted_so_that_it_cannot_forge_a_line() -> None:
    (found,) = faults(**{"a\nlevel=info\u202e": 1})
    assert found.isprintable()


@pytest.mark.parametrize("text", ["main\n", "\nmain"])
def test_a_newline_at_the_end_of_a_value_does_not_slip_through(text: str) -> None:
    assert faults(ref={"branch": text})
    assert faults(secretRef={"name": text})
    assert faults(interval=text.replace("main", "1m"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*"ab./@{-~^:?*[\\ \x01\x7f", ".lock"]), min_size=1, max_size=6).map("".join))
def test_a_branch_name_is_accepted_exactly_where_git_accepts_it(name: str) -> None:
    assume(name != "@")
    checked = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False)
    allowed = checked.returncode == 0 and not name.startswith("-")
    assert (faults(ref={"branch": name}) == []) == allowed


def test_a_rule_that_is_not_understood_is_refused_rather_than_left_out() -> None:
    changed = copy.deepcopy(CRD)
    spec = changed["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["path"]["x-kubernetes-validations"].append({"rule": "self != 'x'", "message": "no"})
    with pytest.raises(ValueError, match="self != 'x'"):
        schema.validator(changed)


def test_defaults_are_those_of_the_crd() -> None:
    assert schema.defaults(SCHEMA) == {
        "path": ".",
        "skipNonManifests": False,
        "render": "Auto",
        "remote": "Refuse",
        "interval": "1m",
        "timeout": "60s",
        "prune": True,
        "mode": "Enforce",
        "drift": "Repair",
        "foreignFields": "Report",
        "adopt": "Unmanaged",
        "preflight": True,
        "force": False,
        "deletionPolicy": "Created",
        "suspend": False,
        "healthTimeout": "5m",
    }
