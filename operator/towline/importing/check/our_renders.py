"""Render a GitRepository that was imported from a local clone, as the operator would."""

from __future__ import annotations

import posixpath
from pathlib import Path

from towline.api.gitrepository import Spec
from towline.errors import Failure
from towline.importing.check.rendered_side import RenderedSide
from towline.render.documents import YamlLimits
from towline.render.offline import offline_render
from towline.render.offline.offline_tools import OfflineTools
from towline.render.offline.offline_units import Asked, OfflineRelease


def render(root: Path, spec: Spec, tools: OfflineTools) -> RenderedSide:
    """Return what a spec makes of a clone, or why it makes nothing.

    Variables, and what ConfigMaps and Secrets hold, are left as they are written: a cluster has them.

    Args:
        root: the top of the clone.
        spec: that of the GitRepository.
        tools: what builds units.
    """
    asked = Asked(render=spec.render, exclude=spec.exclude, overlay=spec.kustomize, helm=spec.helm)
    release = OfflineRelease(namespace=spec.default_namespace)
    found = offline_render.render(root / spec.path, YamlLimits().file_bytes, tools, release, asked)
    if found.failures:
        return RenderedSide(errors=tuple(_told(spec.path, each) for each in found.failures))
    return RenderedSide(objects=tuple(one.body for one in found.manifests))


def _told(path: str, failure: Failure) -> str:
    file = posixpath.normpath(posixpath.join(path, failure.file)) if failure.file else ""
    where = ":".join(filter(None, (file, str(failure.line or ""))))
    return f"{where}: {failure.message}" if where else failure.message
