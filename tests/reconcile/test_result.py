from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from towline.api.gitrepository import Mode
from towline.errors import Reason, TowlineError
from towline.reconcile import result
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
