"""Find what only other tools would act on, such as hooks, with what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from towline.api import labels
from towline.model import Body

_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_BEFORE = frozenset({"presync", "pre-install", "pre-upgrade"})
_AFTER = frozenset({"postsync", "post-install", "post-upgrade"})
_ALWAYS = frozenset({"sync", "crd-install"})
_SOPS = frozenset({"mac", "version", "lastmodified"})


def is_encrypted(body: Body) -> bool:
    """Whether SOPS has encrypted a document: it leaves a map `sops` in it."""
    sops = body.get("sops")
    return isinstance(sops, Mapping) and not _SOPS.isdisjoint(sops)


def hooks(annotations: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the annotations that make an object a hook of another tool, each with what to write instead."""
    for name in _HOOKS:
        if name in annotations:
            way_out = _way_out(annotations[name])
            yield name, f"{name} is not supported yet, and the object would be applied at once: {way_out}"


def _way_out(value: object) -> str:
    kinds = {word.strip().lower() for word in str(value).split(",")}
    if kinds & _BEFORE:
        lines = f'{labels.WAVE}: "-1" and {labels.WAVE_GATE}: {labels.DIRECTIVES[labels.WAVE_GATE][0]}'
        return f"write {lines} instead, so that the rest waits for it, or name the file in spec.exclude"
    if kinds & _AFTER:
        return f'write {labels.WAVE}: "1" instead, so that it comes last, or name the file in spec.exclude'
    if kinds & _ALWAYS:
        return "remove the annotation"
    return "name the file in spec.exclude"
