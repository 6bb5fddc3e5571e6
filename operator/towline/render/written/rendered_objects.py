"""Turn the objects that a tool has made into manifests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import orjson

from towline import text
from towline.errors import Failure, Reason
from towline.model import Manifest, Origin
from towline.render.anchors import unhurried
from towline.render.validate import Complaint
from towline.render.variables import secrecy
from towline.render.variables.substitution import Substitution
from towline.render.written import written_object
from towline.render.written.written_object import DeclaredLine, Fill, WrittenObject

_RENDERED_BYTES = 32 * 1024**2
"""JSON that the objects of one unit may have, once their variables are filled in."""
_RENDERED = (
    f"up to here, the objects of this unit have more than {text.size(_RENDERED_BYTES)} of JSON: split it, or use "
    "shorter values of variables"
)
_FAILURES = 1000  # of one unit


class RenderedObject(NamedTuple):
    """One object that a tool has made, as JSON.

    `origin` declares it; `places` in it are secret; `lines` are those of its fields with variables, as far as they are
    in the file that declares it.
    """

    content: bytes
    origin: Origin
    places: frozenset[tuple[str, ...]] = frozenset()
    lines: Mapping[tuple[str, ...], int] = MappingProxyType({})


def rendered_objects(
    made: Iterable[RenderedObject],
    substitution: Substitution | None = None,
    texts: frozenset[str] = frozenset(),
) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Return the objects that a tool has made, and what is wrong with them.

    Args:
        made: what it made, each with the place that declares it.
        substitution: the variables that are filled into them.
        texts: what of the files that the tool read must be shown nowhere.
    """
    good: list[Manifest] = []
    failures: list[Failure] = []
    known = texts | secrecy.secret_texts(substitution)
    left = _RENDERED_BYTES
    for each in made:
        declared = DeclaredLine(each.origin.line, each.lines)
        one = WrittenObject(orjson.loads(each.content), each.origin, None, declared, None)
        outcome = written_object.filled(one, Fill(substitution, each.places, known), unhurried)
        if isinstance(outcome, Manifest):
            good.append(outcome)
            left -= len(outcome.content)
        elif len(failures) < _FAILURES:
            failures.extend(outcome)
        if left < 0:
            failures.append(written_object.failure(one, Complaint(Reason.BUILD_FAILED, _RENDERED)))
            break
    return tuple(good), written_object.told(failures, known)
