from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from towline.controller.resumption import Resumption
from towline.errors import ClusterError
from towline.model import Body, Key

WEB, SHOP = Key("team", "web"), Key("team", "shop")


def resource(key: Key, version: int, uid: str = "u1", **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": key.namespace,
            "name": key.name,
            "uid": uid,
            "generation": 1,
            "resourceVersion": str(version),
            "annotations": annotations,
        }
    }


class Cluster:
    """GitRepositories that are listed one a page, and who was woken by them."""

    def __init__(self) -> None:
        self.items: list[Body] = []
        self.version = "100"
        self.woken: list[Key] = []
        self.losses = 0
        self.resumption = Resumption(self.pages, self.woken.append, self.lose)

    async def pages(self) -> AsyncIterator[Body]:
        for item in self.items:
            yield {"items": [item], "metadata": {"resourceVersion": self.version}}
        yield {"items": [], "metadata": {"resourceVersion": self.version}}

    def lose(self) -> None:
        self.losses += 1

    def tell(self, *told: dict[str, Any]) -> None:
        for each in told:
            self.resumption.told(each)
        self.woken.clear()


def test_a_resource_is_woken_by_what_people_may_change_in_it() -> None:
    cluster = Cluster()
    cluster.resumption.told(resource(WEB, 10))
    cluster.resumption.told(resource(WEB, 11))
    assert cluster.woken == [WEB]
    cluster.resumption.told(resource(WEB, 12, **{"towline.dev/reconcile": "now"}))
    cluster.resumption.ended(WEB)
    cluster.resumption.told(resource(WEB, 12))
    assert cluster.woken == [WEB] * 4


async def test_a_watch_that_goes_on_where_it_ended_wakes_nobody() -> None:
    cluster = Cluster()
    cluster.tell(resource(WEB, 10), resource(SHOP, 20))
    cluster.items = [resource(SHOP, 20), resource(WEB, 10)]
    await cluster.resumption.resume("100")
    assert cluster.woken == []
    assert cluster.losses == 1
    assert not cluster.resumption.went_back.is_set()


async def test_what_was_not_told_before_a_watch_goes_on_wakes_those_that_it_is_about() -> None:
    cluster = Cluster()
    cluster.tell(resource(WEB, 10), resource(SHOP, 20), resource(Key("team", "gone"), 30))
    cluster.items = [resource(WEB, 10), resource(SHOP, 15), resource(Key("team", "new"), 40)]
    await cluster.resumption.resume("90")
    assert sorted(key.name for key in cluster.woken) == ["gone", "new", "shop"]


@pytest.mark.parametrize(
    ("listed", "before", "older"),
    [
        ("99", "100", True),
        ("100", "100", False),
        ("1000", "999", False),
        ("999", "1000", True),
        ("abc", "b", False),
    ],
)
async def test_a_list_of_a_version_before_that_of_the_watch_shows_a_restored_store(
    listed: str, before: str, *, older: bool
) -> None:
    cluster = Cluster()
    cluster.version = listed
    await cluster.resumption.resume(before)
    assert cluster.resumption.went_back.is_set() is older


async def test_a_list_that_is_cut_off_shows_no_restored_store_and_no_absence() -> None:
    async def pages() -> AsyncIterator[Body]:
        yield {"items": [], "metadata": {"resourceVersion": "5"}}
        raise ClusterError("away")

    woken: list[Key] = []
    resumption = Resumption(pages, woken.append)
    resumption.told(resource(WEB, 10))
    with pytest.raises(ClusterError):
        await resumption.resume("100")
    assert not resumption.went_back.is_set()
    assert woken == [WEB]
