from __future__ import annotations

from towline.live.short_lived import SECONDS, ShortLived
from towline.model import ObjectRef

from tests.plan.strategies import live

TOKEN = live(ObjectRef("", "Secret", "team", "token"))
LABEL = TOKEN.label


class Watchmaker:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_goes_within_seconds_after_our_write_is_remembered_until_it_is_written_again() -> None:
    seen = ShortLived(Watchmaker())
    seen.wrote(TOKEN)
    seen.went(TOKEN)
    assert seen.of(LABEL) == {TOKEN.ref}
    assert seen.of("another") == frozenset()

    seen.wrote(TOKEN)
    assert seen.of(LABEL) == frozenset()


def test_what_goes_later_is_not_remembered() -> None:
    clock = Watchmaker()
    seen = ShortLived(clock)
    seen.wrote(TOKEN)
    clock.now += SECONDS
    seen.went(TOKEN)
    assert seen.of(LABEL) == frozenset()


def test_each_write_counts_anew() -> None:
    clock = Watchmaker()
    seen = ShortLived(clock)
    seen.wrote(TOKEN)
    clock.now += SECONDS - 1
    seen.wrote(TOKEN)
    clock.now += SECONDS - 1
    seen.went(TOKEN)
    assert seen.of(LABEL) == {TOKEN.ref}


def test_a_deletion_that_somebody_made_later_ends_the_memory_of_an_earlier_one() -> None:
    clock = Watchmaker()
    seen = ShortLived(clock)
    seen.wrote(TOKEN)
    seen.went(TOKEN)
    clock.now += SECONDS
    seen.went(TOKEN)
    assert seen.of(LABEL) == frozenset()
