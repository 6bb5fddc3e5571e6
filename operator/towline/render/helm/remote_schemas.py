"""Find references to other documents in the schemas of values: Helm would fetch or read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from towline import text
from towline.errors import Failure, Reason
from towline.render.helm.chart_parts import ChartPart

_SCHEMA = "values.schema.json"
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_KNOWN = re.compile(r"https?://json-schema\.org/(?:draft(?:-0[467]|/2019-09|/2020-12)/)?schema#?")
"""The dialects that Helm has with it."""

_SHOWN = 200


def failures(parts: Sequence[ChartPart]) -> Iterator[Failure]:
    """Yield each reference of a schema that leads out of its file."""
    for part in parts:
        content = part.files.get(_SCHEMA)
        if content is None:
            continue
        try:
            schema = json.loads(content)
        except (ValueError, RecursionError):
            continue  # Helm says what is wrong with it
        for name, reference in dict.fromkeys(_outward(schema)):
            shown = text.printable(reference, _SHOWN)
            message = f"a remote {name} is refused ({shown}): copy the schema that it names into this file"
            yield Failure(
                reason=Reason.BUILD_FAILED,
                message=message,
                file=f"{part.folder}{_SCHEMA}",
                line=_line(content, name, reference),
            )


def _outward(schema: Any) -> Iterator[tuple[str, str]]:
    todo = [schema]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += one
        elif isinstance(one, dict):
            todo += one.values()
            for name in _REFERENCES:
                if isinstance(one.get(name), str) and not one[name].startswith("#"):
                    yield name, one[name]
            if isinstance(one.get("$schema"), str) and not _KNOWN.fullmatch(one["$schema"]):
                yield "$schema", one["$schema"]


def _line(content: bytes, name: str, reference: str) -> int:
    """Return the line of a reference; of one that is written with escapes, the first of the file."""
    whole = content.decode("utf-8", "replace")
    found = re.search(rf'"{re.escape(name)}"\s*:\s*"{re.escape(reference)}"', whole)
    return whole.count("\n", 0, found.start()) + 1 if found else 1
