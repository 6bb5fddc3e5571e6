"""Match texts with the `pattern` of a schema by RE2, whose syntax is that of the API server, in linear time.

Whoever writes a CRD may write a pattern for which a backtracking library would take years.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_MEMORY = 8 * 1024**2
"""Bytes for one pattern; the library searches more slowly, and still in linear time, where it would need more."""


def matches(pattern: str, value: str) -> bool:
    """Tell whether a part of a text matches; a pattern that is malformed or too large matches all."""
    compiled = _compiled(pattern)
    return compiled is None or bool(compiled.search(value))


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None
