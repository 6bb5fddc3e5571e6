"""Read and write what a person asks of a GitRepository by an annotation: a value that may end in `, by=<user>`.

Whoever may write the annotation may write any name into it, so it is a claim.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from towline import text
from towline.api import labels

BYTES = 200
"""How long the value of `labels.RECONCILE` may be: the status holds no more of it."""

_BY = re.compile(r"[ \t]*,[ \t]*by=", re.IGNORECASE)
"""The chart's admission policy finds it by the same rule: no space but those two counts."""


def token(annotations: Mapping[str, str], name: str) -> str:
    """Return what an annotation asks for, without who asked; empty where it is not there."""
    return _BY.split(annotations.get(name, ""), maxsplit=1)[0].strip()


def by(annotations: Mapping[str, str], name: str) -> str:
    """Return who asked, as the annotation claims; empty where it says nothing."""
    _, *names = _BY.split(annotations.get(name, ""), maxsplit=1)
    return text.printable(names[0], BYTES) if names else ""


def written(asked: str, user: str) -> str:
    """Return the value of an annotation by which `user` asks for something; one that is too long names nobody."""
    value = f"{asked}, by={text.printable(user)}" if user else asked
    return value if len(value.encode()) <= BYTES else asked


def is_handled(annotations: Mapping[str, str], status: Mapping[str, object]) -> bool:
    """Tell whether the operator has looked as `labels.RECONCILE` asks; True where it asks for nothing."""
    asked = text.printable(annotations.get(labels.RECONCILE, ""), BYTES)
    return not asked or status.get("lastHandledReconcile") == asked
