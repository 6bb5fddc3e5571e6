"""What an annotation asks for, and who asked, as it claims."""

from __future__ import annotations

import pytest
from towline.api import labels
from towline.api.asked import asking

LONG = "system:serviceaccount:" + "n" * 63 + ":" + "s" * 253


@pytest.mark.parametrize(
    ("value", "token", "user"),
    [
        ("", "", ""),
        ("fc52", "fc52", ""),
        ("fc52, by=ada", "fc52", "ada"),
        ("fc52,by=ada", "fc52", "ada"),
        (" fc52 , BY= Ada Lovelace, by=x", "fc52", "Ada Lovelace, by=x"),
        ("2026-01-01T00:00:00Z, by=system:admin", "2026-01-01T00:00:00Z", "system:admin"),
        ("by=ada", "by=ada", ""),
    ],
)
def test_a_value_may_end_in_who_asked(value: str, token: str, user: str) -> None:
    notes = {labels.CONFIRM_PRUNE: value}
    assert asking.token(notes, labels.CONFIRM_PRUNE) == token
    assert asking.by(notes, labels.CONFIRM_PRUNE) == user


def test_nobody_asks_by_an_annotation_that_is_not_there() -> None:
    assert (asking.token({}, labels.CONFIRM_PRUNE), asking.by({}, labels.CONFIRM_PRUNE)) == ("", "")


@pytest.mark.parametrize("user", ["", "ada", "Ada\nLovelace", LONG])
def test_what_is_written_is_read_back_and_fits_into_the_status(user: str) -> None:
    value = asking.written("now", user)
    notes = {labels.RECONCILE: value}
    assert asking.token(notes, labels.RECONCILE) == "now"
    assert asking.by(notes, labels.RECONCILE) == ("" if user == LONG else " ".join(user.split()))
    assert not asking.is_handled(notes, {"lastHandledReconcile": "before"})
    assert asking.is_handled(notes, {"lastHandledReconcile": value})
