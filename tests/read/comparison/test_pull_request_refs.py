from __future__ import annotations

import pytest
from towline.errors import Reason, SourceError
from towline.read.comparison import pull_request_refs

SHA = "a" * 40
SERVED = {
    "https://github.com/team/shop": "refs/pull/7/head",
    "https://codeberg.org/team/shop.git": "refs/pull/7/head",
    "https://gitlab.example.com/team/shop": "refs/merge-requests/7/head",
    "ssh://git@bitbucket.example.com:7999/team/shop.git": "refs/pull-requests/7/from",
    "https://dev.azure.com/team/shop/_git/shop": "refs/pull/7/merge",
}


class Server:
    """A Git server with one ref, which counts how often it is asked."""

    def __init__(self, ref: str) -> None:
        self.ref = ref
        self.asked: list[str] = []

    async def fetch(self, ref: str) -> str:
        self.asked.append(ref)
        if ref != self.ref:
            raise SourceError(Reason.GIT_UNAVAILABLE, f"cannot be fetched: couldn't find remote ref {ref}")
        return SHA


@pytest.mark.parametrize(("url", "ref"), SERVED.items())
async def test_the_ref_of_a_known_forge_is_asked_for_first(url: str, ref: str) -> None:
    server = Server(ref)
    assert await pull_request_refs.fetched(url, 7, server.fetch) == SHA
    assert server.asked == [ref]


@pytest.mark.parametrize("ref", sorted(set(SERVED.values())))
async def test_a_forge_with_any_name_is_asked_for_every_ref(ref: str) -> None:
    server = Server(ref)
    assert await pull_request_refs.fetched("https://git.example.com/team/shop", 7, server.fetch) == SHA


async def test_where_the_server_has_no_such_ref_the_user_learns_of_another_way() -> None:
    server = Server("refs/heads/main")
    with pytest.raises(SourceError, match=r"serves no ref for pull request 7: .* with --revision"):
        await pull_request_refs.fetched("https://git.example.com/team/shop", 7, server.fetch)
    assert len(server.asked) == len(set(server.asked)) == 4


async def test_a_server_that_cannot_be_asked_is_asked_once() -> None:
    asked = []

    async def fetch(ref: str) -> str:
        asked.append(ref)
        raise SourceError(Reason.GIT_UNAVAILABLE, "cannot be fetched by your git: Could not resolve host")

    with pytest.raises(SourceError, match="Could not resolve host"):
        await pull_request_refs.fetched("https://git.example.com/team/shop", 7, fetch)
    assert len(asked) == 1
