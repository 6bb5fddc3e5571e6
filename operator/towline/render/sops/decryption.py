"""Decrypt the documents of a file that SOPS has encrypted, and check that nothing in them was changed since."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from towline.render.sops import metadata, opened_trees, sealed_groups, sealed_values
from towline.render.sops.file_kinds import SOPS
from towline.render.sops.keyring import Keyring
from towline.render.sops.metadata import MetadataError, SopsMetadata
from towline.render.sops.opened_groups import WRONG_MAC, OpenedGroup
from towline.render.sops.opened_trees import OpenedTree, OpenedTreeError
from towline.render.sops.sealed_values import Comment, SealedValueError

SHORTEST = 4
"""From this length on, a value is masked wherever it lands."""

_IDENTITY = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})

_VALUES = 300_000  # of one file


class DecryptionError(ValueError):
    """A document cannot be decrypted; `document` is its index, `path` leads to the field, `message` quotes no value."""

    def __init__(self, message: str, document: int, path: tuple[str, ...]) -> None:
        super().__init__(message)
        self.message = message
        self.document = document
        self.path = path


@dataclass(frozen=True, slots=True, kw_only=True)
class DecryptedValue:
    """One value that was encrypted: in which document of the file, where in it when decrypted, and what it is."""

    document: int
    path: tuple[str, ...]
    value: str | float | bool = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrypted:
    """The documents of a file without encryption, in their order, and every value that was encrypted."""

    documents: tuple[Any, ...] = field(repr=False)
    values: tuple[DecryptedValue, ...]


def texts(values: Iterable[DecryptedValue]) -> frozenset[str]:
    """Return what must be shown nowhere, wherever it lands: each text and number, and what it is the base64 of.

    Shorter ones are masked by their field alone, and the kind and the name of an object not at all: messages must stay
    readable.
    """
    found = {
        _shown(each.value)
        for each in values
        if not isinstance(each.value, bool) and _below_items(each.path) not in _IDENTITY
    }
    decoded = {plain for text in found if (plain := _decoded(text))}
    return frozenset(text for text in found | decoded if len(text) >= SHORTEST)


def _below_items(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the steps from an object to a field, where the object may be an item of a List."""
    return path[2:] if path[:1] == ("items",) else path


def _shown(value: str | float) -> str:
    """Return a value as objects hold it: bytes that are not text are in base64."""
    if sealed_values.is_binary(value):
        return base64.b64encode(sealed_values.hashed(value)).decode()
    return str(value)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def decrypt(documents: Sequence[Any], keys: Keyring, *, takes_bytes: bool = False) -> Decrypted:
    """Return the documents of a file, those decrypted that SOPS has encrypted.

    SOPS gives all documents that it encrypts together one message authentication code; so neighbours that have the
    same one are checked together.

    Args:
        documents: their values as YAML or JSON has them; they are not changed.
        keys: the private keys.
        takes_bytes: whether values may have bytes that are not UTF-8; they become lone surrogates.

    Raises:
        DecryptionError: no key opens a document, a value or the code does not fit, or something is not supported.
    """
    walk = _Decryption(takes_bytes=takes_bytes)
    plain: list[Any] = []
    for mac, members in groupby(enumerate(documents), key=lambda each: sealed_groups.mac(each[1])):
        if mac is None:
            plain.extend(document for _, document in members)
        else:
            plain.extend(_together(list(members), keys, walk))
    return Decrypted(documents=tuple(plain), values=tuple(walk.values))


def _together(members: Sequence[tuple[int, Any]], keys: Keyring, walk: _Decryption) -> list[Any]:
    """Decrypt the documents that have one code in common, and check it; the sops binary has done both."""
    opened_before = keys.known(sealed_groups.digest([document for _, document in members]))
    if opened_before:
        return walk.matched(members, opened_before)
    walk.begin()
    opened = [walk.document(_sealed(index, document, keys)) for index, document in members]
    last = _sealed(*members[-1], keys)
    try:
        code = str(sealed_values.opened(last.about.mac, last.key, last.about.modified))
    except SealedValueError:
        code = ""
    if hmac.compare_digest(code.encode(), walk.digest().encode()):
        return opened
    raise DecryptionError(WRONG_MAC, last.document, (SOPS, "mac"))


class _Sealed(NamedTuple):
    """One document that SOPS has encrypted, and its data key."""

    document: int
    content: Mapping[str, Any]
    about: SopsMetadata
    key: bytes


def _sealed(index: int, document: Mapping[str, Any], keys: Keyring) -> _Sealed:
    about = _about(index, document)
    key = keys.open(about.sealed_keys)
    if key is None:
        message = (
            f"no key in {keys.holder} (spec.decryption.secretRef) opens it: it is encrypted for "
            f"{', '.join(about.recipients)}; add the private key of one of them to the Secret, or run sops updatekeys "
            "for another recipient"
        )
        raise DecryptionError(message, index, (SOPS, "age"))
    content = {name: value for name, value in document.items() if name != SOPS}
    return _Sealed(index, content, about, key)


def _about(index: int, document: Mapping[str, Any]) -> SopsMetadata:
    try:
        return metadata.read(document[SOPS])
    except MetadataError as error:
        raise _unusable(error, index) from error


