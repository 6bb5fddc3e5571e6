"""Ask kustomize for the objects of a folder: which binary, what it is told, and what its output means."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

import orjson

from towline.errors import Failure, Reason
from towline.model import Origin
from towline.render import documents
from towline.render.confined import binaries
from towline.render.confined.binaries import Tool
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.origins import object_places
from towline.render.origins.foreseen_objects import ForeseenObjects
from towline.render.origins.object_places import ObjectPlaces
from towline.render.units import build_place
from towline.render.units.build_place import BuildPlace
from towline.render.units.graph import Graph
from towline.render.units.hidden_places import HiddenPlaces
from towline.render.units.inputs import InputFile
from towline.render.units.unit_inputs import UnitInputs
from towline.render.written.rendered_objects import RenderedObject

OBJECTS = 2000
"""The most that one kustomization may declare: the time of kustomize grows with more than their square."""

ABSENT = (
    "kustomize is not installed where the operator runs: add kustomize or kubectl to its image, "
    "or name its path with --kustomize"
)

_OUTPUT = YamlLimits(file_bytes=16 * 1024**2, file_expansion=16 * 1024**2)

_BEGIN = re.compile(r"^(?:Error: |error: |.*?accumulation err=')+", re.DOTALL)


def find(chosen: str = "") -> Tool | None:
    """Find kustomize: the chosen binary, or else kustomize on PATH, or else kubectl on PATH, which brings it along."""
    names = (chosen,) if chosen else ("kustomize", "kubectl")
    found = binaries.find(*names)
    if found is None:
        return None
    verb = ("kustomize",) if posixpath.basename(found.path).startswith("kubectl") else ("build",)
    command = (found.path, *verb, "--load-restrictor", "LoadRestrictionsNone")
    return Tool(command=command, identity=" ".join((*command, found.version)))


def complaint(said: str, root: str, secrets: Collection[str]) -> str:
    """Return what kustomize says went wrong, with paths of the repository and without secrets."""
    words = " ".join(said[: binaries.HEARD].replace(f"{root}/", "").replace(root, ".").split())
    return binaries.refusal("kustomize", _BEGIN.sub("", words), secrets)


def objects(
    output: bytes, graph: Graph, read: UnitInputs, place: BuildPlace, foreseen: ForeseenObjects | None
) -> tuple[tuple[RenderedObject, ...], tuple[Failure, ...]]:
    """Return the objects that kustomize printed, each with the file that declares it, and what is wrong with them.

    Args:
        output: what it printed.
        graph: of the folder that was built.
        read: the files that it read.
        place: where they were.
        foreseen: what they are called; None where kustomize was asked for their origins.

    Raises:
        UnforeseenError: one of them is called otherwise.
    """
    try:
        found = documents.parse(output, _OUTPUT)
    except DocumentErrors as error:
        fault = error.faults[0]
        return (), (_failure(graph, f"the output of kustomize cannot be used: {fault.message}"),)
    if len(found) > OBJECTS:
        return (), (_failure(graph, f"declares {len(found)} objects, more than {OBJECTS}: split it"),)
    keeps = not place.home and _asks_for_origins(read.files[graph.kustomization])
    places, hidden = ObjectPlaces(graph, read.files, place, foreseen), HiddenPlaces(read)
    made: list[RenderedObject] = []
    failures: list[Failure] = []
    for document in found:
        value, origin = document.value, places.origin(document.value)
        if exposed := hidden.exposed(value):
            failures.append(exposed_value(exposed[-1], origin))
        content = orjson.dumps(value if keeps else object_places.without_origin(value))
        made.append(RenderedObject(content, origin, hidden.of(value), places.of_variables(value, origin)))
    return tuple(made), tuple(failures)


def exposed_value(field: str, origin: Origin) -> Failure:
    """Return the refusal of an object that a value names which was encrypted."""
    message = f"a value that was encrypted lands in {field}, which is shown everywhere: use another one"
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=origin.file, line=origin.line)


def _failure(graph: Graph, message: str) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=graph.kustomization)


def _asks_for_origins(kustomization: InputFile) -> bool:
    return build_place.ASKED in (kustomization.documents[0].value.get("buildMetadata") or ())
