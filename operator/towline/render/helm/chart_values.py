"""Read the files of values that a spec names, and put them under what it says itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from towline.errors import Failure, Reason
from towline.fields import mask
from towline.render import documents, plain
from towline.render.documents import Document, DocumentErrors, Places, YamlLimits
from towline.render.helm import value_layers
from towline.render.helm.chart_options import ChartOptions
from towline.render.helm.value_layers import ValuesError
from towline.render.links import Tree
from towline.render.sops import decryption, file_kinds
from towline.render.units import tree_paths
from towline.render.units.tree_paths import LedOutError
from towline.render.variables import treatment
from towline.source.selection import Entry, shown

_ENCRYPTED = (
    "encrypted by SOPS, and spec.decryption is not set: set it, or commit the values without encryption"
)


class ValuesFiles(NamedTuple):
    """The files of values that are in a commit, by their paths in the spec, and what is wrong with the others."""

    files: Mapping[str, Entry]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartValues:
    """The values of a release over those of its chart; `hidden` must be shown nowhere."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    hidden: frozenset[str] = field(default=frozenset(), repr=False)
    failures: tuple[Failure, ...] = ()

    @property
    def secrets(self) -> frozenset[str]:
        """What of it must not be quoted: what is hidden, and what its key calls a password or the like."""
        return self.hidden | named_secrets(self.values)


def find(paths: Sequence[str], tree: Tree, marker: str) -> ValuesFiles:
    """Find files of values in a commit.

    Args:
        paths: from the root of the repository.
        tree: the commit.
        marker: of the chart, to which failures belong.
    """
    files: dict[str, Entry] = {}
    failures: list[Failure] = []
    for index, path in enumerate(paths):
        try:
            file = tree_paths.target(tree, path).file
            why = "is not in this commit"
        except LedOutError as error:
            file, why = None, str(error)
        if file:
            files[path] = file
        else:
            message = f"spec.helm.valuesFiles[{index}]: {shown(path)} {why}"
            failures.append(Failure(reason=Reason.BUILD_FAILED, message=message, file=marker))
    return ValuesFiles(files, tuple(failures))


def put_together(contents: Mapping[str, bytes], options: ChartOptions) -> ChartValues:
    """Return the values of a release.

    Args:
        contents: of the files of values by path, in the order of the spec.
        options: what else the spec says.
    """
    files: list[Mapping[str, Any]] = []
    hidden = frozenset[str]().union(*(layer.secrets for layer in options.layers))
    failures: list[Failure] = []
    for path, content in contents.items():
        found = _read(path, content, options)
        files += found.values
        hidden |= found.hidden
        failures += found.failures
    if failures:
        return ChartValues(hidden=hidden, failures=tuple(failures))
    given = orjson.loads(options.asked.values) if options.asked.values else {}
    try:
        values = value_layers.layered(files, options.layers, given, options.asked.parameters)
    except ValuesError as error:
        return ChartValues(hidden=hidden, failures=(Failure(reason=Reason.BUILD_FAILED, message=str(error)),))
    return ChartValues(values=values, hidden=hidden)


def named_secrets(values: Any) -> frozenset[str]:
    """Return the values whose key calls them a password, a token or the like."""
    found: set[str] = set()
    todo: list[tuple[Any, bool]] = [(values, False)]
    while todo:
        value, is_named = todo.pop()
        if isinstance(value, Mapping):
            todo += [(each, is_named or _says_secret(str(name))) for name, each in value.items()]
        elif isinstance(value, list):
            todo += [(each, is_named) for each in value]
        elif is_named:
            found |= value_layers.leaf_texts(value)
    return frozenset(found)


def _says_secret(name: str) -> bool:
    lower = name.lower()
    return any(word in lower for word in (*mask.SAYING, "apikey", "privatekey"))


class _ReadFile(NamedTuple):
    values: list[Mapping[str, Any]]
    hidden: frozenset[str]
    failures: list[Failure]


def _read(path: str, content: bytes, options: ChartOptions) -> _ReadFile:
    if plain.is_pointer(content):
        message = "the file is a Git LFS pointer: commit the values themselves"
        return _ReadFile([], frozenset(), [_failure(path, message, 1)])
    try:
        found = documents.parse(content, options.limits)
    except DocumentErrors as error:
        return _ReadFile([], frozenset(), [_failure(path, one.message, one.line) for one in error.faults])
    if options.keys:
        lines = _line_finder(options.limits, len(content))
        found, opened, failures = treatment.decrypted(path, found, options.keys, lines, whole=True)
        hidden = decryption.texts(opened)
    else:
        hidden = frozenset()
        failures = [
            _failure(path, _ENCRYPTED, one.line) for one in found if file_kinds.is_encrypted(one.value)
        ]
    failures += [
        _failure(path, "values must be a map", one.line) for one in found if not isinstance(one.value, dict)
    ]
    return _ReadFile([one.value for one in found if isinstance(one.value, dict)], hidden, failures)


def _line_finder(limits: YamlLimits, size: int) -> Any:
    def line(piece: Any, *path: str | int) -> int:
        return Places(piece, limits, limits.room(size)).line(*path)

    return line


def _failure(path: str, message: str, line: int) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=shown(path), line=line)


def documents_of(content: bytes) -> tuple[Document, ...]:
    """Return the documents of a file of the chart as far as they can be read; Helm says what is wrong with others."""
    try:
        return documents.parse(content, YamlLimits())
    except DocumentErrors as error:
        return error.documents
