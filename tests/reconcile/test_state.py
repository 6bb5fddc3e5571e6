from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from towline.api import labels
from towline.api.gitrepository import Spec
from towline.api.syncrecord import Trigger
from towline.errors import Reason
from towline.model import Person, Revision
from towline.reconcile import state
from towline.reconcile.desired.head import Head
from towline.reconcile.state import Fetched, LastPass, Occasion, Start
from towline.source.access import Remote
from towline.status.compute import PassResult

from tests.api.test_gitrepository import repository, specify

OLD, NEW = "1" * 40, "2" * 40
MAIN = "refs/heads/main"


def fetched(spec: Spec, sha: str, name: str = MAIN) -> Fetched:
    head = Head(remote=Remote(url="https://git.example/app"), name=name, sha=sha, seen_at=0.0)
    ada = Person(name="Ada", email="ada@example.com")
    at = "2026-01-01T00:00:00Z"
    revision = Revision(sha=sha, author=ada, committer=ada, authored_at=at, committed_at=at, subject="Change")
    return Fetched(spec=spec, head=head, revision=revision)


def start(done_at: Fetched | None, annotations: dict[str, str] | None = None, **status: Any) -> Start:
    """What a pass begins with after `done_at` was applied as a whole."""
    known = {"observedGeneration": repository().generation, "commit": {"applied": OLD}} | status
    last = LastPass(passed=PassResult(generation=1, reason=Reason.SUCCEEDED), done_at=done_at)
    return Start(repository=replace(repository(annotations=annotations or {}), status=known), last=last)


def test_a_new_head_of_the_same_ref_is_a_commit() -> None:
    why = state.occasion(start(fetched(specify(), OLD)), fetched(specify(), NEW))
    assert why == Occasion(trigger=Trigger.COMMIT, same_ref=True)


@pytest.mark.parametrize(
    "switched", [{"ref": {"branch": "next"}}, {"url": "https://git.example/other"}, {"path": "other"}]
)
@pytest.mark.parametrize("sha", [OLD, NEW])
def test_a_switch_of_ref_url_or_path_is_of_the_spec_also_where_a_pass_failed_in_between(
    switched: dict[str, Any], sha: str
) -> None:
    why = state.occasion(start(fetched(specify(), OLD)), fetched(specify(**switched), sha))
    assert why == Occasion(trigger=Trigger.SPEC, same_ref=False)


def test_a_commit_that_comes_with_another_interval_is_a_commit() -> None:
    begun = start(fetched(specify(), OLD), observedGeneration=0)
    assert state.occasion(begun, fetched(specify(interval="5m"), NEW)).trigger is Trigger.COMMIT


def test_after_a_restart_a_spec_that_nobody_has_seen_yet_counts_as_switched() -> None:
    why = state.occasion(start(None, observedGeneration=0), fetched(specify(), NEW))
    assert why == Occasion(trigger=Trigger.SPEC, same_ref=False)


def test_the_first_sync_of_all_is_a_commit() -> None:
    begun = start(None, observedGeneration=0, commit={})
    assert state.occasion(begun, fetched(specify(), NEW)).trigger is Trigger.COMMIT


def test_another_tag_or_default_branch_loses_no_commits_of_the_one_before() -> None:
    tags = specify(ref={"semver": "1.x"})
    before = start(fetched(tags, OLD, "refs/tags/v1.0"))
    assert not state.occasion(before, fetched(tags, NEW, "refs/tags/v1.1")).same_ref
    renamed = start(fetched(specify(), OLD, "refs/heads/master"))
    assert not state.occasion(renamed, fetched(specify(), NEW, MAIN)).same_ref


@pytest.mark.parametrize(
    ("notes", "status", "user"),
    [
        ({labels.CONFIRM_PRUNE: "fc52, by=ada"}, {"blocked": {"confirm": "fc52"}}, "ada"),
        ({labels.CONFIRM_PRUNE: "old, by=ada"}, {"blocked": {"confirm": "fc52"}}, ""),
        ({labels.ACCEPT_PIN: "12ab, by=bo"}, {"movedPins": {"accept": "12ab"}}, "bo"),
        ({labels.RECONCILE: "now, by=cleo"}, {}, "cleo"),
        ({labels.RECONCILE: "now, by=cleo"}, {"lastHandledReconcile": "now, by=cleo"}, ""),
        ({}, {"blocked": {}}, ""),
    ],
)
def test_a_sync_names_who_asked_for_it_as_they_claim(
    notes: dict[str, str], status: dict[str, Any], user: str
) -> None:
    begun = start(fetched(specify(), OLD), notes, **status)
    assert state.occasion(begun, fetched(specify(), NEW)).requested_by == user


def test_a_confirmed_prune_is_manual() -> None:
    begun = start(fetched(specify(), OLD), {labels.CONFIRM_PRUNE: "token"}, blocked={"confirm": "token"})
    assert state.occasion(begun, fetched(specify(), NEW)).trigger is Trigger.MANUAL