def _unusable(error: MetadataError, index: int) -> DecryptionError:
    return DecryptionError(str(error), index, (SOPS, error.field) if error.field else (SOPS,))


class _Decryption:
    """Decrypts one document after the other, and hashes what SOPS hashes."""

    def __init__(self, *, takes_bytes: bool) -> None:
        self.values: list[DecryptedValue] = []
        self.takes_bytes = takes_bytes
        self._hash = hashlib.sha512()
        self._left = _VALUES

    def begin(self) -> None:
        """Begin with documents that have a code of their own."""
        self._hash = hashlib.sha512()

    def digest(self) -> str:
        """Return the code of the documents since the last begin."""
        return self._hash.hexdigest().upper()

    def document(self, sealed: _Sealed) -> Any:
        """Return a document without encryption and without its map `sops`."""
        try:
            return _Opener(self, sealed).value(
                sealed.content, _Position((), (), ()), sealed=not sealed.about.match_is_encrypted
            )
        except MetadataError as error:
            raise _unusable(error, sealed.document) from error

    def matched(self, members: Sequence[tuple[int, Any]], opened: OpenedGroup) -> list[Any]:
        """Return documents as the sops binary has opened them.

        Raises:
            DecryptionError: it could not, or has read them otherwise.
        """
        first, _ = members[0]
        if opened.message:
            raise DecryptionError(opened.message, first, (SOPS,))
        if len(opened.documents) != len(members):
            raise DecryptionError(opened_trees.DIFFERS, first, (SOPS,))
        return [
            self._one_matched(index, document, plain)
            for (index, document), plain in zip(members, opened.documents, strict=True)
        ]

    def _one_matched(self, index: int, document: Mapping[str, Any], plain: Any) -> Any:
        content = {name: value for name, value in document.items() if name != SOPS}
        try:
            tree = OpenedTree(content, plain)
        except OpenedTreeError as error:
            raise DecryptionError(str(error), index, error.path) from error
        self.values += [DecryptedValue(document=index, path=path, value=value) for path, value in tree.values]
        return tree.document

    def count(self, index: int, path: tuple[str, ...]) -> None:
        """Count a value.

        Raises:
            DecryptionError: there are too many.
        """
        self._left -= 1
        if self._left < 0:
            raise DecryptionError(f"more than {_VALUES} values are encrypted: split the file", index, path)

    def add(self, value: Any) -> None:
        """Hash a value, which must not be a comment."""
        self._hash.update(sealed_values.hashed(value))


class _Position(NamedTuple):
    """Where a value is: in the encrypted document, in the decrypted one, and below which names.

    SOPS makes a comment in a list an item, so that the indexes differ; and it binds a value to the names of maps alone.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    names: tuple[str, ...]

    def entry(self, name: str) -> _Position:
        """Return the position of an entry of the map here."""
        return _Position((*self.source, name), (*self.target, name), (*self.names, name))

    def item(self, source: int, target: int) -> _Position:
        """Return the position of an item of the list here."""
        return _Position((*self.source, str(source)), (*self.target, str(target)), self.names)


class _Opener:
    """Decrypts one document; recursion is bounded by how deep documents may be nested."""

    def __init__(self, walk: _Decryption, sealed: _Sealed) -> None:
        self._walk = walk
        self._index = sealed.document
        self._key = sealed.key
        self._matches = sealed.about.test()
        self._match_is_encrypted = sealed.about.match_is_encrypted

    def value(self, value: Any, at: _Position, *, sealed: bool) -> Any:
        """Return a value without encryption; `sealed` says whether it is encrypted."""
        self._walk.count(self._index, at.source)
        if isinstance(value, Mapping):
            return {name: self._entry(name, each, at, sealed=sealed) for name, each in value.items()}
        if isinstance(value, list):
            return self._items(value, at, sealed=sealed)
        if value is None:
            return None
        found = self._opened(value, at) if sealed else value
        if not isinstance(found, Comment):
            self._walk.add(found)
        return found

    def _entry(self, name: str, value: Any, at: _Position, *, sealed: bool) -> Any:
        own = self._match_is_encrypted if self._matches(name) else sealed
        return self.value(value, at.entry(name), sealed=own)

    def _items(self, items: list[Any], at: _Position, *, sealed: bool) -> list[Any]:
        kept: list[Any] = []
        for index, item in enumerate(items):
            found = self.value(item, at.item(index, len(kept)), sealed=sealed)
            if not isinstance(found, Comment):
                kept.append(found)
        return kept

    def _opened(self, value: Any, at: _Position) -> Any:
        if value == "":
            return value
        try:
            found = sealed_values.opened(str(value), self._key, ":".join(at.names) + ":")
        except SealedValueError as error:
            raise DecryptionError(str(error), self._index, at.source) from error
        if sealed_values.is_binary(found) and not self._walk.takes_bytes:
            message = (
                "the decrypted value is not UTF-8 text, which YAML cannot hold: encrypt it in base64, as data"
            )
            raise DecryptionError(message, self._index, at.source)
        if not isinstance(found, Comment):
            self._walk.values.append(DecryptedValue(document=self._index, path=at.target, value=found))
        return found
