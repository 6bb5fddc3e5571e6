"""Find the values of built objects that were encrypted in the files that the build read."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from towline.api import labels
from towline.fields import mask_text
from towline.fields.hidden.hidden_values import SecretTexts
from towline.render.sops import sealed_values
from towline.render.sops.decryption import SHORTEST, DecryptedValue
from towline.render.units.inputs import InputFile
from towline.render.units.unit_inputs import UnitInputs
from towline.render.variables import secrecy

_Place: TypeAlias = tuple[str, ...]

_IDENTITY = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


class HiddenPlaces:
    """Knows what was encrypted of the files of one unit.

    Texts of four characters and more are hidden wherever they land. Here are the places of the rest: values of a
    resource or patch, which stay in their fields; short ones, wherever they are the whole of a field; and whole files
    that a generator makes a field of.

    Args:
        read: the files of the unit.
    """

    def __init__(self, read: UnitInputs) -> None:
        self._texts = read.texts
        self._found = SecretTexts(self._texts)
        self._committed = tuple(read.committed.values())
        self._named = frozenset(_names(read))
        self._wholes = frozenset(_wholes(read))
        self._declared = tuple(_declared(read))

    def of(self, body: Any) -> frozenset[_Place]:
        """Return the places of an object that must be shown nowhere."""
        if not self._wholes and not self._declared:
            return frozenset()
        found = {place for place, value in secrecy.leaves(body) if self._is_whole(place, value)}
        for kind, name, places in self._declared:
            if kind == body.get("kind") and name in _name(body):
                found |= places
        return frozenset(found)

    def exposed(self, body: Any) -> _Place | None:
        """Return a place that names the object or tells Towline what to do, and holds what was encrypted; or None.

        Messages quote these. What the commit shows anyway, such as a name that is also a value, is no secret.
        """
        for place, value in secrecy.leaves(body) if self._texts else ():
            if _is_told(place) and self._found.are_in(str(value)):
                held = (each for each in self._texts if _holds(str(value), each))
                if any(not self._is_committed(each) for each in held):
                    return place
        return None

    def _is_whole(self, place: _Place, value: Any) -> bool:
        return place not in _IDENTITY and not isinstance(value, bool) and str(value) in self._wholes

    def _is_committed(self, text: str) -> bool:
        named = any(text in name for name in self._named)
        return named or any(text.encode() in content for content in self._committed)


def _holds(value: str, text: str) -> bool:
    return any(form in value for form in mask_text.written_forms(text))


def _is_told(place: _Place) -> bool:
    """Whether a place names the object, or tells Towline what to do with it."""
    return place in _IDENTITY or (
        place[:2] == ("metadata", "annotations") and place[-1].startswith(labels.PREFIX)
    )


def _wholes(read: UnitInputs) -> Iterator[str]:
    """Yield what is secret as the whole of a field: short values, and files whose content is a value."""
    for path, values in read.values.items():
        texts = [str(each.value) for each in values if _is_short(each)]
        if read.files[path].is_raw:
            texts.append(read.contents[path].decode("utf-8", "surrogateescape"))
        for text in texts:
            yield text
            yield base64.b64encode(sealed_values.hashed(text)).decode()


def _names(read: UnitInputs) -> Iterator[str]:
    """Yield what names the objects of encrypted files: it is shown, although it was encrypted with the rest."""
    for path in read.values:
        for _, _, body in read.files[path].objects:
            yield from (str(value) for place, value in secrecy.leaves(body) if place in _IDENTITY)


def _is_short(one: DecryptedValue) -> bool:
    return not isinstance(one.value, bool) and 0 < len(str(one.value)) < SHORTEST


def _declared(read: UnitInputs) -> Iterator[tuple[Any, str, frozenset[_Place]]]:
    """Yield kind, name and places of each object, or patch of one, that was encrypted."""
    for path, values in read.values.items():
        yield from _of_file(read.files[path], values)


def _of_file(
    file: InputFile, values: tuple[DecryptedValue, ...]
) -> Iterator[tuple[Any, str, frozenset[_Place]]]:
    for index, item, body in file.objects:
        inside = [each for each in values if each.document == index]
        places = secrecy.encrypted_places(inside, body, item)
        yield body.get("kind"), _name(body), places


def _name(body: Mapping[str, Any]) -> str:
    metadata = body.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""
