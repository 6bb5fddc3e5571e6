"""Turn the fields that other tools leave alone into `spec.ignoreFields`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from towline.api import ignoring

_PLAIN = re.compile(r"[\w.:-]*", re.ASCII)
_EQUAL = re.compile(r"\s*([\w./-]+)\s*==?\s*([\w.-]*)\s*", re.ASCII)
_JQ = re.compile(r'(?:\.[A-Za-z_]\w*|\.?\["[^"\\]*"\]|\.?\[\d+\])+', re.ASCII)
_JQ_STEP = re.compile(r'\.([A-Za-z_]\w*)|\.?\["([^"\\]*)"\]|\.?\[(\d+)\]', re.ASCII)


class PatternError(ValueError):
    """A selector is a pattern, and `spec.ignoreFields` has none."""


def of_selector(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return a selector of Kustomize as a target of `spec.ignoreFields`; its version is not needed.

    Raises:
        PatternError: it holds a regular expression, or selects by annotations.
    """
    found: dict[str, Any] = {}
    for name in ("group", "kind", "name", "namespace"):
        value = str(target.get(name) or "")
        if not _is_literal(value):
            raise PatternError(f"{name}: {value}")
        if value:
            found[name] = value
    if target.get("annotationSelector"):
        raise PatternError("annotationSelector")
    if selector := target.get("labelSelector"):
        found["labelSelector"] = {"matchLabels": labels(str(selector))}
    return found


def labels(selector: str) -> dict[str, str]:
    """Return a label selector of equalities as labels.

    Raises:
        PatternError: it holds another operator.
    """
    found = {}
    for term in selector.split(","):
        equal = _EQUAL.fullmatch(term)
        if not equal:
            raise PatternError(f"labelSelector: {selector}")
        found[equal[1]] = equal[2]
    return found


def of_jq(expression: str) -> str | None:
    """Return a jq path expression as a JSON pointer; None for one that is more than names and indices."""
    if not _JQ.fullmatch(expression):
        return None
    steps = (name or key or index for name, key, index in _JQ_STEP.findall(expression))
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)


def refused(pointers: Sequence[str]) -> dict[str, str]:
    """Return the pointers that `spec.ignoreFields` refuses, each with its reason."""
    found = {}
    for pointer in pointers:
        if not re.fullmatch(r"(/([^/~]|~[01])+)+", pointer):
            found[pointer] = "must be a JSON pointer such as /spec/replicas"
        for fault in ignoring.faults([{"target": {}, "fields": [pointer]}]):
            found[pointer] = fault.message
    return found


def _is_literal(value: str) -> bool:
    """Whether a regular expression can only mean its own text; a dot in a name is taken for a dot."""
    return bool(_PLAIN.fullmatch(value))
