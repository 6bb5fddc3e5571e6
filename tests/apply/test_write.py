from __future__ import annotations

from typing import Any

import pytest
from towline.apply import write

OURS = "towline:shop/app"


def entry(manager: str, second: int, operation: str = "Update", **more: str) -> dict[str, str]:
    return {"manager": manager, "operation": operation, "time": f"2026-01-01T00:00:{second:02}Z", **more}


def live(created: int, *entries: dict[str, str]) -> dict[str, Any]:
    created_at = f"2026-01-01T00:00:{created:02}Z"
    return {"metadata": {"creationTimestamp": created_at, "managedFields": list(entries)}}


@pytest.mark.parametrize(
    ("body", "merged"),
    [
        pytest.param(live(1, entry(OURS, 1, "Apply")), False, id="we alone"),
        pytest.param(live(1, entry(OURS, 2, "Apply"), entry("hpa", 9)), False, id="a controller came later"),
        pytest.param(live(1, entry(OURS, 1, "Apply"), entry("hpa", 1)), False, id="within the second"),
        pytest.param(
            live(1, entry(OURS, 5, "Apply"), entry("kubelet", 1, subresource="status")),
            False,
            id="a status says nothing",
        ),
        pytest.param(live(1, entry(OURS, 5, "Apply"), entry("kubectl", 1)), True, id="it was there before"),
        pytest.param(live(1, entry(OURS, 2, "Apply"), entry("kubectl", 1)), True, id="a second before"),
        pytest.param(live(1, entry(OURS, 5, "Apply"), entry("kubectl", 9)), True, id="and was changed since"),
        pytest.param(live(1, entry("kubectl", 1)), False, id="we are not in it"),
    ],
)
def test_an_apply_that_met_somebodys_object_is_told_from_one_that_was_sent_twice(
    body: dict[str, Any], *, merged: bool
) -> None:
    assert write.merged(body, OURS) == merged
