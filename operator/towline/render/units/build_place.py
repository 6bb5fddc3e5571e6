"""Lay out what the build of a unit sees: its files, some kustomizations otherwise than they are written."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from towline.render.overlays import spec_overlay
from towline.render.units.graph import Graph
from towline.render.units.inputs import InputFile
from towline.render.units.references import Steps
from towline.render.units.unit_inputs import UnitInputs
from towline.render.units.unit_settings import UnitSettings

ASKED = "originAnnotations"
"""What has kustomize name the origin of each object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlace:
    """What a build sees: the folder that is built, all files by path, and the folder with those of the repository.

    `home` is empty where the repository is the root of all.
    """

    folder: str
    files: Mapping[str, bytes]
    home: str = ""

    def inside(self, root: str) -> str:
        """Return where the repository is, below the root of all files."""
        return f"{root}/{self.home}" if self.home else root

    def path(self, said: str) -> str:
        """Return the path in the repository of a file that is named as seen from the folder that is built."""
        path = posixpath.normpath(posixpath.join(self.folder, said))
        return path.removeprefix(f"{self.home}/") if self.home else path


def place(unit: Graph, read: UnitInputs, how: UnitSettings, *, asks: bool) -> BuildPlace:
    """Return what the build of a unit sees.

    Args:
        unit: what is built.
        read: its files.
        how: what the spec changes in it.
        asks: whether kustomize names the origin of each object.
    """
    files = {**read.contents, **rewritten_files(unit, read.files)}
    if how.overlay is None:
        if asks:
            value = read.files[unit.kustomization].documents[0].value
            folders = unit.rewritten.get(unit.kustomization, {})
            files[unit.kustomization] = orjson.dumps(asking(rewritten(value, folders)))
        return BuildPlace(folder=unit.folder or ".", files=files)
    moved = {f"{spec_overlay.HOME}/{path}": content for path, content in files.items()}
    written = spec_overlay.kustomization(how.overlay, spec_overlay.seen(unit.folder), how.components)
    moved[f"{spec_overlay.FOLDER}/kustomization.yaml"] = orjson.dumps(asking(written) if asks else written)
    return BuildPlace(folder=spec_overlay.FOLDER, files=moved, home=spec_overlay.HOME)


def rewritten_files(graph: Graph, files: Mapping[str, InputFile]) -> dict[str, bytes]:
    """Return the kustomizations that name the folder of a remote base for its address, by path."""
    return {
        path: orjson.dumps(rewritten(files[path].documents[0].value, folders))
        for path, folders in graph.rewritten.items()
    }


def rewritten(kustomization: Mapping[str, Any], folders: Mapping[Steps, str]) -> Mapping[str, Any]:
    """Return a kustomization that names folders for some of the entries of its lists."""
    changed = dict(kustomization)
    for (name, index), folder in folders.items():
        entries = list(changed[str(name)])
        entries[int(index)] = folder
        changed[str(name)] = entries
    return changed


def asking(kustomization: Mapping[str, Any]) -> Mapping[str, Any]:
    """Have kustomize name the origin of each object; a wrong value is left to its refusal."""
    asked = kustomization.get("buildMetadata") or []
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        return kustomization
    return {**kustomization, "buildMetadata": list(dict.fromkeys([*asked, ASKED]))}
