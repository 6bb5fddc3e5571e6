"""An object is deleted only as what the deletion was planned for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from towline.errors import Refusal
from towline.model import Live, ObjectRef
from towline.plan import second_look

from tests.plan import strategies as world
from tests.plan.strategies import POLICY, inherited, live

OWN = live(ObjectRef("", "ConfigMap", "shop", "gone"))


def _also(**changed: Any) -> Callable[[Live], Live]:
    return lambda found: found._replace(**changed)


@pytest.mark.parametrize("planned", [OWN, inherited(OWN)])
def test_what_only_moved_on_is_deleted_as_planned(planned: Live) -> None:
    now = planned._replace(resource_version="9", commit="another", digest="another", verified=True)
    assert second_look.veto(planned, now, POLICY) is None


@pytest.mark.parametrize(
    ("become", "reason", "words"),
    [
        pytest.param(_also(uid="new"), Refusal.NOT_OURS, "created again", id="created again"),
        pytest.param(inherited, Refusal.INHERITED, world.EARLIER_UID, id="inherited"),
        pytest.param(_also(owner="x"), Refusal.INHERITED, "GitRepository uid x", id="another uid"),
        pytest.param(_also(owner=""), Refusal.NOT_OURS, "no towline.dev/owner", id="unowned"),
        pytest.param(_also(label="team.infra"), Refusal.NOT_OURS, "no longer", id="another label"),
        pytest.param(_also(fields=b""), Refusal.NOT_OURS, "managedFields", id="no entry of ours"),
        pytest.param(_also(prune_disabled=True), "", "Disabled", id="to be kept"),
        pytest.param(_also(adopted=True), "", "annotations were changed", id="marked as adopted"),
    ],
)
def test_what_became_something_else_since_the_plan_is_kept_and_told_why(
    become: Callable[[Live], Live], reason: str, words: str
) -> None:
    found = second_look.veto(OWN, become(OWN), POLICY)
    assert found is not None
    assert found.reason == reason
    assert words in found.message


def test_a_confirmation_for_one_earlier_owner_deletes_nothing_of_another_one() -> None:
    planned = inherited(OWN)
    for owner in (POLICY.uid, "another earlier uid"):
        found = second_look.veto(planned, planned._replace(owner=owner), POLICY)
        assert found is not None
        assert found.reason == Refusal.INHERITED


def test_what_asked_to_be_pruned_and_does_no_more_is_left_to_the_next_plan() -> None:
    """With spec.prune false it would be released."""
    assert second_look.veto(OWN._replace(prune_enabled=True), OWN, POLICY)
