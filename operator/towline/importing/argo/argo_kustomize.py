"""Carry over `source.kustomize` of an Application: an overlay."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from towline.importing import homes, own_kustomization, remote_bases
from towline.importing.argo import build_environment
from towline.importing.argo.argo_helm import ArgoSource
from towline.importing.draft import Draft


def carry(draft: Draft, source: ArgoSource) -> None:
    """Put the overlay into a draft."""
    given: Mapping[str, Any] = source.spec.get("kustomize") or {}
    path = (*source.path, "kustomize")
    for name in ("namePrefix", "nameSuffix", "namespace"):
        draft.put(f"kustomize.{name}", given.get(name))
    draft.put("kustomize.images", list(_images(draft, source, given)))
    draft.put("kustomize.replicas", list(_replicas(draft, source, given)))
    draft.put("kustomize.patches", list(_patches(draft, source, given)))
    draft.put("kustomize.components", _components(draft, source, given))
    _labels(draft, source, given)
    annotations = {name: str(value) for name, value in (given.get("commonAnnotations") or {}).items()}
    if given.get("commonAnnotationsEnvsubst"):
        variables = build_environment.of(draft, source.spec)
        annotations = {
            name: build_environment.filled(draft, value, variables, (*path, "commonAnnotations", name))
            for name, value in annotations.items()
        }
    draft.put("kustomize.annotations", annotations)
    if annotations:
        message = "annotations are put on the objects alone, and not into their Pod templates: write them there in Git"
        draft.lost(message, *path, "commonAnnotations")
    own_kustomization.tell_doubles(draft, source.tree, source.folder, path)
    remote_bases.pin(draft, source.tree, source.folder, (*source.path, "path"))


def image(text: str) -> dict[str, str]:
    """Return an image as kustomize writes it in a file, from how it writes it after `edit set image`."""
    name, equals, new = text.partition("=")
    rest, _, digest = (new if equals else text).partition("@")
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        head, tag = rest, ""
    found = {"name": name if equals else head}
    if equals and head not in ("", "*", name):
        found["newName"] = head
    if tag and tag != "*":
        found["newTag"] = tag
    if digest:
        found["digest"] = digest
    return found


def _images(draft: Draft, source: ArgoSource, given: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    variables = build_environment.of(draft, source.spec)
    for number, each in enumerate(given.get("images") or ()):
        path = (*source.path, "kustomize", "images", number)
        found = image(build_environment.filled(draft, str(each), variables, path))
        if len(found) > 1:
            yield found
        else:
            draft.different(f"{each} changes nothing", *path)


def _replicas(draft: Draft, source: ArgoSource, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for number, each in enumerate(given.get("replicas") or ()):
        count = str(each.get("count"))
        if not each.get("name") or not count.isascii() or not count.isdecimal():
            path = (*source.path, "kustomize", "replicas", number)
            raise draft.refused("it must have a name, and a count that is a whole number", *path)
        yield {"name": each["name"], "count": int(count)}


def _patches(draft: Draft, source: ArgoSource, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for number, each in enumerate(given.get("patches") or ()):
        path = (*source.path, "kustomize", "patches", number)
        text = each.get("patch")
        if not text and each.get("path"):
            file = posixpath.normpath(posixpath.join(source.folder, str(each["path"])))
            content = source.tree.read(file) if source.tree else None
            if content is None:
                draft.lost(
                    "what the file holds is known with --clone alone: write the patch itself", *path, "path"
                )
                continue
            draft.different(
                f"the patch is what {file} holds now: import again when it changes", *path, "path"
            )
            text = content.decode()
        if each.get("options"):
            draft.lost("a patch may change neither name nor kind", *path, "options")
        yield {"patch": text, **({"target": each["target"]} if each.get("target") else {})}


def _components(draft: Draft, source: ArgoSource, given: Mapping[str, Any]) -> list[str]:
    found = [str(each) for each in given.get("components") or ()]
    if not found or not given.get("ignoreMissingComponents"):
        return found
    if source.tree is None:
        message = "every component has to exist: remove those that do not"
        draft.lost(message, *source.path, "kustomize", "ignoreMissingComponents")
        return found
    tree, here = source.tree, source.folder
    return [
        each for each in found if homes.kustomization(tree, posixpath.normpath(posixpath.join(here, each)))
    ]


def _labels(draft: Draft, source: ArgoSource, given: Mapping[str, Any]) -> None:
    variables = build_environment.of(draft, source.spec)
    path = (*source.path, "kustomize", "commonLabels")
    labels = {
        name: build_environment.filled(draft, str(value), variables, (*path, name))
        for name, value in (given.get("commonLabels") or {}).items()
    }
    draft.put("kustomize.labels", labels)
    if labels and not given.get("labelWithoutSelector"):
        message = (
            "labels are put on the objects alone, and not into their selectors and templates: commit a kustomization"
            " with commonLabels instead, because selectors cannot change"
        )
        draft.lost(message, *path)
    elif labels and given.get("labelIncludeTemplates"):
        draft.lost(
            "labels are put on the objects alone: commit a kustomization that puts them into templates", *path
        )
