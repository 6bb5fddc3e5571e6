"""What is nested too deeply costs the object that holds it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from towline.errors import ApiError, ClusterError
from towline.kube import calls, nesting


def deep(name: str, levels: int = 3000) -> bytes:
    inner = b'{"a":[' * levels + b'"\\"]}"' + b"]}" * levels
    return b'{"metadata":{"name":"%b","uid":"1"},"spec":%b,"status":{"ready":true}}' % (name.encode(), inner)


async def test_of_a_page_only_the_deep_object_is_cut() -> None:
    page = await calls.parsed(b'{"metadata":{},"items":[{"metadata":{"name":"a"}},' + deep("b") + b"]}")
    whole, cut = page["items"]
    assert whole == {"metadata": {"name": "a"}}
    assert not isinstance(whole, nesting.Cut)
    assert isinstance(cut, nesting.Cut)
    assert (cut["metadata"], cut["status"]) == ({"name": "b", "uid": "1"}, {"ready": True})


async def test_an_event_about_a_deep_object_tells_its_metadata() -> None:
    event = await calls.parsed(b'{"type":"ADDED","object":' + deep("b") + b"}")
    assert event["type"] == "ADDED"
    assert isinstance(event["object"], nesting.Cut)
    assert event["object"]["metadata"]["name"] == "b"


async def test_one_object_that_is_too_deep_is_refused_alone() -> None:
    with pytest.raises(ApiError, match="more than 1,024 levels"):
        await calls.answer(200, deep("b"), ())


@pytest.mark.parametrize(
    "content", [b"<html>", b"[" * 5000, b'{"a":' * 5000, b"]" * 3, b"[" * 2000 + b"]" * 2000]
)
async def test_what_is_no_json_is_told_as_such(content: bytes) -> None:
    with pytest.raises(ClusterError, match="what the API server sent is not"):
        await calls.parsed(content)


@pytest.mark.parametrize("levels", [1, 40, nesting.DEEPEST // 2 - 2])
def test_what_is_not_too_deep_is_read_whole(levels: int) -> None:
    found: dict[str, Any] = nesting.cut(deep("b", levels))
    assert found == orjson.loads(deep("b", levels))
    assert not isinstance(found, nesting.Cut)
