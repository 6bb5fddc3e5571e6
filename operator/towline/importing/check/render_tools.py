"""The binaries that render, and what a render comes to."""

from __future__ import annotations

from dataclasses import dataclass

from towline.model import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderTools:
    """The binaries that build units; those that are empty are looked for on PATH."""

    kustomize: str = ""
    helm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedSide:
    """The objects that one side renders, or why it renders none; `skipped` says why it was not tried."""

    objects: tuple[Body, ...] = ()
    errors: tuple[str, ...] = ()
    skipped: str = ""
