"""Know what kustomize appends to the names of what it generates, so that its content is part of its name."""

from __future__ import annotations

import re

_HASH = re.compile(r"-[2456789bcdfghkmt]{10}$")
"""Ten digits of a hash, in letters that spell no words."""


def is_hashed(name: str) -> bool:
    """Tell whether a name ends as that of a generated object does."""
    return _HASH.search(name) is not None


def unhashed(name: str) -> str:
    """Return a name without the hash that may be at its end."""
    return _HASH.sub("", name)
