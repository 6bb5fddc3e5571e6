"""The field paths of the API server's messages, turned into JSON pointers.

Two spellings occur: by index in 422 (`spec.ports[1].port`, `data[tls.key]`), by key in 409 and 500
(`.spec.containers[name="c1"].image`, `.metadata.finalizers["x"]`). In the second a map key stands bare, dots
and all, so only the object itself tells where it ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from towline.fields import pointer
from towline.model import Body

_FEW = 32
"""Places at which a key may end that are all tried; of more, only those that are as long as a key."""

_ENDS = re.compile(r"[.\[]")
_BARE = re.compile(r"[^.\[]+")
_BRACKET = re.compile(r'\[((?:"(?:[^"\\]|\\.)*"|[^\]"])*)\]')
_KEY = re.compile(r'([^=,\s]+)=("(?:[^"\\]|\\.)*"|[^,]*)')


def to_pointer(path: str, body: Body) -> str:
    """Return the JSON pointer into `body` that `path` means.

    It goes on below `body` only by map keys (a required field that is missing), and ends at the list whose
    item cannot be told. Empty where `path` is no path.
    """
    steps: list[str] = []
    here: object = body
    rest = path
    while rest:
        step, rest = _next(rest, here)
        if not step:
            break
        steps.append(step)
        here = pointer.child(here, step)
    return pointer.join(steps)


def without(body: Body, path: str) -> Body:
    """Return `body` without the map key that a JSON pointer ends at; `body` itself where there is none."""
    steps = pointer.split(path)
    slim: Body = _without(body, steps) if steps else body
    return slim


def _without(here: Any, steps: Sequence[str]) -> Any:
    step, rest = steps[0], steps[1:]
    if isinstance(here, Mapping) and step in here:
        if not rest:
            return {key: value for key, value in here.items() if key != step}
        below = _without(here[step], rest)
        return here if below is here[step] else {**here, step: below}
    if isinstance(here, list) and rest and (index := pointer.place(here, step)) is not None:
        below = _without(here[index], rest)
        return here if below is here[index] else [*here[:index], below, *here[index + 1 :]]
    return here


def _next(rest: str, here: object) -> tuple[str, str]:
    """Take one step off a path: the key or index it means in `here`, empty where unknown, and the rest."""
    if bracket := _BRACKET.match(rest):
        return _item(bracket.group(1), here), rest[bracket.end() :]
    rest = rest.removeprefix(".")
    if isinstance(here, Mapping):
        ends = [len(rest), *(end.start() for end in reversed(tuple(_ENDS.finditer(rest))))]
        if len(ends) > _FEW:
            lengths = {len(key) for key in here}
            ends = [end for end in ends if end in lengths]
        key = next((rest[:end] for end in ends if end and rest[:end] in here), None)
        if key is not None:
            return key, rest[len(key) :]
    bare = _BARE.match(rest)
    if bare is None or isinstance(here, list) or bare.group() == "<nil>":
        return "", ""
    return bare.group(), rest[bare.end() :]


def _item(inside: str, here: object) -> str:
    """Say which item of a list, or which key of a map, the text between brackets means."""
    if isinstance(here, Mapping):
        return _value(inside) if inside.startswith('"') else inside
    if not isinstance(here, list):
        return ""
    if inside.isascii() and inside.isdigit():
        return "" if pointer.place(here, inside) is None else inside
    return _keyed(inside, here)


def _keyed(inside: str, items: Sequence[object]) -> str:
    """Find the item with the given keys, or the given value; a key that an item leaves out is a default."""
    pairs = [(key, _value(text)) for key, text in _KEY.findall(inside)]
    if not pairs:
        wanted = _value(inside.removeprefix("="))
        return next((str(index) for index, item in enumerate(items) if _spelt(item) == wanted), "")
    for index, item in enumerate(items):
        if isinstance(item, Mapping) and all(_spelt(item.get(key, value)) == value for key, value in pairs):
            return str(index)
    return ""


def _value(text: str) -> str:
    try:
        return _spelt(json.loads(text))
    except ValueError:
        return text


def _spelt(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
