"""Hold what the build of one unit reads, so that it can be built again with other contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.render.units.graph import Graph
from towline.render.units.inputs import InputFile
from towline.render.units.references import Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFiles:
    """What a build reads, by path, the outermost kustomization first.

    Attributes:
        folder: where the build begins.
        contents: what is in the files.
        parsed: the same, parsed.
        names: what people call those files.
        rewritten: by kustomization, the folders that its build reads in place of remote bases, by their fields.
    """

    folder: str
    contents: Mapping[str, bytes]
    parsed: Mapping[str, InputFile]
    names: Mapping[str, str]
    rewritten: Mapping[str, Mapping[Steps, str]]


def of(graph: Graph, contents: Mapping[str, bytes], parsed: Mapping[str, InputFile]) -> UnitFiles:
    """Return what the build of a graph reads."""
    return UnitFiles(
        folder=graph.folder,
        contents={path: contents[path] for path in graph.files},
        parsed={path: parsed[path] for path in graph.files},
        names={path: graph.name(path) for path in graph.files},
        rewritten=graph.rewritten,
    )
