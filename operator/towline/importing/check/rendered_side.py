"""What a render comes to."""

from __future__ import annotations

from dataclasses import dataclass

from towline.model import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedSide:
    """The objects that one side renders, or why it renders none."""

    objects: tuple[Body, ...] = ()
    errors: tuple[str, ...] = ()
