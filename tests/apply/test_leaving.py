"""What a deleted object waits for, in words."""

from __future__ import annotations

from typing import Any

import pytest
from towline.apply import leaving


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"metadata": {}}, "is being deleted"),
        ({"metadata": {"finalizers": ["a"]}}, "is being deleted, and waits for finalizer a"),
        (
            {"metadata": {"finalizers": list("abcde")}},
            "is being deleted, and waits for finalizers a, b, c and 2 more",
        ),
        (
            {"metadata": {}, "spec": {"finalizers": ["kubernetes"]}},
            "is being deleted, and waits until everything in it is gone",
        ),
        ({"metadata": {"deletionGracePeriodSeconds": 30}}, "is being deleted, and has 30 seconds to end"),
    ],
)
def test_what_keeps_an_object_is_named(body: dict[str, Any], said: str) -> None:
    assert leaving.sentence(body) == said
