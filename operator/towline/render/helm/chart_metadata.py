"""Read Chart.yaml: what a chart is called, and which other charts it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from towline.errors import Failure, Reason
from towline.render import documents
from towline.render.documents import Document, DocumentErrors, Places, YamlLimits

_LISTS = ("Chart.yaml", "requirements.yaml")
"""Where the dependencies of a chart are, the newer one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A chart that another one needs; `line` of `file` says so, `alias` is the name under which it is rendered."""

    name: str
    version: str
    alias: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartMetadata:
    """What Chart.yaml says."""

    name: str
    is_library: bool
    dependencies: tuple[Dependency, ...]


def read(folder: str, files: Mapping[str, bytes]) -> tuple[ChartMetadata, tuple[Failure, ...]]:
    """Return what a chart says of itself, and what cannot be read of it.

    Args:
        folder: its place among the files, empty or with a slash at the end.
        files: their contents, by path.
    """
    failures: list[Failure] = []
    found = {name: _document(f"{folder}{name}", files, failures) for name in _LISTS}
    value = _map(found[_LISTS[0]])
    dependencies = tuple(
        one
        for name, document in found.items()
        if document
        for one in _dependencies(f"{folder}{name}", document)
    )
    name = _text(value.get("name"))
    return (
        ChartMetadata(name=name, is_library=value.get("type") == "library", dependencies=dependencies),
        tuple(failures),
    )


def _document(path: str, files: Mapping[str, bytes], failures: list[Failure]) -> Document | None:
    if path not in files:
        return None
    try:
        found = documents.parse(files[path], YamlLimits())
    except DocumentErrors as error:
        failures += [
            Failure(reason=Reason.BUILD_FAILED, message=one.message, file=path, line=one.line)
            for one in error.faults
        ]
        return None
    return found[0] if found else None


def _dependencies(path: str, document: Document) -> Iterator[Dependency]:
    given = _map(document).get("dependencies")
    if not isinstance(given, list) or not given:
        return
    limits = YamlLimits()
    places = Places(document.piece, limits, limits.room(len(document.piece.text)))
    for index, one in enumerate(given):
        if isinstance(one, dict) and (name := _text(one.get("name"))):
            yield Dependency(
                name=name,
                version=_text(one.get("version")),
                alias=_text(one.get("alias")),
                file=path,
                line=places.line("dependencies", index),
            )


def _map(document: Document | None) -> Mapping[str, Any]:
    return document.value if document and isinstance(document.value, dict) else {}


def _text(value: Any) -> str:
    """Return a scalar as Helm has it where it wants a string: a chart named `y` is called `true`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
