"""Find what gives objects another name, namespace or kind than prefixes, suffixes and namespaces do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
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
_ANY = "*"

NAMES = (("apiVersion",), ("kind",), ("metadata", "name"))
NAMESPACES = (("metadata", "namespace"),)


def are_in(
    folder: str,
    kustomization: Mapping[str, Any],
    files: Mapping[str, InputFile],
    identity: Sequence[tuple[str, ...]],
) -> bool:
    """Tell whether a kustomization may change identities so that only kustomize knows the outcome.

    Args:
        folder: where it is.
        kustomization: its fields.
        files: all files of its build, by path.
        identity: which fields of an object are its identity: `NAMES` or `NAMESPACES`.
    """
    search = _IdentitySearch(folder, files, identity)
    return (
        any(kustomization.get(name) for name in _UNKNOWN)
        or any(map(search.renames, search.entries(kustomization.get("transformers"))))
        or any(map(search.configures, search.entries(kustomization.get("configurations"))))
        or any(map(search.replaces, _items(kustomization.get("replacements"))))
        or any(
            map(
                search.patches,
                chain(*(_items(kustomization.get(name)) for name in ("patches", "patchesJson6902"))),
            )
        )
    )


@dataclass(frozen=True, slots=True)
class _IdentitySearch:
    """Looks for changes of some fields in what a kustomization names."""

    folder: str
    files: Mapping[str, InputFile]
    identity: Sequence[tuple[str, ...]]

    def renames(self, transformer: Any) -> bool:
        kind = transformer.get("kind") if isinstance(transformer, dict) else None
        return kind not in _HARMLESS or self.configures(transformer)

    def configures(self, configuration: Any) -> bool:
        """Tell whether any `path` in a configuration leads to what identifies an object; None is not known."""
        if isinstance(configuration, dict):
            path = configuration.get("path")
            is_named = isinstance(path, str) and self._is_identity(path.strip("/").split("/"))
            inner = (each for each in configuration.values() if isinstance(each, dict | list))
            return is_named or any(map(self.configures, inner))
        if isinstance(configuration, list):
            return any(self.configures(each) for each in configuration if isinstance(each, dict | list))
        return configuration is None

    def replaces(self, replacement: Any) -> bool:
        if not isinstance(replacement, dict):
            return True
        if replacement.get("path"):
            found = self.entries([replacement["path"]])
            return any(any(map(self.replaces, each if isinstance(each, list) else [each])) for each in found)
        return any(
            not isinstance(path, str) or self._is_identity(path.split("."))
            for target in _items(replacement.get("targets"))
            for path in (_items(target.get("fieldPaths")) if isinstance(target, dict) else [None])
        )

    def patches(self, patch: Any) -> bool:
        if not isinstance(patch, dict):
            return True
        options = patch.get("options")
        if isinstance(options, dict) and any(options.get(each) for each in _ALLOWS):
            return True
        path = patch.get("path")
        found = self.entries([path]) if path else _inline(str(patch.get("patch") or ""))
        return any(
            each is None or (isinstance(each, list) and any(map(self._operates, each))) for each in found
        )

    def _operates(self, operation: Any) -> bool:
        """Tell whether an operation of a JSON patch may change what identifies an object."""
        if not isinstance(operation, dict):
            return True
        paths = [operation.get(name) for name in ("path", "from") if name in operation]
        return operation.get("op") != "test" and any(
            not isinstance(path, str) or self._is_identity(pointer.split(path)) for path in paths
        )

    def _is_identity(self, steps: Sequence[str]) -> bool:
        """Tell whether steps lead to an identity, into one, or to what holds one."""
        return any(
            all(one in {other, _ANY} for one, other in zip(steps, field, strict=False))
            for field in self.identity
        )

    def entries(self, value: Any) -> Iterator[Any]:
        """Yield the documents that entries of a kustomization name, or are; None for those that are elsewhere."""
        for entry in _items(value):
            if not isinstance(entry, str):
                yield None
            elif "\n" in entry:
                yield from _inline(entry)
            else:
                yield from self._named(entry)

    def _named(self, entry: str) -> Iterator[Any]:
        try:
            path = tree_paths.joined(self.folder, entry)
        except LedOutError:
            path = ""
        if path in self.files:
            yield from (each.value for each in self.files[path].documents)
        else:
            yield None


def _inline(text: str) -> Iterator[Any]:
    yield from (each.value for each in inputs.parsed("", text.encode(), YamlLimits()).documents)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [None]
