from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from towline.api.gitrepository import Mode
from towline.errors import CostlyBuildError, CostlyError, Failure, Reason, SourceError, TowlineError
from towline.reconcile import result
from towline.reconcile.desired.head import Head
from towline.reconcile.state import Reached
from towline.status import compute

from tests.api.test_gitrepository import repository, specify

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = {
    "counts": {"prune": 1},
    "changes": [{"object": "ConfigMap/shop/a", "action": "prune"}],
    "changesTotal": 1,
}


@pytest.mark.parametrize(("mode", "shown"), [(Mode.ENFORCE, None), (Mode.OBSERVE, PLAN)])
def test_a_plan_that_was_shown_goes_with_observe_and_stays_under_it_also_while_git_is_away(
    mode: Mode, shown: Any
) -> None:
    reached = Reached(spec=specify(mode=str(mode)))
    passed = result.failed(repository(), reached, TowlineError(Reason.GIT_UNAVAILABLE, "away"))
    assert compute.compute({"plan": PLAN}, passed, NOW).get("plan") == shown


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SourceError(Reason.SOURCE_TOO_LARGE, "too large"), True),
        (SourceError(Reason.GIT_OBJECT_INVALID, "invalid"), True),
        (CostlyError(Reason.GIT_TIMEOUT, "read for a minute"), True),
        (CostlyBuildError((Failure(reason="BuildFailed", message="built for a minute"),)), True),
        (SourceError(Reason.GIT_TIMEOUT, "a silent server"), False),
        (SourceError(Reason.PATH_NOT_FOUND, "no folder"), False),
    ],
)
def test_what_is_too_costly_is_so_with_each_try_at_the_same_commit(
    error: SourceError, *, expected: bool
) -> None:
    head = Head(remote=cast("Any", None), name="refs/heads/main", sha="a" * 40, seen_at=0.0)
    assert result.failed(repository(), Reached(spec=specify(), head=head), error).is_costly is expected
    assert not result.failed(repository(), Reached(spec=specify()), error).is_costly


@pytest.mark.parametrize(
    "message",
    [
        "Secret git is empty; https needs username+password",
        "the Git server rejected the credentials in the Secret of spec.secretRef: update it",
    ],
)
def test_what_is_wrong_with_a_secret_names_it_with_its_namespace(message: str) -> None:
    found, reached = repository(), Reached(spec=specify(secretRef={"name": "git"}))
    passed = result.failed(found, reached, TowlineError(Reason.AUTHENTICATION_FAILED, message))
    assert f"Secret {found.key.namespace}/git" in passed.message
