"""Fill in the variables of a source where Argo CD fills them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.importing.argo import build_environment
from towline.importing.draft import Draft
from towline.importing.peer_resource import PeerResource


def filled(of: PeerResource, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source as Argo CD renders it: variables of a commit stay as they are."""
    draft = Draft(of)
    variables = build_environment.of(draft, source)

    def text(value: Any) -> str:
        return build_environment.filled(draft, str(value), variables, ())

    found = dict(source)
    if helm := source.get("helm"):
        parameters = [{**each, "value": text(each.get("value", ""))} for each in helm.get("parameters") or ()]
        files = [each if str(each).startswith("$") else text(each) for each in helm.get("valueFiles") or ()]
        found["helm"] = {**helm, "parameters": parameters, "valueFiles": files}
    if given := source.get("kustomize"):
        labels = {name: text(value) for name, value in (given.get("commonLabels") or {}).items()}
        annotations = given.get("commonAnnotations") or {}
        if given.get("commonAnnotationsEnvsubst"):
            annotations = {name: text(value) for name, value in annotations.items()}
        images = [text(each) for each in given.get("images") or ()]
        changed = {"commonLabels": labels, "commonAnnotations": annotations, "images": images}
        found["kustomize"] = {**given, **changed}
    return found
