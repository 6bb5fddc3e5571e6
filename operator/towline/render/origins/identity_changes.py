"""Find what gives objects another name, namespace or kind than prefixes, suffixes and namespaces do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from towline.fields import pointer
from towline.render.documents import YamlLimits
from towline.render.units import inputs, tree_paths
from towline.render.units.inputs import InputFile
from towline.render.units.tree_paths import LedOutError

_UNKNOWN = ("generators", "helmCharts", "helmChartInflationGenerator")
"""Fields that make objects whose names only kustomize knows."""

_HARMLESS = frozenset(
    {"AnnotationsTransformer", "LabelTransformer", "ImageTagTransformer", "ReplicaCountTransformer"}
)
"""Transformers that change no identity unless their fields say so."""

_ALLOWS = ("allowNameChange", "allowKindChange")
_IDENTITY = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))
_ANY = "*"


def are_in(folder: str, kustomization: Mapping[str, Any], files: Mapping[str, InputFile]) -> bool:
    """Tell whether a kustomization may change identities so that only kustomize knows the outcome.

    Args:
        folder: where it is.
        kustomization: its fields.
        files: all files of its build, by path.
    """
    return (
        any(kustomization.get(name) for name in _UNKNOWN)
        or any(map(_renames, _entries(kustomization.get("transformers"), folder, files)))
        or any(map(_configures, _entries(kustomization.get("configurations"), folder, files)))
        or any(_replaces(one, folder, files) for one in _items(kustomization.get("replacements")))
        or any(
            _patches(one, folder, files)
            for name in ("patches", "patchesJson6902")
            for one in _items(kustomization.get(name))
        )
    )


def _renames(transformer: Any) -> bool:
    kind = transformer.get("kind") if isinstance(transformer, dict) else None
    return kind not in _HARMLESS or _names_identity(transformer)


def _configures(configuration: Any) -> bool:
    return configuration is None or _names_identity(configuration)


def _names_identity(configuration: Any) -> bool:
    """Tell whether any `path` in a configuration leads to what identifies an object."""
    if isinstance(configuration, dict):
        path = configuration.get("path")
        return (isinstance(path, str) and _is_identity(path.strip("/").split("/"))) or any(
            map(_names_identity, configuration.values())
        )
    return isinstance(configuration, list) and any(map(_names_identity, configuration))


def _replaces(replacement: Any, folder: str, files: Mapping[str, InputFile]) -> bool:
    if not isinstance(replacement, dict):
        return True
    if replacement.get("path"):
        return any(
            _replaces(one, folder, files)
            for each in _entries([replacement["path"]], folder, files)
            for one in (each if isinstance(each, list) else [each])
        )
    return any(
        not isinstance(path, str) or _is_identity(path.split("."))
        for target in _items(replacement.get("targets"))
        for path in (_items(target.get("fieldPaths")) if isinstance(target, dict) else [None])
    )


def _patches(patch: Any, folder: str, files: Mapping[str, InputFile]) -> bool:
    if not isinstance(patch, dict):
        return True
    options = patch.get("options")
    if isinstance(options, dict) and any(options.get(each) for each in _ALLOWS):
        return True
    path = patch.get("path")
    found = _entries([path], folder, files) if path else _inline(str(patch.get("patch") or ""))
    return any(each is None or (isinstance(each, list) and any(map(_operates, each))) for each in found)


def _operates(operation: Any) -> bool:
    """Tell whether an operation of a JSON patch may change what identifies an object."""
    if not isinstance(operation, dict):
        return True
    paths = [operation.get(name) for name in ("path", "from") if name in operation]
    return operation.get("op") != "test" and any(
        not isinstance(path, str) or _is_identity(pointer.split(path)) for path in paths
    )


def _is_identity(steps: Sequence[str]) -> bool:
    """Tell whether steps lead to an identity, into one, or to what holds one."""
    return any(
        all(one in {other, _ANY} for one, other in zip(steps, identity, strict=False))
        for identity in _IDENTITY
    )


def _entries(value: Any, folder: str, files: Mapping[str, InputFile]) -> Iterator[Any]:
    """Yield the documents that entries of a kustomization name, or are; None for those that are elsewhere."""
    for entry in _items(value):
        if not isinstance(entry, str):
            yield None
        elif "\n" in entry:
            yield from _inline(entry)
        else:
            yield from _named(entry, folder, files)


def _named(entry: str, folder: str, files: Mapping[str, InputFile]) -> Iterator[Any]:
    try:
        path = tree_paths.joined(folder, entry)
    except LedOutError:
        yield None
        return
    if path in files:
        yield from (each.value for each in files[path].documents)
    else:
        yield None


def _inline(text: str) -> Iterator[Any]:
    yield from (each.value for each in inputs.parsed("", text.encode(), YamlLimits()).documents)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [None]
