"""Whether a value changed between two versions of a file, whatever else did."""

from __future__ import annotations

import pytest
from towline.render.documents import YamlLimits
from towline.render.marks import finding, site_versions
from towline.render.marks.site_versions import FileVersion
from towline.render.units import inputs
from towline.render.units.unit_files import UnitFiles

IMAGES = """images:
- name: web
  newTag: "1"
- name: db
  newTag: "2"
"""
OBJECTS = """apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {colour: blue}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
data: {colour: red}
"""
LINES = "A=1\nB=2\n"
KUSTOMIZATION = (
    "resources: [objects.yaml]\nconfigMapGenerator:\n- name: made\n  envs: [vars.env]\n  files: [whole]\n"
)


def unit(**contents: str) -> UnitFiles:
    files = {"app/kustomization.yaml": KUSTOMIZATION, "app/objects.yaml": OBJECTS, "app/vars.env": LINES}
    files |= {"app/whole": "text"} | {
        f"app/{name.replace('_', '.')}": text for name, text in contents.items()
    }
    raw = {"app/vars.env", "app/whole"}
    parsed = {
        path: inputs.raw(path, text.encode())
        if path in raw
        else inputs.parsed(path, text.encode(), YamlLimits())
        for path, text in files.items()
    }
    return UnitFiles(
        folder="app",
        contents={path: text.encode() for path, text in files.items()},
        parsed=parsed,
        names={path: path for path in files},
        rewritten={},
    )


CHANGES = [
    ("app/kustomization.yaml", ("images", 0, "newTag"), IMAGES, f"# why\n{IMAGES}", False),
    ("app/kustomization.yaml", ("images", 0, "newTag"), IMAGES, IMAGES.replace('"2"', '"3"'), False),
    ("app/kustomization.yaml", ("images", 0, "newTag"), IMAGES, IMAGES.replace('"1"', '"3"'), True),
    (
        "app/kustomization.yaml",
        ("images", 0, "newTag"),
        IMAGES,
        IMAGES.replace("images:\n", 'images:\n- {name: new, newTag: "9"}\n'),
        False,
    ),
    ("app/objects.yaml", ("data", "colour"), OBJECTS, "---\n".join(reversed(OBJECTS.split("---\n"))), False),
    ("app/objects.yaml", ("data", "colour"), OBJECTS, OBJECTS.replace("red", "green"), False),
    ("app/objects.yaml", ("data", "colour"), OBJECTS, OBJECTS.replace("blue", "green"), True),
    ("app/vars.env", (), LINES, f"# why\nC=3\n{LINES}", False),
    ("app/vars.env", (), LINES, LINES.replace("A=1", "A=2"), True),
    ("app/whole", (), "text", "text\n", True),
]


@pytest.mark.parametrize(("file", "steps", "before", "after", "is_change"), CHANGES)
def test_a_value_has_changed_where_it_is_another_and_not_where_its_file_is(
    file: str, steps: tuple[str | int, ...], before: str, after: str, *, is_change: bool
) -> None:
    files = unit(kustomization_yaml=f"{KUSTOMIZATION}{IMAGES}")
    site = next(each for each in finding.sites(files) if (each.file, each.steps) == (file, steps))
    key = site_versions.key_of(files, site)
    old, new = (FileVersion(text.encode(), YamlLimits()).digest([key]) for text in (before, after))
    assert (old != new) is is_change
