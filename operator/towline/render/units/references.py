"""Say what a kustomization reads; a field that is not known is refused, because it might read a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

Steps: TypeAlias = tuple[str | int, ...]
"""The way from a document to a field."""


class Use(Enum):
    """What a path may lead to."""

    RESOURCE = auto()  # a file of objects, or a folder to build on
    COMPONENT = auto()  # a folder
    FILE = auto()  # a file of YAML
    PATCH = auto()  # a file of YAML, or the patch itself
    RAW = auto()  # a file whose content is a value
    PLUGIN = auto()  # the configuration of a transformer: a file, a folder, or the document itself


class Reference(NamedTuple):
    """A path that is read, and where it is named."""

    use: Use
    path: str
    steps: Steps


class ReferenceFault(NamedTuple):
    """What is wrong with a field."""

    message: str
    steps: Steps


FoundReferences: TypeAlias = Iterator[Reference | ReferenceFault]

_HELM = "HelmChartInflationGenerator is refused: write helmCharts into the kustomization"
FUNCTIONS = "functions are refused: only the transformers and generators of kustomize itself (apiVersion: builtin) run"
_NAMES_FUNCTION = ("config.kubernetes.io/function", "config.k8s.io/function")

_SILENT = frozenset(
    {
        "apiVersion",
        "kind",
        "metadata",
        "namePrefix",
        "nameSuffix",
        "namespace",
        "commonLabels",
        "labels",
        "commonAnnotations",
        "images",
        "replicas",
        "vars",
        "sortOptions",
        "generatorOptions",
        "buildMetadata",
        "helmCharts",
        "helmGlobals",
        "helmChartInflationGenerator",
    }
)
"""Fields that read no file; those about Helm are read by `kustomize_charts`."""

_BUILTIN = frozenset(
    {
        "AnnotationsTransformer",
        "ConfigMapGenerator",
        "HashTransformer",
        "IAMPolicyGenerator",
        "ImageTagTransformer",
        "LabelTransformer",
        "LegacyOrderTransformer",
        "NamespaceTransformer",
        "PatchJson6902Transformer",
        "PatchStrategicMergeTransformer",
        "PatchTransformer",
        "PrefixSuffixTransformer",
        "PrefixTransformer",
        "SuffixTransformer",
        "ReplicaCountTransformer",
        "ReplacementTransformer",
        "SecretGenerator",
        "SortOrderTransformer",
        "ValueAddTransformer",
    }
)


def kustomization(value: Any) -> FoundReferences:
    """Return what a kustomization reads, and what is wrong with it."""
    if not isinstance(value, dict):
        yield ReferenceFault("a kustomization must be a map", ())
        return
    for name, content in value.items():
        if name in _SILENT or (content is None and name in _READERS):
            continue
        reader = _READERS.get(name)
        if reader is None:
            yield ReferenceFault(
                f"unknown field {name}: kustomize has no such field, or it is not supported", (name,)
            )
        else:
            yield from reader(content, (name,))


def plugin(value: Any) -> FoundReferences:
    """Return what the configuration of a transformer, generator or validator reads."""
    if not isinstance(value, dict):
        yield ReferenceFault("the configuration of a transformer or generator must be a map", ())
        return
    metadata = value.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    named = isinstance(annotations, dict) and not annotations.keys().isdisjoint(_NAMES_FUNCTION)
    kind = value.get("kind")
    if kind == "HelmChartInflationGenerator":
        yield ReferenceFault(_HELM, ("kind",))
    elif named or value.get("apiVersion") != "builtin" or str(kind) not in _BUILTIN:
        yield ReferenceFault(FUNCTIONS, ("kind",))
    else:
        for name, reader in _PLUGIN_READERS.items():
            if value.get(name) is not None:
                yield from reader(value[name], (name,))


def _each(use: Use) -> Callable[[Any, Steps], FoundReferences]:
    def read(content: Any, steps: Steps) -> FoundReferences:
        yield from _paths(content, steps, use)

    return read


def _paths(content: Any, steps: Steps, use: Use) -> FoundReferences:
    for at, entry in _entries(content, steps):
        if isinstance(entry, ReferenceFault):
            yield entry
        elif isinstance(entry, str) and entry:
            yield Reference(use, entry, at)
        else:
            yield ReferenceFault("must be a path", at)


def _entries(content: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    if not isinstance(content, list):
        yield steps, ReferenceFault(f"{steps[-1]} must be a list", steps)
        return
    yield from (((*steps, index), entry) for index, entry in enumerate(content))


def _inside(name: str, use: Use) -> Callable[[Any, Steps], FoundReferences]:
    """Read one field of every map of a list."""

    def read(content: Any, steps: Steps) -> FoundReferences:
        for at, entry in _entries(content, steps):
            if isinstance(entry, ReferenceFault):
                yield entry
            elif not isinstance(entry, dict):
                yield ReferenceFault("must be a map", at)
            elif entry.get(name):
                yield from _one(use)(entry[name], (*at, name))

    return read


def _one(use: Use) -> Callable[[Any, Steps], FoundReferences]:
    def read(content: Any, steps: Steps) -> FoundReferences:
        yield (
            Reference(use, content, steps)
            if isinstance(content, str)
            else ReferenceFault("must be a path", steps)
        )

    return read


def _generators(content: Any, steps: Steps) -> FoundReferences:
    for at, entry in _entries(content, steps):
        if isinstance(entry, ReferenceFault):
            yield entry
        elif not isinstance(entry, dict):
            yield ReferenceFault("must be a map", at)
        else:
            for name in ("files", "envs"):
                if entry.get(name) is not None:
                    yield from _values(entry[name], (*at, name))
            if entry.get("env"):
                yield from _values([entry["env"]], (*at, "env"))


def _values(content: Any, steps: Steps) -> FoundReferences:
    """Read the files of a generator, which may be written `key=path`."""
    if isinstance(content, str):
        content = [content]
    for found in _paths(content, steps, Use.RAW):
        if isinstance(found, Reference) and steps[-1] == "files":
            yield found._replace(path=found.path.partition("=")[2] or found.path)
        else:
            yield found


def _openapi(content: Any, steps: Steps) -> FoundReferences:
    if not isinstance(content, dict):
        yield ReferenceFault("openapi must be a map", steps)
    elif content.get("path"):
        yield from _one(Use.FILE)(content["path"], (*steps, "path"))


_READERS: Mapping[str, Callable[[Any, Steps], FoundReferences]] = MappingProxyType(
    {
        "resources": _each(Use.RESOURCE),
        "bases": _each(Use.COMPONENT),
        "components": _each(Use.COMPONENT),
        "crds": _each(Use.FILE),
        "configurations": _each(Use.FILE),
        "openapi": _openapi,
        "patches": _inside("path", Use.FILE),
        "patchesJson6902": _inside("path", Use.FILE),
        "patchesStrategicMerge": _each(Use.PATCH),
        "configMapGenerator": _generators,
        "secretGenerator": _generators,
        "replacements": _inside("path", Use.FILE),
        "transformers": _each(Use.PLUGIN),
        "generators": _each(Use.PLUGIN),
        "validators": _each(Use.PLUGIN),
    }
)

_PLUGIN_READERS: Mapping[str, Callable[[Any, Steps], FoundReferences]] = MappingProxyType(
    {
        "path": _one(Use.FILE),
        "paths": _each(Use.FILE),
        "files": _values,
        "envs": _values,
        "env": _values,
        "replacements": _inside("path", Use.FILE),
    }
)
