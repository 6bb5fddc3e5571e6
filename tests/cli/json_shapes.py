"""Check the shape of what a command prints as JSON: which keys it has, in which order, and of which types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Shape: TypeAlias = Mapping[str, tuple[type, ...]]

TEXT: tuple[type, ...] = (str,)
LIST: tuple[type, ...] = (list,)
NULL = type(None)
MAYBE_TEXT: tuple[type, ...] = (str, NULL)


def misshapen(value: Mapping[str, Any], shape: Shape, extra: Shape | None = None) -> list[str]:
    """Name the keys that are missing, unknown, or of another type; those of `extra` may be missing."""
    allowed = {**shape, **(extra or {})}
    wrong = [f"{key} is missing" for key in shape if key not in value]
    wrong += [f"{key} is unknown" for key in value if key not in allowed]
    return wrong + [
        f"{key} is {type(found).__name__}"
        for key, found in value.items()
        if key in allowed and type(found) not in allowed[key]
    ]
