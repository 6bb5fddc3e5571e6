"""Change a kustomization as Flux and Argo CD change it in their checkouts, before kustomize builds it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from towline.importing import homes
from towline.importing.argo.argo_kustomize import image

_FILE = "kustomization.yaml"


def flux(own: Mapping[str, Any] | None, spec: Mapping[str, Any], files: Sequence[str]) -> dict[str, Any]:
    """Return the kustomization that Flux builds.

    Args:
        own: the one in the folder; None where there is none.
        spec: that of the Kustomization.
        files: all files below the folder, by their paths from there.
    """
    found: dict[str, Any] = dict(own) if own is not None else {"resources": generated(files)}
    for field, name in (
        ("targetNamespace", "namespace"),
        ("namePrefix", "namePrefix"),
        ("nameSuffix", "nameSuffix"),
    ):
        if spec.get(field):
            found[name] = spec[field]
    found["patches"] = [*(found.get("patches") or ()), *(spec.get("patches") or ())]
    kept = [each for each in spec.get("components") or () if _is_wanted(each, files, spec)]
    found["components"] = [*(found.get("components") or ()), *kept]
    found["images"] = _with_images(found.get("images") or (), spec.get("images") or ())
    return {name: value for name, value in found.items() if value != []}


def generated(files: Sequence[str]) -> list[str]:
    """Return the resources of the kustomization that Flux makes for a folder without one.

    Folders that have a kustomization are named themselves, and nothing in them.
    """
    units = sorted(
        {posixpath.dirname(each) for each in files if posixpath.basename(each) in homes.KUSTOMIZATIONS}
    )
    topmost = [each for each in units if not any(each.startswith(f"{other}/") for other in units)]
    plain = [
        each
        for each in files
        if each.endswith((".yaml", ".yml")) and not any(each.startswith(f"{unit}/") for unit in topmost)
    ]
    return [*plain, *topmost]


def argo(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the kustomization that Argo CD builds: what `kustomize edit` makes of the one in the folder.

    Args:
        own: the one in the folder.
        given: `source.kustomize`.
    """
    found: dict[str, Any] = dict(own)
    for name in ("namePrefix", "nameSuffix", "namespace"):
        if given.get(name):
            found[name] = given[name]
    found["images"] = _with_images(
        found.get("images") or (), [image(str(each)) for each in given.get("images") or ()]
    )
    scaled = {each["name"]: {**each, "count": int(each["count"])} for each in given.get("replicas") or ()}
    kept = [each for each in found.get("replicas") or () if each.get("name") not in scaled]
    found["replicas"] = [*kept, *scaled.values()]
    _label(found, given)
    annotations = {name: str(value) for name, value in (given.get("commonAnnotations") or {}).items()}
    found["commonAnnotations"] = {**(found.get("commonAnnotations") or {}), **annotations}
    found["patches"] = [*(found.get("patches") or ()), *(given.get("patches") or ())]
    found["components"] = [*(found.get("components") or ()), *(given.get("components") or ())]
    return {name: value for name, value in found.items() if value not in ([], {})}


def _label(found: dict[str, Any], given: Mapping[str, Any]) -> None:
    pairs = {name: str(value) for name, value in (given.get("commonLabels") or {}).items()}
    if pairs and given.get("labelWithoutSelector"):
        templates = {"includeTemplates": True} if given.get("labelIncludeTemplates") else {}
        found["labels"] = [*(found.get("labels") or ()), {"pairs": pairs, **templates}]
    elif pairs:
        found["commonLabels"] = {**(found.get("commonLabels") or {}), **pairs}


def _with_images(
    own: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return images of which each that is given takes the place of one of its name."""
    replaced = {each["name"]: each for each in given}
    kept = [replaced.pop(each.get("name"), each) for each in own]
    return [*kept, *replaced.values()]


def _is_wanted(component: str, files: Sequence[str], spec: Mapping[str, Any]) -> bool:
    """Whether a component is there, or has to be; those outside of the folder are taken to be there."""
    if not spec.get("ignoreMissingComponents") or component.startswith("../"):
        return True
    return any(posixpath.normpath(posixpath.join(component, name)) in files for name in homes.KUSTOMIZATIONS)
