"""Ranges of versions, as npm writes them and as tags are compared with them."""

from __future__ import annotations

import re

import semantic_version

_LEADING = re.compile(r"(^|\s)([<>=~^]*)\s*v?(?=[0-9xX*])")


def parse_range(text: str) -> semantic_version.NpmSpec:
    """Return an npm-style range; like npm, allow a `v` before a version and spaces behind an operator.

    Raises:
        ValueError: it is no such range.
    """
    return semantic_version.NpmSpec(_LEADING.sub(r"\1\2", text.strip()))
