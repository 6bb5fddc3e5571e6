from __future__ import annotations

from dataclasses import replace

from towline.api.syncrecord import FieldChange
from towline.errors import Failure, Refusal
from towline.model import Manifest, ObjectRef, Origin
from towline.plan.manifest import declare
from towline.read.comparison.compared import ComparedChange, Effect
from towline.read.comparison.field_lines import FieldLines
from towline.read.comparison.recorded_objects import Compared

FILE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  level: info
  colour: red
"""
REF = ObjectRef("", "ConfigMap", "shop", "settings")


def manifest(*via: str) -> Manifest:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"level": "info", "colour": "red"},
    }
    return declare(body, REF, "digest", Origin("deploy/all.yaml", 5, document=1, via=via))


def compared(*paths: str, refused: str = "") -> Compared:
    fields = tuple(FieldChange(path=path, old=1, new=2) for path in paths)
    failure = Failure(reason=Refusal.INVALID, message="bad", object=str(REF), line=5, field=refused)
    return Compared(
        changes=(ComparedChange(ref=REF, action=Effect.UPDATE, fields=fields, line=5),),
        refused=(failure,) if refused else (),
    )


async def content(path: str) -> bytes | None:
    return FILE.encode() if path == "deploy/all.yaml" else None


async def lines(found: Compared, declared: Manifest) -> list[int]:
    located = await FieldLines(content=content, declared={str(REF): declared}).located(found)
    return [*(each.line for each in located.changes), *(each.line for each in located.refused)]


async def test_a_change_is_at_the_line_of_its_first_field_that_the_file_has() -> None:
    assert await lines(compared("/data/colour"), manifest()) == [11]
    assert await lines(compared("/spec/clusterIP", "/data/level"), manifest()) == [10]


async def test_a_field_that_left_the_file_is_at_what_held_it() -> None:
    assert await lines(compared("/data/gone"), manifest()) == [9]


async def test_a_refusal_is_at_the_line_of_its_field() -> None:
    assert await lines(compared(refused="/data/colour"), manifest()) == [5, 11]


async def test_each_refusal_of_an_object_is_at_the_line_of_its_own_field() -> None:
    one = compared(refused="/data/colour")
    (refused,) = one.refused
    several = (refused, replace(refused, field="/data/level"), replace(refused, field=""))
    assert await lines(one._replace(refused=several), manifest()) == [5, 11, 10, 5]


async def test_what_a_tool_made_and_what_cannot_be_read_keep_the_line_of_the_object() -> None:
    assert await lines(compared("/data/colour"), manifest("deploy/kustomization.yaml")) == [5]
    gone = replace(manifest(), origin=manifest().origin._replace(file="gone.yaml"))
    assert await lines(compared("/data/colour"), gone) == [5]


async def test_one_field_of_a_file_has_its_own_line_and_no_other_object_has_one() -> None:
    lines = FieldLines(content=content, declared={str(REF): manifest()})
    assert await lines.place(str(REF), "/data/colour") == ("deploy/all.yaml", 11)
    assert await lines.place("ConfigMap/shop/other", "/data/colour") is None
