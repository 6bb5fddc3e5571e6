"""What a pass leaves to the next: how often the same failed, when to try again, and what need not be read again."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import pytest
from towline.api import labels
from towline.api.gitrepository import GitRepository
from towline.api.signed.verification import Verification
from towline.api.signed.verifying import VerifyMode
from towline.api.syncrecord import Trigger
from towline.errors import Reason
from towline.model import Key, Person, Revision
from towline.reconcile import state
from towline.reconcile.desired.head import Head
from towline.reconcile.reconciler import LastPasses
from towline.reconcile.state import Attempt, Fetched, LastPass, Reached, Start
from towline.status.compute import PassResult

from tests.api.test_gitrepository import repository, specify

ADA = Person(name="Ada", email="ada@example.com")
HEAD = Head(remote=cast("Any", None), name="main", sha="a" * 40, seen_at=5.0)
REVISION = Revision(sha=HEAD.sha, author=ADA, committer=ADA, authored_at="", committed_at="", subject="Begin")
SPEC = specify()
APP = repository()
FETCHED = Fetched(spec=SPEC, head=HEAD, revision=REVISION)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def kept() -> LastPasses:
    return LastPasses(Clock(), lambda: 0.0)


def ended(reason: Reason, observed: str = HEAD.sha, **more: Any) -> Attempt:
    passed = PassResult(generation=APP.generation, reason=reason, observed=observed)
    reached = Reached(spec=SPEC, head=HEAD, fetched=FETCHED, secret=more.pop("secret", None))
    return Attempt(repository=APP, reached=reached, passed=passed, **more)


def after(passes: LastPasses, *attempts: Attempt) -> tuple[PassResult, float | None]:
    for attempt in attempts[:-1]:
        passes.keep(start(passes), attempt)
    return passes.keep(start(passes), attempts[-1])


def start(passes: LastPasses, of: GitRepository = APP) -> Start:
    return Start(repository=of, last=passes.last(of.key, of.uid))


def test_the_same_failure_again_is_counted_and_waits_twice_as_long() -> None:
    passes, failed = kept(), ended(Reason.GIT_UNAVAILABLE)
    assert [after(passes, failed)[0].attempts for _ in range(3)] == [1, 2, 3]
    assert after(passes, failed)[1] == pytest.approx(8.0)


@pytest.mark.parametrize(
    "other",
    [ended(Reason.GIT_TIMEOUT), ended(Reason.GIT_UNAVAILABLE, "b" * 40)],
    ids=["another reason", "another head"],
)
def test_another_failure_is_the_first_of_its_kind(other: Attempt) -> None:
    passed, due = after(kept(), *[ended(Reason.GIT_UNAVAILABLE)] * 3, other)
    assert passed.attempts == 1
    assert due == pytest.approx(1.0)


def test_a_changed_secret_is_looked_for_while_signatures_are_not_trusted() -> None:
    for problem, due in (("no keys", pytest.approx(2.0)), ("", pytest.approx(SPEC.interval))):
        found = Verification(mode=VerifyMode.HEAD, secret="signers", problem=problem) if problem else None
        refused = ended(Reason.VERIFICATION_FAILED)
        reached = replace(refused.reached, fetched=replace(FETCHED, verification=found))
        assert after(kept(), replace(refused, reached=reached))[1] == due


def test_credentials_that_were_changed_begin_the_count_anew() -> None:
    old = ended(Reason.AUTHENTICATION_FAILED, secret="1")
    passed, _ = after(kept(), old, old, ended(Reason.AUTHENTICATION_FAILED, secret="2"))
    assert passed.attempts == 1


def test_a_result_that_still_holds_keeps_its_count_and_its_time() -> None:
    passes, failed = kept(), ended(Reason.GIT_UNAVAILABLE)
    passed, due = after(passes, failed, failed)
    again, still_due = after(passes, replace(failed, passed=passed, is_new=False))
    assert (again.attempts, still_due) == (2, due)


def test_a_success_comes_again_after_the_interval() -> None:
    passed, due = after(kept(), ended(Reason.SUCCEEDED))
    assert (passed.attempts, due) == (0, SPEC.interval)


def test_a_head_whose_commit_is_at_hand_is_not_looked_up_again_before_the_interval_and_one_without_is() -> (
    None
):
    passes = kept()
    after(passes, ended(Reason.SUCCEEDED))
    assert start(passes).last.looked_at == HEAD.seen_at
    lost = Attempt(
        repository=APP,
        reached=Reached(spec=SPEC, head=HEAD),
        passed=PassResult(generation=1, reason=Reason.GIT_UNAVAILABLE),
    )
    after(passes, lost)
    last = start(passes).last
    assert (last.looked_at, last.head, last.fetched) == (-math.inf, HEAD, FETCHED)


def test_a_resource_of_the_same_name_begins_with_nothing() -> None:
    passes = kept()
    after(passes, ended(Reason.SUCCEEDED))
    assert passes.last(APP.key, "another") == LastPass(uid="another")
    assert passes.forget(APP.key) == APP.uid
    assert passes.forget(APP.key) == ""


def test_an_api_server_that_cannot_be_asked_is_asked_again_with_growing_pauses() -> None:
    passes, key = kept(), Key("shop", "app")
    assert [passes.unread(key, 0.0) for _ in range(3)] == pytest.approx([1.0, 2.0, 4.0])
    assert passes.unread(key, 60.0) == 60.0


CONFIRMED = replace(
    APP,
    annotations={labels.CONFIRM_PRUNE: "x"},
    status={"blocked": {"confirm": "x"}, "commit": {"applied": HEAD.sha}},
)
TRIED = LastPass(uid=APP.uid, passed=PassResult(generation=APP.generation, reason=Reason.SUCCEEDED))
APPLIED = replace(
    APP, status={"observedGeneration": APP.generation, "commit": {"applied": HEAD.sha}}, annotations={}
)


@pytest.mark.parametrize(
    ("of", "last", "expected"),
    [
        (replace(APPLIED, status={}), TRIED, Trigger.COMMIT),
        (replace(APPLIED, generation=APP.generation + 1), TRIED, Trigger.SPEC),
        (replace(CONFIRMED, status={**CONFIRMED.status, **APPLIED.status}), TRIED, Trigger.MANUAL),
        (replace(APPLIED, annotations={labels.RECONCILE: "now"}), TRIED, Trigger.MANUAL),
        (APPLIED, TRIED, Trigger.DRIFT),
        (APPLIED, LastPass(), Trigger.START),
    ],
)
def test_a_record_says_why_there_was_something_to_do(
    of: GitRepository, last: LastPass, expected: Trigger
) -> None:
    assert state.occasion(Start(repository=of, last=last), FETCHED).trigger is expected
