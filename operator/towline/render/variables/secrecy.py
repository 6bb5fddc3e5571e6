"""Say what of an object must be shown nowhere, because it was encrypted or came from a Secret."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from towline.api import labels
from towline.errors import Reason
from towline.model import Hidden
from towline.render.sops import decryption
from towline.render.sops.decryption import SHORTEST, DecryptedValue
from towline.render.validate import Complaint
from towline.render.variables.substitution import Substitution, substituted

_STAND_IN = "T0wl1neHidesThis"
"""Is filled in where a secret value is, to find out what depends on it."""

_IDENTITY = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})

_Place: TypeAlias = tuple[str, ...]

_SHOWN = "a value that is secret is filled into {}, which is shown everywhere: write it there without that variable"


def secret_texts(substitution: Substitution | None, values: Iterable[DecryptedValue] = ()) -> frozenset[str]:
    """Return what must be shown nowhere, wherever it lands: decrypted values, and variables that a Secret has."""
    return _variable_texts(substitution) | decryption.texts(values)


def encrypted_places(values: Iterable[DecryptedValue], body: Any, item: int) -> frozenset[_Place]:
    """Return the places of an object whose values were encrypted.

    Args:
        values: those of its document.
        body: the object, decrypted.
        item: its index in a List, -1 where it is no item of one.
    """
    head = ("items", str(item)) if item >= 0 else ()
    inside = (each.path[len(head) :] for each in values if each.path[: len(head)] == head)
    return frozenset(_place(body, path) for path in inside)


def filled_places(body: Any, filled: Any, substitution: Substitution) -> frozenset[_Place]:
    """Return the places of an object whose values depend on variables that a Secret has.

    Args:
        body: the object as Git declares it.
        filled: the same with its variables filled in.
        substitution: the variables.
    """
    if body is filled or not substitution.secret_names:
        return frozenset()
    others = {**substitution.values, **dict.fromkeys(substitution.secret_names, _STAND_IN)}
    other, complaints = substituted(body, replace(substitution, values=others))
    return frozenset({()}) if complaints else frozenset(_differing(filled, other, ()))


def complaints(
    body: Any, filled: Any, places: frozenset[_Place], texts: frozenset[str]
) -> tuple[Complaint, ...]:
    """Refuse secret values in names of objects and fields, and in what tells Towline what to do: messages quote these.

    Args:
        body: the object before its variables were filled in.
        filled: the object.
        places: where its secret variables are.
        texts: what must be shown nowhere.
    """
    if body is filled:
        return ()
    keys = [path for path in _new_keys(filled, _keys(body), ()) if any(text in path[-1] for text in texts)]
    found = [Complaint(Reason.BUILD_FAILED, _SHOWN.format("the name of a field"), path[:-1]) for path in keys]
    found += [
        Complaint(Reason.BUILD_FAILED, _SHOWN.format(place[-1]), place)
        for place in sorted(places)
        if place in _IDENTITY
        or (place[:2] == ("metadata", "annotations") and place[-1].startswith(labels.PREFIX))
    ]
    return tuple(found[:1])


def transformed(body: Any, places: frozenset[_Place], texts: frozenset[str]) -> frozenset[str]:
    """Return the values at secret places that hold none of the texts: a variable was changed while it was filled in."""
    found = (
        str(value) for place, value in leaves(body) if not isinstance(value, bool) and _is_in(place, places)
    )
    return frozenset(
        each for each in found if len(each) >= SHORTEST and not any(text in each for text in texts)
    )


def hidden(places: frozenset[_Place], texts: frozenset[str]) -> Hidden | None:
    """Return what must be shown nowhere of an object; None where nothing."""
    return Hidden(places=places, texts=texts) if places or texts else None


def _variable_texts(substitution: Substitution | None) -> frozenset[str]:
    if substitution is None:
        return frozenset()
    values = {substitution.values[name] for name in substitution.secret_names}
    decoded = {plain for value in values if (plain := _decoded(value))}
    return frozenset(each for each in values | decoded if len(each) >= SHORTEST)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _is_in(place: _Place, places: frozenset[_Place]) -> bool:
    return any(place[:length] in places for length in range(len(place) + 1))


def _place(body: Any, path: _Place) -> _Place:
    steps = []
    for step in path:
        is_list = isinstance(body, list)
        steps.append("" if is_list else step)
        if is_list:
            body = body[int(step)] if step.isdigit() and int(step) < len(body) else None
        else:
            body = body.get(step) if isinstance(body, Mapping) else None
    return tuple(steps)


def _differing(one: Any, other: Any, place: _Place) -> Iterator[_Place]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() - other.keys():
            yield (*place, key)
        for key in one.keys() & other.keys():
            yield from _differing(one[key], other[key], (*place, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for left, right in zip(one, other, strict=True):
            yield from _differing(left, right, (*place, ""))
    elif one != other or type(one) is not type(other):
        yield place


def _keys(value: Any) -> frozenset[str]:
    return frozenset(path[-1] for path in _new_keys(value, frozenset(), ()))


def _new_keys(value: Any, known: frozenset[str], path: _Place) -> Iterator[_Place]:
    if isinstance(value, dict):
        for key, child in value.items():
            if key not in known:
                yield (*path, key)
            yield from _new_keys(child, known, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _new_keys(child, known, (*path, str(index)))


def leaves(value: Any, place: _Place = ()) -> Iterator[tuple[_Place, Any]]:
    """Yield the place and the value of every field of an object that is neither a map nor a list, nor null."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from leaves(child, (*place, key))
    elif isinstance(value, list):
        for child in value:
            yield from leaves(child, (*place, ""))
    elif value is not None:
        yield place, value
