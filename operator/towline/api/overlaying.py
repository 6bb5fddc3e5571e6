"""Read `spec.kustomize`: what is changed in every kustomization of a repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towline.api.schema import SchemaFault


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayPatch:
    """A patch: its text, and which objects it changes by the fields of kustomize; without any its text says it."""

    patch: str
    target: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KustomizeOverlay:
    """What a spec changes in every kustomization, in the words of kustomize.

    `images` and `replicas` are maps as tuples of their fields. `components` are folders, seen from `spec.path`.
    """

    name_prefix: str = ""
    name_suffix: str = ""
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    images: tuple[tuple[tuple[str, str], ...], ...] = ()
    replicas: tuple[tuple[tuple[str, str | int], ...], ...] = ()
    patches: tuple[OverlayPatch, ...] = ()
    components: tuple[str, ...] = ()


def parse(given: Mapping[str, Any] | None) -> KustomizeOverlay | None:
    """Return `spec.kustomize` as the schema has accepted it; None where it changes nothing."""
    given = given or {}
    found = KustomizeOverlay(
        name_prefix=given.get("namePrefix", ""),
        name_suffix=given.get("nameSuffix", ""),
        namespace=given.get("namespace", ""),
        labels=_entries(given.get("labels")),
        annotations=_entries(given.get("annotations")),
        images=_maps(given.get("images")),
        replicas=_maps(given.get("replicas")),
        patches=tuple(
            OverlayPatch(patch=each["patch"], target=_entries(each.get("target")))
            for each in given.get("patches") or ()
        ),
        components=tuple(given.get("components") or ()),
    )
    return None if found == KustomizeOverlay() else found


def faults(given: Mapping[str, Any] | None, path: str) -> Iterator[SchemaFault]:
    """Yield what the schema cannot say: images that change nothing, and components outside the repository.

    Args:
        given: the field.
        path: `spec.path`.
    """
    given = given or {}
    for index, image in enumerate(given.get("images") or ()):
        if image.keys() <= {"name"}:
            message = "changes nothing: set newName, newTag or digest"
            yield SchemaFault(f"spec.kustomize.images[{index}]", message)
    for index, component in enumerate(given.get("components") or ()):
        if complaint := _outside(path, component):
            yield SchemaFault(f"spec.kustomize.components[{index}]", complaint)


def _outside(path: str, component: str) -> str:
    """Say why a component is not a folder of the repository; nothing where it may be one."""
    if component.startswith("/"):
        return "must be a path relative to spec.path"
    if "://" in component:
        return "must be a folder of the repository: commit the component, and name its path"
    depth = sum(step not in {"", "."} for step in path.split("/"))
    for step in component.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(step, 1)
        if depth < 0:
            return "leads out of the repository"
    return ""


def _entries(given: Mapping[str, Any] | None) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((given or {}).items()))


def _maps(given: Sequence[Mapping[str, Any]] | None) -> tuple[tuple[tuple[str, Any], ...], ...]:
    return tuple(map(_entries, given or ()))
