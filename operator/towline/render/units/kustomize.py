"""Ask kustomize for the objects of a folder: which binary, what it is told, and what its output means."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import orjson

from towline.errors import Failure, Reason
from towline.model import Origin
from towline.render import documents
from towline.render.confined import binaries
from towline.render.confined.binaries import Tool
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.overlays import spec_overlay
from towline.render.units.graph import Graph
from towline.render.units.hidden_places import HiddenPlaces
from towline.render.units.inputs import InputFile
from towline.render.units.references import Steps
from towline.render.units.unit_inputs import UnitInputs
from towline.render.units.unit_settings import UnitSettings
from towline.render.written.rendered_objects import RenderedObject

OBJECTS = 2000
"""The most that one kustomization may declare: the time of kustomize grows with more than their square."""

ABSENT = (
    "kustomize is not installed where the operator runs: add kustomize or kubectl to its image, "
    "or name its path with --kustomize"
)

_Path: TypeAlias = tuple[str, ...]

_OUTPUT = YamlLimits(file_bytes=16 * 1024**2, file_expansion=16 * 1024**2)
_ORIGIN = "config.kubernetes.io/origin"
_ASKED = "originAnnotations"
_CHARTS = "helmCharts"
_GENERATORS: Mapping[str, str] = MappingProxyType(
    {
        "ConfigMapGenerator": "configMapGenerator",
        "SecretGenerator": "secretGenerator",
        "HelmChartInflationGenerator": _CHARTS,
    }
)
"""The field of a kustomization that each kind of generator is made of."""

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


def place(unit: Graph, read: UnitInputs, how: UnitSettings) -> BuildPlace:
    """Return what the build of a unit sees.

    Args:
        unit: what is built.
        read: its files.
        how: what the spec changes in it.
    """
    files = {**read.contents, **_kustomizations(unit, read.files)}
    if how.overlay is None:
        return BuildPlace(folder=unit.folder or ".", files=files)
    moved = {f"{spec_overlay.HOME}/{path}": content for path, content in files.items()}
    written = spec_overlay.kustomization(how.overlay, spec_overlay.seen(unit.folder), how.components)
    moved[f"{spec_overlay.FOLDER}/kustomization.yaml"] = written
    return BuildPlace(folder=spec_overlay.FOLDER, files=moved, home=spec_overlay.HOME)


def _kustomizations(unit: Graph, files: Mapping[str, InputFile]) -> Mapping[str, bytes]:
    """Return the kustomizations that its build reads otherwise than they are written, by path.

    The outermost one has kustomize name the origin of each object; others name the folder of a remote base for its
    address.

    Args:
        unit: what is built.
        files: its parsed files, by path.
    """
    found = rewritten_files(unit, files)
    value = rewritten(
        files[unit.kustomization].documents[0].value, unit.rewritten.get(unit.kustomization, {})
    )
    return {**found, unit.kustomization: orjson.dumps(_with_origins(value))}


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


def _with_origins(kustomization: Mapping[str, Any]) -> Mapping[str, Any]:
    """Have kustomize name the origin of each object; a wrong value is left to its refusal."""
    asked = kustomization.get("buildMetadata") or []
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        return kustomization
    return {**kustomization, "buildMetadata": list(dict.fromkeys([*asked, _ASKED]))}


def complaint(said: str, root: str, secrets: Collection[str]) -> str:
    """Return what kustomize says went wrong, with paths of the repository and without secrets."""
    words = " ".join(said[: binaries.HEARD].replace(f"{root}/", "").replace(root, ".").split())
    return binaries.refusal("kustomize", _BEGIN.sub("", words), secrets)


def objects(
    output: bytes, graph: Graph, read: UnitInputs, place: BuildPlace
) -> tuple[tuple[RenderedObject, ...], tuple[Failure, ...]]:
    """Return the objects that kustomize printed, each with the file that declares it, and what is wrong with them.

    Args:
        output: what it printed.
        graph: of the folder that was built.
        read: the files that it read.
        place: where they were.
    """
    try:
        found = documents.parse(output, _OUTPUT)
    except DocumentErrors as error:
        fault = error.faults[0]
        return (), (_failure(graph, f"the output of kustomize cannot be used: {fault.message}"),)
    if len(found) > OBJECTS:
        return (), (_failure(graph, f"declares {len(found)} objects, more than {OBJECTS}: split it"),)
    keeps = not place.home and _asks_for_origins(read.files[graph.kustomization])
    places, hidden = ObjectPlaces(graph, read.files, place), HiddenPlaces(read)
    made: list[RenderedObject] = []
    failures: list[Failure] = []
    for document in found:
        value, origin = document.value, places.origin(document.value)
        if exposed := hidden.exposed(value):
            failures.append(exposed_value(exposed[-1], origin))
        content = orjson.dumps(value if keeps else without_origin(value))
        made.append(RenderedObject(content, origin, hidden.of(value), places.of_variables(value, origin)))
    return tuple(made), tuple(failures)


def exposed_value(field: str, origin: Origin) -> Failure:
    """Return the refusal of an object that a value names which was encrypted."""
    message = f"a value that was encrypted lands in {field}, which is shown everywhere: use another one"
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=origin.file, line=origin.line)


def _failure(graph: Graph, message: str) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=graph.kustomization)


def _asks_for_origins(kustomization: InputFile) -> bool:
    return _ASKED in (kustomization.documents[0].value.get("buildMetadata") or ())


def without_origin(value: Any) -> Any:
    """Take the origin off an object."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict):
        return value
    annotations = metadata.get("annotations")
    if not isinstance(annotations, dict) or _ORIGIN not in annotations:
        return value
    left = {name: each for name, each in annotations.items() if name != _ORIGIN}
    rest = {name: each for name, each in metadata.items() if name != "annotations"}
    return {**value, "metadata": {**rest, "annotations": left} if left else rest}


