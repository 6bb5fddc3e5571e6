"""Find the sites of what configures kustomize: a kustomization, or the configuration of one transformer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from towline.render.marks.sites import Role
from towline.render.units.references import Steps

Pattern: TypeAlias = tuple[str, ...]
"""Steps, where `*` is any key and `#` any index."""


class Setting(NamedTuple):
    """A field of a configuration that becomes a field of objects: `role` None means that it is YAML itself."""

    role: Role | None
    steps: Steps
    value: Any
    path: Steps = ()
    is_marked: bool = True


class _Rule(NamedTuple):
    pattern: Pattern
    role: Role | None
    path: Steps = ()
    is_marked: bool = True


_LABELS = ("metadata", "labels")
_ANNOTATIONS = ("metadata", "annotations")
_NAME = ("metadata", "name")
_NAMESPACE = ("metadata", "namespace")
_IMAGES = ("newName", "newTag", "digest", "tagSuffix")
_GENERATORS = ("configMapGenerator", "secretGenerator")


def _of_generators() -> Iterator[_Rule]:
    for generator in _GENERATORS:
        yield _Rule((generator, "#", "name"), Role.NAME, _NAME, is_marked=False)
        yield _Rule((generator, "#", "namespace"), Role.NAMESPACE, _NAMESPACE, is_marked=False)
        yield _Rule((generator, "#", "type"), Role.SETTING, ("type",))
        yield _Rule((generator, "#", "literals", "#"), Role.ENTRY, ("data",))
        yield _Rule((generator, "#", "options", "labels", "*"), Role.SETTING, _LABELS)
        yield _Rule((generator, "#", "options", "annotations", "*"), Role.SETTING, _ANNOTATIONS)


_KUSTOMIZATION = (
    _Rule(("namespace",), Role.NAMESPACE, _NAMESPACE, is_marked=False),
    _Rule(("namePrefix",), Role.NAME, _NAME, is_marked=False),
    _Rule(("nameSuffix",), Role.NAME, _NAME, is_marked=False),
    _Rule(("commonLabels", "*"), Role.SETTING, _LABELS),
    _Rule(("labels", "#", "pairs", "*"), Role.SETTING, _LABELS),
    _Rule(("commonAnnotations", "*"), Role.SETTING, _ANNOTATIONS),
    *(_Rule(("images", "#", each), Role.SETTING, ("image",)) for each in _IMAGES),
    _Rule(("replicas", "#", "count"), Role.COUNT, ("spec", "replicas")),
    _Rule(("generatorOptions", "labels", "*"), Role.SETTING, _LABELS),
    _Rule(("generatorOptions", "annotations", "*"), Role.SETTING, _ANNOTATIONS),
    *_of_generators(),
    *(_Rule((each, "#", "patch"), None) for each in ("patches", "patchesJson6902")),
    *(
        _Rule((each, "#"), None)
        for each in ("patchesStrategicMerge", "transformers", "generators", "validators")
    ),
)

_PLUGIN = (
    _Rule(("namespace",), Role.NAMESPACE, _NAMESPACE, is_marked=False),
    _Rule(("metadata", "namespace"), Role.NAMESPACE, _NAMESPACE, is_marked=False),
    _Rule(("metadata", "name"), Role.NAME, _NAME, is_marked=False),
    _Rule(("prefix",), Role.NAME, _NAME, is_marked=False),
    _Rule(("suffix",), Role.NAME, _NAME, is_marked=False),
    _Rule(("labels", "*"), Role.SETTING, _LABELS),
    _Rule(("annotations", "*"), Role.SETTING, _ANNOTATIONS),
    *(_Rule(("imageTag", each), Role.SETTING, ("image",)) for each in _IMAGES),
    _Rule(("replica", "count"), Role.COUNT, ("spec", "replicas")),
    _Rule(("type",), Role.SETTING, ("type",)),
    _Rule(("literals", "#"), Role.ENTRY, ("data",)),
    _Rule(("patch",), None),
    _Rule(("patches",), None),
    _Rule(("jsonOp",), None),
)


def of_kustomization(value: Any) -> Iterator[Setting]:
    """Yield what a kustomization sets."""
    return _found(value, _KUSTOMIZATION)


def of_plugin(value: Any) -> Iterator[Setting]:
    """Yield what the configuration of a transformer or generator sets."""
    return _found(value, _PLUGIN)


def _found(value: Any, rules: tuple[_Rule, ...]) -> Iterator[Setting]:
    for rule in rules:
        for steps, scalar in _matching(value, rule.pattern, ()):
            yield Setting(rule.role, steps, scalar, _path(rule, steps, scalar), rule.is_marked)


def _path(rule: _Rule, steps: Steps, scalar: Any) -> Steps:
    """Return where a setting arrives: its own key, or that of `key=value`, leads on."""
    if rule.role is Role.ENTRY:
        return (*rule.path, str(scalar).partition("=")[0])
    return (*rule.path, steps[-1]) if rule.pattern[-1] == "*" else rule.path


def _matching(value: Any, pattern: Pattern, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    """Yield the scalars that a pattern leads to."""
    if not pattern:
        if value is not None and not isinstance(value, (dict, list)):
            yield steps, value
        return
    head, rest = pattern[0], pattern[1:]
    entries: Iterable[tuple[str | int, Any]]
    if head == "#":
        entries = enumerate(value) if isinstance(value, list) else ()
    elif not isinstance(value, dict):
        entries = ()
    else:
        entries = value.items() if head == "*" else ((head, value.get(head)),)
    for step, entry in entries:
        yield from _matching(entry, rest, (*steps, step))
