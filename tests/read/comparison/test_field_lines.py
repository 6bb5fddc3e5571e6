from __future__ import annotations

from pathlib import Path

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


def lines(folder: Path, found: Compared, declared: Manifest) -> list[int]:
    (folder / "all.yaml").write_text(FILE)
    located = FieldLines(folder=folder, path="deploy", declared={str(REF): declared}).located(found)
    return [*(each.line for each in located.changes), *(each.line for each in located.refused)]


def test_a_change_is_at_the_line_of_its_first_field_that_the_file_has(tmp_path: Path) -> None:
    assert lines(tmp_path, compared("/data/colour"), manifest()) == [11]
    assert lines(tmp_path, compared("/spec/clusterIP", "/data/level"), manifest()) == [10]


def test_a_field_that_left_the_file_is_at_what_held_it(tmp_path: Path) -> None:
    assert lines(tmp_path, compared("/data/gone"), manifest()) == [9]


def test_a_refusal_is_at_the_line_of_its_field(tmp_path: Path) -> None:
    assert lines(tmp_path, compared(refused="/data/colour"), manifest()) == [5, 11]


def test_what_a_tool_made_and_what_cannot_be_read_keep_the_line_of_the_object(tmp_path: Path) -> None:
    assert lines(tmp_path, compared("/data/colour"), manifest("deploy/kustomization.yaml")) == [5]
    gone = FieldLines(folder=tmp_path / "gone", path="deploy", declared={str(REF): manifest()})
    assert gone.located(compared("/data/colour")).changes[0].line == 5