class ObjectPlaces:
    """Finds the file and line that declare an object, by what kustomize says of its origin.

    Args:
        graph: of what was built.
        files: the parsed files of the graph, by path.
        place: where they were.
    """

    def __init__(self, graph: Graph, files: Mapping[str, InputFile], place: BuildPlace) -> None:
        self._graph = graph
        self._place = place
        self._files = files

    def origin(self, value: Any) -> Origin:
        """Return where an object is declared; that is the kustomization of the unit where kustomize does not say."""
        said = _said(value)
        path = self._path(said.get("path") or said.get("configuredIn"))
        if path is None:
            return self._placed(self._graph.kustomization, 1)
        file = self._files[path]
        if "path" not in said:
            return self._placed(path, _generator_line(file, said.get("configuredBy"), value))
        document, item = _declaring(file, value)
        steps = ("items", item) if item >= 0 else ()
        line = file.places(document).line(*steps) if file.documents else 1
        return self._placed(path, line)._replace(document=document, item=item)

    def of_variables(self, value: Any, origin: Origin) -> Mapping[_Path, int]:
        """Return the lines of fields with variables, where the file that declares the object has them alike."""
        paths = [path for path, each in _texts(value, ()) if "$" in each]
        file = self._files.get(origin.file)  # of a remote base it is named otherwise
        if not paths or file is None or origin.document >= len(file.documents):
            return {}
        head = ("items", str(origin.item)) if origin.item >= 0 else ()
        declared = dict(_texts(_below(file.documents[origin.document].value, head), ()))
        made, lines = dict(_texts(value, ())), file.places(origin.document)
        return {path: lines.line(*head, *path) for path in paths if declared.get(path) == made[path]}

    def _path(self, said: Any) -> str | None:
        if not isinstance(said, str):
            return None
        path = self._place.path(said)
        return path if path in self._files else None

    def _placed(self, path: str, line: int) -> Origin:
        via = tuple(map(self._graph.name, self._graph.chains[path] or (path,)))
        named = self._graph.name(path)
        blob = (
            self._graph.files[path].sha if named == path else ""
        )  # no mirror of the repository has another's
        return Origin(named, line, blob=blob, via=via)


def _texts(value: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, (*path, str(index)))


def _below(value: Any, steps: _Path) -> Any:
    for step in steps:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _said(value: Any) -> Mapping[str, Any]:
    try:
        (document,) = documents.parse(value["metadata"]["annotations"][_ORIGIN].encode(), YamlLimits())
    except (KeyError, TypeError, AttributeError, ValueError):
        return {}
    return document.value if isinstance(document.value, dict) else {}


def _declaring(file: InputFile, value: Any) -> tuple[int, int]:
    """Return the document, and the item of a List, that declares an object, maybe under a part of its name."""
    name = str(_name(value))
    same_kind = [
        (str(_name(one)) == name, len(str(_name(one))), -index, -item)
        for index, item, one in file.objects
        if one.get("kind") == value.get("kind") and str(_name(one)) in name
    ]
    best = max(same_kind, default=None)
    return (-best[2], -best[3]) if best else (0, -1)


def _name(value: Any) -> Any:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return metadata.get("name") if isinstance(metadata, dict) else None


def _generator_line(file: InputFile, configured_by: Any, value: Any) -> int:
    """Return the line of the generator, in a kustomization, that makes an object; the first line of any other file."""
    kind = configured_by.get("kind") if isinstance(configured_by, dict) else None
    field = _GENERATORS.get(str(kind), "")
    if not file.documents or not isinstance(file.documents[0].value, dict):
        return 1
    generators = file.documents[0].value.get(field)
    if field == _CHARTS and generators:
        return file.places(0).line(field)
    name = str(_name(value))
    named = [
        (len(each["name"]), -at)
        for at, each in enumerate(generators if isinstance(generators, list) else ())
        if isinstance(each, dict) and isinstance(each.get("name"), str) and each["name"] in name
    ]
    return file.places(0).line(field, -max(named)[1]) if named else file.documents[0].line
