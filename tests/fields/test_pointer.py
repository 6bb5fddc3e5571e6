"""JSON pointers, as RFC 6901 has them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.fields import pointer

BODY: dict[str, Any] = {"spec": {"ports": [{"port": 80}, {"port": 443}], "a/b~c": {"": 1}}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", BODY),
        ("/spec/ports/1/port", 443),
        ("/spec/a~1b~0c/", 1),
        ("/spec/ports/2", None),
        ("/spec/ports/-", None),
        ("/spec/ports/port", None),
        ("/spec/missing/below", None),
        ("/spec/ports/0/port/below", None),
    ],
)
def test_a_pointer_leads_to_its_value_or_nowhere(path: str, value: Any) -> None:
    assert pointer.follow(BODY, path) == value


@given(st.lists(st.text(alphabet="a~/01 é")))
def test_a_pointer_is_split_into_what_it_was_joined_from(steps: list[str]) -> None:
    assert pointer.split(pointer.join(steps)) == steps


def test_an_index_is_a_step_like_a_key() -> None:
    assert pointer.join(("spec", "ports", 0, "a/b~c")) == "/spec/ports/0/a~1b~0c"


@pytest.mark.parametrize(
    ("path", "whole", "within"),
    [
        ("/spec", "/spec", True),
        ("/spec/replicas", "/spec", True),
        ("/specs", "/spec", False),
        ("/spec", "/spec/replicas", False),
        ("/spec", "", True),
    ],
)
def test_a_field_is_within_itself_and_what_is_above_it(path: str, whole: str, *, within: bool) -> None:
    assert pointer.is_within(path, whole) is within
    assert pointer.is_below(path, whole) is (within and path != whole)
