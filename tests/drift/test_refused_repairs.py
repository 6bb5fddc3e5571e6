"""How often a repair is tried that the API server refuses."""

from __future__ import annotations

from towline.drift import refused_repairs
from towline.drift.refused_repairs import RefusedRepair
from towline.errors import Failure, Refusal

FAILURE = Failure(reason=Refusal.INVALID, message="Duplicate value", object="Service/shop/front")


def after(tries: int) -> RefusedRepair:
    """Refuse so many repairs, each as soon as it is due; the last one at second 0 of its pause."""
    found, now = None, 0.0
    for _ in range(tries):
        found = refused_repairs.refused(found, FAILURE, now)
        now = found.until
    assert found is not None
    return found


def test_a_refusal_is_remembered_in_its_own_words() -> None:
    found = refused_repairs.refused(None, FAILURE, 100.0)
    assert (found.reason, found.message, found.tries) == ("Invalid", "Duplicate value", 1)


def test_the_pauses_double_and_end_at_ten_minutes() -> None:
    ends = [after(tries).until for tries in range(1, 14)]
    pauses = [end - start for start, end in zip([0.0, *ends], ends, strict=False)]
    assert pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 600.0, 600.0, 600.0, 600.0]


def test_an_object_rests_until_its_pause_is_over() -> None:
    found = refused_repairs.refused(None, FAILURE, 100.0)
    assert refused_repairs.is_paused(found, 101.9)
    assert not refused_repairs.is_paused(found, 102.0)
