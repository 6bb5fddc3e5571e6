from __future__ import annotations

from towline.live.inventory import REMEMBERED, Inventory
from towline.model import ObjectRef

LABEL = "shop.app"


def ref(number: int) -> ObjectRef:
    return ObjectRef("", "ConfigMap", "shop", f"c{number}")


def test_what_made_a_version_grow_is_known_object_by_object() -> None:
    inventory = Inventory()
    inventory.touch(ref(1), LABEL)
    since = inventory.version(LABEL)
    inventory.touch(ref(2), LABEL)
    inventory.touch(ref(2), LABEL, "shop.other")
    assert inventory.touched(LABEL, since) == frozenset({ref(2)})
    assert inventory.touched(LABEL, inventory.version(LABEL)) == frozenset()


def test_what_is_too_long_ago_is_not_known() -> None:
    inventory = Inventory()
    for number in range(REMEMBERED + 1):
        inventory.touch(ref(number), LABEL)
    assert inventory.touched(LABEL, 0) is None
    assert inventory.touched(LABEL, 1) == frozenset(map(ref, range(1, REMEMBERED + 1)))


def test_a_version_of_another_life_is_not_known() -> None:
    inventory = Inventory()
    assert inventory.touched(LABEL, -1) is None
    assert inventory.touched(LABEL, 7) is None
