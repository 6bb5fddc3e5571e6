"""What repositories used is remembered, halved each minute, and counted for their namespace, too."""

from __future__ import annotations

from towline.model import Key
from towline.shares.behalf import OPERATOR
from towline.shares.usage import Usage

A, B = Key("team", "a"), Key("team", "b")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def used() -> tuple[Usage, Clock]:
    clock = Clock()
    return Usage(clock), clock


def test_who_used_much_is_forgiven_after_some_minutes() -> None:
    usage, clock = used()
    usage.add(A, 9.0)
    assert usage.is_much(A)
    clock.now += 61.0
    assert not usage.is_much(A)


def test_a_repository_does_not_pay_for_another_one_of_its_namespace_but_for_many() -> None:
    usage, _ = used()
    usage.add(A, 9.0)
    assert not usage.is_much(B)
    usage.add(A, 12.0)
    assert usage.is_much(B)
    assert not usage.is_much(Key("other", "b"))


def test_the_operator_itself_never_used_much() -> None:
    usage, _ = used()
    usage.add(OPERATOR, 1e6)
    assert not usage.is_much(OPERATOR)


def test_ten_thousand_names_that_a_tenant_makes_up_are_not_kept() -> None:
    usage, clock = used()
    for number in range(10_000):
        clock.now += 10.0
        usage.add(Key(f"n{number}", "x"), 0.001)
    assert len(usage) <= 1002
