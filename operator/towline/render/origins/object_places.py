"""Find the file and line that declare an object: by its name, or by what kustomize says of its origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from towline.model import Origin
from towline.render import documents
from towline.render.documents import Places, YamlLimits
from towline.render.origins.foreseen_objects import Declaration, ForeseenObjects
from towline.render.units.build_place import BuildPlace
from towline.render.units.graph import Graph
from towline.render.units.inputs import InputFile

_Path: TypeAlias = tuple[str, ...]

_ORIGIN = "config.kubernetes.io/origin"
_CHARTS = "helmCharts"
_GENERATORS: Mapping[str, str] = MappingProxyType(
    {
        "ConfigMapGenerator": "configMapGenerator",
        "SecretGenerator": "secretGenerator",
        "HelmChartInflationGenerator": _CHARTS,
    }
)
"""The field of a kustomization that each kind of generator is made of."""


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


class UnforeseenError(Exception):
    """An object is called otherwise than was foreseen: only kustomize knows where it is declared."""


class ObjectPlaces:
    """Finds the file and line that declare an object.

    Args:
        graph: of what was built.
        files: the parsed files of the graph, by path.
        place: where they were.
        foreseen: what the objects are called; None where kustomize was asked for their origins.
    """

    def __init__(
        self,
        graph: Graph,
        files: Mapping[str, InputFile],
        place: BuildPlace,
        foreseen: ForeseenObjects | None = None,
    ) -> None:
        self._graph = graph
        self._place = place
        self._files = files
        self._foreseen = foreseen
        self._places: dict[tuple[str, int], Places] = {}

    def origin(self, value: Any) -> Origin:
        """Return where an object is declared; that is the kustomization of the unit where kustomize does not say.

        Raises:
            UnforeseenError: the object is not among those that were foreseen.
        """
        if self._foreseen is None:
            return self._said(value)
        declaration = self._foreseen.declaration(value)
        if declaration is None:
            raise UnforeseenError
        return self._declared(declaration)

    def _said(self, value: Any) -> Origin:
        said = _said(value)
        path = self._path(said.get("path") or said.get("configuredIn"))
        if path is None:
            return self._placed(self._graph.kustomization, 1)
        file = self._files[path]
        if "path" in said:
            return self._declared(_declaring(file, value))
        return self._placed(path, _generator_line(file, said.get("configuredBy"), value))

    def _declared(self, found: Declaration) -> Origin:
        path, document, steps = found
        placed = self._placed(path, self._line(found))
        is_item = steps[:1] == ("items",)
        return (
            placed._replace(document=document, item=int(steps[1]))
            if is_item
            else placed._replace(document=document)
        )

    def _line(self, found: Declaration) -> int:
        """Return the line of an object; that of a whole document is known without reading it again."""
        path, document, steps = found
        file = self._files[path]
        if document >= len(file.documents):
            return 1
        if not steps:
            return file.documents[document].line
        if (path, document) not in self._places:
            self._places[path, document] = file.places(document)
        return self._places[path, document].line(*steps)

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


def _declaring(file: InputFile, value: Any) -> Declaration:
    """Return the document, or the item of a List, that declares an object, maybe under a part of its name."""
    name = str(_name(value))
    same_kind = [
        (str(_name(one)) == name, len(str(_name(one))), -index, -item)
        for index, item, one in file.objects
        if one.get("kind") == value.get("kind") and str(_name(one)) in name
    ]
    _, _, index, item = max(same_kind, default=(False, 0, 0, 1))
    return Declaration(file.path, -index, () if item > 0 else ("items", -item))


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
