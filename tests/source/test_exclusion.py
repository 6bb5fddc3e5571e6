from __future__ import annotations

import pytest
from towline.errors import Reason, SpecError
from towline.source.exclusion import Exclusion


def test_no_pattern_excludes_nothing() -> None:
    assert not Exclusion(()).covers("a.yaml")


@pytest.mark.parametrize("pattern", ["!", "a[z-a].yaml"])
def test_a_pattern_that_is_none_is_a_fault_of_the_spec(pattern: str) -> None:
    with pytest.raises(SpecError, match=r"spec\.exclude") as raised:
        Exclusion((pattern,)).covers("a.yaml")
    assert raised.value.reason == Reason.INVALID_SPEC


@pytest.mark.parametrize("pattern", ["*a*b*c*d.yaml", "**/a/**/b/**/c/**", "x/****/y"])
def test_a_pattern_with_too_many_stars_is_refused_before_it_costs_anything(pattern: str) -> None:
    with pytest.raises(SpecError, match="more than 3"):
        Exclusion((pattern,))


def test_patterns_that_cost_too_much_are_given_up() -> None:
    seconds = iter(range(100))
    exclusion = Exclusion(("*.yaml",), clock=lambda: next(seconds))
    for _ in range(3):
        exclusion.covers("a.txt")
    with pytest.raises(SpecError, match="too long"):
        exclusion.covers("a.txt")
