"""Change what charts declare as `spec.kustomize` says: kustomize builds the overlay over what Helm printed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from towline.api.overlaying import KustomizeOverlay
from towline.errors import Failure, Reason
from towline.model import Origin
from towline.render import documents
from towline.render.confined.binaries import Tool
from towline.render.confined.jail import Jail
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.origins import object_places
from towline.render.origins.object_places import ObjectPlaces
from towline.render.overlays import spec_overlay
from towline.render.sops import opened_files
from towline.render.sops.opened_files import UnopenedError
from towline.render.units import build_place, graph, kustomize, mounts, unit_inputs, unit_secrets
from towline.render.units.build_place import BuildPlace
from towline.render.units.graph import Graph
from towline.render.units.graph_reader import GraphReader
from towline.render.units.hidden_places import HiddenPlaces
from towline.render.units.inputs import InputReader
from towline.render.units.kustomize import OBJECTS
from towline.render.units.unit_inputs import UnitInputs
from towline.render.units.unit_settings import UnitSettings
from towline.render.units.unit_source import UnitSource
from towline.render.written.rendered_objects import RenderedObject

_PRINTED = "printed"
_NUMBER = "towline.dev/number-of-printed-object"
"""Is on each object while kustomize builds, to tell where it is from."""

_OUTPUT = YamlLimits(file_bytes=32 * 1024**2, file_expansion=32 * 1024**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedOverlay:
    """An overlay with everything that it reads.

    Attributes:
        overlay: what the spec changes.
        tool: builds it; None where there is none.
        graph: what its components read.
        read: the files of these.
        components: their folders, by the fields of the spec.
        failures: why it cannot be built.
        mark: the fingerprint of the keys that decrypt the files.
    """

    overlay: KustomizeOverlay
    tool: Tool | None
    graph: Graph
    read: UnitInputs = field(repr=False)
    components: dict[str, str]
    failures: tuple[Failure, ...]
    mark: str

    @property
    def key(self) -> str:
        """Everything that it may change."""
        identity = self.tool.identity if self.tool else ""
        return repr((identity, self.overlay, self.components, self.graph.signature, self.mark))

    @property
    def texts(self) -> frozenset[str]:
        """What of its files must be shown nowhere."""
        return self.read.texts


class ChartOverlayer:
    """Builds overlays over charts.

    Args:
        jail: runs kustomize.
        find: finds it.
        reader: parses files.
    """

    def __init__(self, jail: Jail, find: Callable[[], Tool | None], reader: InputReader) -> None:
        self._jail = jail
        self._find = find
        self._reader = reader
        self._graphs = GraphReader(reader)

    async def prepare(self, source: UnitSource, how: UnitSettings) -> PreparedOverlay | None:
        """Read the components of an overlay; None where a spec changes nothing.

        Raises:
            SourceError: a file of the commit could not be read.
            BuildError: the sops binary could not decrypt one of them this time.
        """
        if how.overlay is None:
            return None
        parts, refused = await self._graphs.components(source, how.components)
        whole = graph.joined(graph.EMPTY, parts)
        committed = await source.contents(whole.files, whole)
        try:
            keys = await opened_files.opened(how.treatment.keys, committed, self._reader.limits)
        except UnopenedError as error:
            raise error.as_build_error() from error
        read = await asyncio.to_thread(unit_inputs.read, whole, committed, self._reader, keys)
        return PreparedOverlay(
            overlay=how.overlay,
            tool=await asyncio.to_thread(self._find),
            graph=whole,
            read=read,
            components=dict(how.components),
            failures=(*refused, *whole.failures, *read.failures),
            mark=how.decryption_mark,
        )

    async def apply(
        self, prepared: PreparedOverlay, printed: Sequence[RenderedObject], chart: str
    ) -> tuple[tuple[RenderedObject, ...], tuple[Failure, ...]]:
        """Return objects as the overlay changes them, each still with the place that declares it.

        Args:
            prepared: the overlay.
            printed: what Helm made of a chart.
            chart: its Chart.yaml.

        Raises:
            JailError: kustomize could not run to its end.
        """
        if prepared.failures:
            return (), prepared.failures
        if prepared.tool is None:
            return (), (_failure(chart, kustomize.ABSENT),)
        if len(printed) > OBJECTS:
            most = f"more than the {OBJECTS} that spec.kustomize can change"
            message = f"the chart declares {len(printed)} objects, {most}: remove it, or split the chart"
            return (), (_failure(chart, message),)
        files = await asyncio.to_thread(_files, prepared, printed)
        ran = await self._jail.run((*prepared.tool.command, spec_overlay.FOLDER), files)
        if ran.result.code:
            secrets = await asyncio.to_thread(unit_secrets.secrets, prepared.read)
            told = mounts.told(ran.result.complaint, prepared.graph.names)
            said = kustomize.complaint(told, f"{ran.root}/{spec_overlay.HOME}", secrets)
            return (), (_failure(chart, said),)
        return await asyncio.to_thread(_objects, ran.result.out, prepared, printed, chart)


def _files(prepared: PreparedOverlay, printed: Sequence[RenderedObject]) -> dict[str, bytes]:
    read, home = prepared.read, spec_overlay.HOME
    files = {**read.contents, **build_place.rewritten_files(prepared.graph, read.files)}
    moved = {f"{home}/{path}": content for path, content in files.items()}
    numbered = (_numbered(one, number) for number, one in enumerate(printed))
    moved[f"{_PRINTED}/objects.yaml"] = b"\n---\n".join(numbered)
    moved[f"{_PRINTED}/kustomization.yaml"] = b'{"resources":["objects.yaml"]}'
    written = spec_overlay.kustomization(prepared.overlay, f"../{_PRINTED}", prepared.components)
    moved[f"{spec_overlay.FOLDER}/kustomization.yaml"] = orjson.dumps(
        build_place.asking(written) if prepared.components else written
    )
    return moved


def _numbered(one: RenderedObject, number: int) -> bytes:
    value = orjson.loads(one.content)
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict):
        return one.content
    annotations = {**(metadata.get("annotations") or {}), _NUMBER: str(number)}
    return orjson.dumps({**value, "metadata": {**metadata, "annotations": annotations}})


def _objects(
    output: bytes, prepared: PreparedOverlay, printed: Sequence[RenderedObject], chart: str
) -> tuple[tuple[RenderedObject, ...], tuple[Failure, ...]]:
    try:
        found = documents.parse(output, _OUTPUT)
    except DocumentErrors as error:
        return (), (_failure(chart, f"the output of kustomize cannot be used: {error.faults[0].message}"),)
    hidden, added = HiddenPlaces(prepared.read), _places(prepared)
    made: list[RenderedObject] = []
    failures: list[Failure] = []
    for document in found:
        value, number = _plain(document.value)
        before = printed[number] if number is not None and number < len(printed) else None
        origin = before.origin if before else added.origin(value) if added else Origin(chart, 1, via=(chart,))
        value = object_places.without_origin(value)
        if exposed := hidden.exposed(value):
            failures.append(kustomize.exposed_value(exposed[-1], origin))
        places = hidden.of(value) | (before.places if before else frozenset())
        made.append(RenderedObject(orjson.dumps(value), origin, places))
    return tuple(made), tuple(failures)


def _places(prepared: PreparedOverlay) -> ObjectPlaces | None:
    """Return what finds the file of an object that a component adds; None where there is none."""
    place = BuildPlace(folder=spec_overlay.FOLDER, files={}, home=spec_overlay.HOME)
    files = prepared.read.files
    return ObjectPlaces(prepared.graph, files, place) if files else None


def _plain(value: Any) -> tuple[Any, int | None]:
    """Return an object without its number, and the number."""
    annotations = dict(value["metadata"].get("annotations") or {})
    number = annotations.pop(_NUMBER, None)
    metadata = {name: each for name, each in value["metadata"].items() if name != "annotations"}
    more = {"annotations": annotations} if annotations else {}
    plain = {**value, "metadata": {**metadata, **more}}
    return plain, int(number) if isinstance(number, str) and number.isdecimal() else None


def _failure(chart: str, message: str) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=chart)
