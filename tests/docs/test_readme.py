"""What the README claims is shown by tests, and what it says is missing is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import towline
import yaml
from towline.importing.argo.argo_rules import REFUSED_GENERATORS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMPARISON = (ROOT / "docs" / "comparison.md").read_text()

CLAIMS = {
    "Cost follows the change.": (
        "test_three_looks_at_an_unchanged_repository_ask_and_write_nothing",
        "test_one_changed_value_among_300_objects_writes_one_object_which_names_that_commit_and_file",
    ),
    "A missing file alone never deletes anything.": (
        "test_one_of_50_files_that_does_not_parse_holds_back_the_whole_commit",
        "test_lookalikes_are_not_pruned_with_the_object_that_they_resemble",
        "test_the_loss_of_most_objects_is_blocked_and_listed_with_its_token",
    ),
    "Drift is seen when it happens.": (
        "test_an_edit_is_undone_and_its_record_says_who_changed_what",
        "test_reported_drift_stays_and_stands_in_the_status_until_a_commit_changes_the_object",
    ),
    "All errors at once.": (
        "test_all_refused_objects_are_reported_at_once_with_reason_file_and_line",
        "test_nothing_is_written_while_one_object_is_refused",
        "test_what_a_quota_has_no_room_for_together_is_refused_before_anything_is_written",
    ),
    "Look before you leap.": (
        "test_the_plan_is_shown_with_its_fields_and_nothing_is_written",
        "test_enforce_applies_exactly_what_was_shown",
    ),
    "Ready means ready.": (
        "test_a_deployment_that_becomes_available_makes_its_commit_healthy",
        "test_a_container_that_crashes_is_named_with_its_reason_and_image",
    ),
    "An audit trail in the cluster.": (
        "test_the_record_tells_who_changed_which_field_from_what_to_what",
        "test_an_administrator_can_rewrite_neither_the_intent_nor_the_outcome_of_a_sync",
        "test_a_checkpoint_of_the_status_proves_what_the_records_hold",
    ),
    "A command line that answers.": (
        "test_a_field_changed_merged_reverted_and_edited_by_hand_is_blamed_at_each_step",
        "test_of_several_new_commits_the_first_that_fails_is_named_with_field_line_and_author",
        "test_what_a_revision_would_do_is_told_by_dry_runs_alone_as_far_as_the_user_may_ask",
        "test_the_life_of_a_field_and_the_fate_of_every_commit_are_told",
    ),
}
"""By the first words of each point: the tests that show it."""


def rows(text: str) -> list[str]:
    """Return the questions of the first table whose head is a question."""
    (_, _, table) = text.partition("| question |")
    return [line.split("|")[1].strip() for line in table.partition("\n\n")[0].splitlines()[2:]]


def test_every_claim_is_shown_by_tests_that_exist() -> None:
    assert re.findall(r"^- \*\*(.+?)\*\*", README, re.MULTILINE) == list(CLAIMS)
    known = {
        node.name
        for folder in ("tests", "e2e/stories")
        for file in (ROOT / folder).rglob("test_*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name for names in CLAIMS.values() for name in names} - known == set()


def test_every_row_of_the_comparison_is_in_the_page_that_names_its_tests() -> None:
    assert len(rows(README)) > 4
    assert set(rows(README)) - set(rows(COMPARISON)) == set()


def test_the_readme_begins_with_the_two_commands_and_names_the_version() -> None:
    assert re.findall(r"^make \w+", README, re.MULTILINE)[:2] == ["make demo", "make test"]
    assert f"({towline.__version__})" in README


@pytest.mark.parametrize("text", [README, COMPARISON], ids=["README", "comparison"])
def test_what_the_operator_refuses_is_named_as_missing_and_nothing_else(text: str) -> None:
    crd = yaml.safe_load((ROOT / "crds" / "gitrepositories.yaml").read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    refused = {
        name
        for name, schema in spec.items()
        if any(
            rule["rule"] in {'!self.matches(r"^")', "false"}
            for rule in schema.get("x-kubernetes-validations", ())
        )
    }
    gaps = "".join(
        re.findall(r"^\*\*Status.*?\n\n|^## Every gap by name.*?^## ", text, re.MULTILINE | re.DOTALL)
    )
    assert {name for name in spec if re.search(rf"`(?:spec\.)?{name}`", gaps)} == refused


def test_generators_that_the_import_reads_are_not_among_the_refused() -> None:
    assert {"list", "git"} & set(REFUSED_GENERATORS) == set()


def test_every_picture_has_words_for_those_who_do_not_see_it() -> None:
    pictures = re.findall(r"!\[(.*?)\]\((.+?)\)", README)
    assert [target for _, target in pictures] == ["docs/demo.svg"]
    assert all(len(words) > 40 for words, _ in pictures)
