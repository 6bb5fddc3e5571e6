"""Make the manifest of a declared object."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import orjson

from towline.api import labels, other_annotations
from towline.model import NO_DIRECTIVES, Body, Ignored, Manifest, ObjectRef, Origin


def declare(
    body: Body, ref: ObjectRef, digest: str, origin: Origin, left_out: tuple[Ignored, ...] = ()
) -> Manifest:
    """Keep what Git declares of an object; `digest` is that of `body`, from which `left_out` is taken already."""
    return Manifest(
        ref=ref,
        api_version=sys.intern(body["apiVersion"]),
        content=memoryview(orjson.dumps(body)).tobytes(),
        digest=digest,
        origin=origin,
        directives=_directives(body) or NO_DIRECTIVES,
        left_out=left_out,
    )


def old_spellings(manifest: Manifest) -> tuple[tuple[str, str, str], ...]:
    """Return annotations with an old spelling: name, value, and the value to write now."""
    if not manifest.directives:
        return ()  # without reading the content, which most manifests need not for this
    annotations = manifest.body["metadata"].get("annotations") or {}
    return tuple(
        (name, annotations[name], asked)
        for name, asked in manifest.directives.items()
        if name in annotations and annotations[name] != asked
    )


def _directives(body: Body) -> dict[str, Any]:
    annotations = body["metadata"].get("annotations")
    if not isinstance(annotations, Mapping):
        return {}
    return other_annotations.directives(annotations) | {
        name: labels.directive(name, value) if isinstance(value, str) else value
        for name, value in annotations.items()
        if value and name.startswith(labels.PREFIX)
    }
