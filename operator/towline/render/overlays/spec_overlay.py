"""Write `spec.kustomize` as an overlay over a unit, in a folder next to the copy of the repository."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from towline.api.overlaying import KustomizeOverlay, OverlayPatch
from towline.errors import BuildError, Failure, Reason, SpecError
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.units import tree_paths

HOME = "repository"
"""Where the files of the repository are, for a build with an overlay."""

FOLDER = "overlay"
"""Where the overlay is: no folder of the repository, because kustomize builds nothing on a folder above it."""

_ANNOTATED = {"path": "metadata/annotations", "create": True}


def check(overlay: KustomizeOverlay | None, path: str, units: Collection[str]) -> None:
    """Refuse patches that say nowhere what they change, and an overlay over nothing.

    Args:
        overlay: what the spec changes.
        path: `spec.path`.
        units: the folders of kustomizations and charts below it.

    Raises:
        SpecError: InvalidSpec, with every error and its field.
        BuildError: BuildFailed.
    """
    if overlay is None:
        return
    found = [
        f"spec.kustomize.patches[{index}].patch: {complaint}"
        for index, patch in enumerate(overlay.patches)
        for complaint in _complaints(patch)
    ]
    if found:
        raise SpecError(Reason.INVALID_SPEC, "; ".join(found))
    if not units:
        message = (
            f"spec.kustomize changes kustomizations and charts, and {path} has none: add a kustomization.yaml that "
            "names the files in resources, or remove spec.kustomize"
        )
        raise BuildError((Failure(reason=Reason.BUILD_FAILED, message=message),))


def components(overlay: KustomizeOverlay | None, path: str) -> Mapping[str, str]:
    """Return the folders of the components of an overlay from the root of the repository, by their fields.

    Args:
        overlay: what the spec changes.
        path: `spec.path`.
    """
    named = enumerate(overlay.components if overlay else ())
    base = "" if path == "." else path
    return {
        f"spec.kustomize.components[{index}]": tree_paths.joined(base, component)
        for index, component in named
    }


def kustomization(overlay: KustomizeOverlay, unit: str, folders: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the kustomization in `FOLDER` that changes a unit.

    Args:
        overlay: what the spec changes.
        unit: the folder of the unit, as seen from there.
        folders: those of the components, by any key.
    """
    written: dict[str, Any] = {
        "resources": [unit],
        "components": [seen(each) for each in folders.values()],
        "namePrefix": overlay.name_prefix,
        "nameSuffix": overlay.name_suffix,
        "namespace": overlay.namespace,
        "labels": [{"pairs": dict(overlay.labels)}] if overlay.labels else [],
        "images": [dict(each) for each in overlay.images],
        "replicas": [dict(each) for each in overlay.replicas],
        "patches": [_patch(each) for each in overlay.patches],
        "transformers": [_annotations(overlay)] if overlay.annotations else [],
    }
    return {name: value for name, value in written.items() if value}


def seen(folder: str) -> str:
    """Return a folder of the repository as `FOLDER` sees it."""
    return f"../{HOME}/{folder}" if folder else f"../{HOME}"


def _patch(patch: OverlayPatch) -> Mapping[str, Any]:
    target = {"target": dict(patch.target)} if patch.target else {}
    return {"patch": patch.patch, **target}


def _annotations(overlay: KustomizeOverlay) -> str:
    """Return the transformer that annotates objects; the field of kustomize annotates Pod templates, too."""
    transformer = {
        "apiVersion": "builtin",
        "kind": "AnnotationsTransformer",
        "metadata": {"name": "annotations"},
        "annotations": dict(overlay.annotations),
        "fieldSpecs": [_ANNOTATED],
    }
    return f"{orjson.dumps(transformer, option=orjson.OPT_INDENT_2).decode()}\n"


def _complaints(patch: OverlayPatch) -> Iterator[str]:
    try:
        found = documents.parse(patch.patch.encode(), YamlLimits())
    except DocumentErrors as error:
        yield from (f"line {fault.line}: {fault.message}" for fault in error.faults[:3])
        return
    if not found:
        yield "is empty: write a patch"
    elif not patch.target and not all(_names_its_object(each.value) for each in found):
        yield "names no object: add a target, or apiVersion, kind and metadata.name of the object that it changes"


def _names_its_object(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict):
        return False
    named = (value.get("apiVersion"), value.get("kind"), value["metadata"].get("name"))
    return all(isinstance(each, str) and each for each in named)
