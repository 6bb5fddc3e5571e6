"""Decide whether an existing object may be adopted, by the marks that other tools leave on their objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from towline.api.gitrepository import Adopt
from towline.errors import Refusal
from towline.fields import managed


class Refused(NamedTuple):
    """Why an object is left alone."""

    reason: Refusal
    message: str


def refusal(metadata: Mapping[str, Any], adopt: Adopt) -> Refused | None:
    """Say why an object with this metadata may not be adopted; None where it may.

    Whether another field manager insists on other values is a question for the API server.
    """
    if adopt is Adopt.NEVER:
        message = (
            f"exists already, written by {_writers(metadata)}, and spec.adopt is Never: "
            "delete the object, or set spec.adopt to IfNoConflict"
        )
        return Refused(Refusal.NOT_OURS, message)
    if adopt is not Adopt.ANY and (tool := other_tool(metadata)):
        message = f"managed by {tool}: stop that first, then set spec.adopt to Any"
        return Refused(Refusal.MANAGED_BY_ANOTHER_TOOL, message)
    return None


def other_tool(metadata: Mapping[str, Any]) -> str:
    """Name the tool that manages an object, with the tool's own name for it; empty where there is none."""
    marks = Marks(
        labels=_texts(metadata.get("labels")),
        notes=_texts(metadata.get("annotations")),
        writers=_managers(metadata),
    )
    return next((found for tool in _TOOLS if (found := tool(marks))), "")


Texts = Mapping[str, str]


class Marks(NamedTuple):
    """What tools write on an object: labels, annotations, and themselves as field managers."""

    labels: Texts
    notes: Texts
    writers: frozenset[str]


def _flux_kustomization(marks: Marks) -> str:
    return _named("Flux, Kustomization", marks.labels, "kustomize.toolkit.fluxcd.io")


def _flux_release(marks: Marks) -> str:
    return _named("Flux, HelmRelease", marks.labels, "helm.toolkit.fluxcd.io")


def _argo(marks: Marks) -> str:
    """Recognise Argo CD by its own label or annotation, or by the common label if Argo CD is among the writers.

    Up to version 2 it knows its objects by `app.kubernetes.io/instance`.
    """
    tracking = marks.notes.get("argocd.argoproj.io/tracking-id", "")
    instance = marks.labels.get("argocd.argoproj.io/instance") or tracking.partition(":")[0]
    if not instance and marks.writers & _ARGO_WRITERS:
        instance = marks.labels.get("app.kubernetes.io/instance", "")
    return f"Argo CD, Application {instance}" if instance else ""


_ARGO_WRITERS = frozenset({"argocd-controller", "argocd-application-controller"})


def _helm(marks: Marks) -> str:
    """Recognise Helm by the label and the release annotations that Helm itself requires."""
    release = marks.notes.get("meta.helm.sh/release-name")
    if marks.labels.get("app.kubernetes.io/managed-by") != "Helm" or not release:
        return ""
    namespace = marks.notes.get("meta.helm.sh/release-namespace")
    return f"Helm, release {namespace}/{release}" if namespace else f"Helm, release {release}"


def _kapp(marks: Marks) -> str:
    app = marks.labels.get("kapp.k14s.io/app")
    return f"kapp, app {app}" if app else ""


def _config_sync(marks: Marks) -> str:
    managed = marks.notes.get("configmanagement.gke.io/managed") == "enabled"
    return f"Config Sync, {marks.notes.get('configsync.gke.io/manager', 'root')}" if managed else ""


def _fleet(marks: Marks) -> str:
    owner = marks.notes.get("objectset.rio.cattle.io/id")
    return f"Rancher, {owner}" if owner else ""


def _named(tool: str, labels: Texts, prefix: str) -> str:
    name = labels.get(f"{prefix}/name")
    namespace = labels.get(f"{prefix}/namespace")
    return f"{tool} {namespace}/{name}" if name and namespace else f"{tool} {name}" if name else ""


_TOOLS: tuple[Callable[[Marks], str], ...] = (
    _flux_kustomization,
    _flux_release,
    _argo,
    _helm,
    _kapp,
    _config_sync,
    _fleet,
)
"""A tool is one function and one row; each uses the marks by which the tool itself decides."""


def _texts(found: object) -> Texts:
    return found if isinstance(found, Mapping) else {}


def _writers(metadata: Mapping[str, Any]) -> str:
    return ", ".join(sorted(_managers(metadata))) or "an unknown field manager"


def _managers(metadata: Mapping[str, Any]) -> frozenset[str]:
    """Return the field managers of an object, but for those of its status."""
    entries = managed.entries({"metadata": metadata})
    return frozenset(str(entry.get("manager")) for entry in managed.direct(entries))
