"""Decrypt whole files for tools that read them: YAML, JSON, dotenv, and anything else as SOPS wraps it in JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from towline.render import documents, dump
from towline.render.documents import DocumentErrors, Places, YamlLimits
from towline.render.sops import decryption, dotenv, file_kinds
from towline.render.sops.decryption import DecryptedValue, DecryptionError
from towline.render.sops.dotenv import DotenvError
from towline.render.sops.keyring import Keyring
from towline.render.split import FileFault

_INI = re.compile(rb"^\[sops\]", re.MULTILINE)


class EncryptedFileError(ValueError):
    """A file cannot be decrypted; `faults` say where, and quote no value."""

    def __init__(self, *faults: FileFault) -> None:
        super().__init__(f"line {faults[0].line}: {faults[0].message}")
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class DecryptedFile:
    """The content of a file without encryption, and every value that was encrypted.

    `documents` are its documents without encryption; none where it is neither YAML nor JSON by its ending.
    """

    content: bytes = field(repr=False)
    values: tuple[DecryptedValue, ...] = ()
    documents: tuple[Any, ...] = field(default=(), repr=False)


def is_encrypted(path: str, content: bytes, limits: YamlLimits) -> bool:
    """Whether SOPS has encrypted a file, whatever values it may quote besides."""
    if not file_kinds.may_be_encrypted(content):
        return False
    if file_kinds.is_dotenv(path, content):
        return file_kinds.has_dotenv_mark(content)
    if path.endswith(file_kinds.INI):
        return bool(_INI.search(content))
    try:
        read = documents.parse(content, limits)
    except DocumentErrors as error:
        read = error.documents
    return any(file_kinds.is_encrypted(each.value) for each in read)


def decrypted_file(path: str, content: bytes, keys: Keyring, limits: YamlLimits) -> DecryptedFile:
    """Return a file without encryption; one that is not encrypted stays as it is.

    What is YAML or JSON is written anew: its values are the same, its lines and comments are not.

    Args:
        path: where it is; its ending says how it is read, as with SOPS.
        content: its bytes.
        keys: the private keys.
        limits: how much of it is read.

    Raises:
        EncryptedFileError: it cannot be read or decrypted.
    """
    if not file_kinds.may_be_encrypted(content):
        return DecryptedFile(content=content)
    if file_kinds.is_dotenv(path, content):
        return _dotenv(content, keys)
    if path.endswith(file_kinds.INI):
        raise EncryptedFileError(
            FileFault(
                1, "INI files that SOPS has encrypted are not supported: write it as dotenv, YAML or JSON"
            )
        )
    return _documents(path, content, keys, limits)


def _dotenv(content: bytes, keys: Keyring) -> DecryptedFile:
    try:
        before = dotenv.read(content)
    except DotenvError as error:
        raise EncryptedFileError(error.fault) from error
    try:
        found = decryption.decrypt([before.document], keys, takes_bytes=True)
    except DecryptionError as error:
        first, *rest = error.path
        line = before.lines.get(f"sops_{rest[0]}" if first == "sops" and rest else first, 1)
        raise EncryptedFileError(FileFault(line, error.message)) from error
    return DecryptedFile(content=dotenv.written(before, found.documents[0]), values=found.values)


def _documents(path: str, content: bytes, keys: Keyring, limits: YamlLimits) -> DecryptedFile:
    try:
        read = documents.parse(content, limits)
    except DocumentErrors as error:
        raise EncryptedFileError(*error.faults) from error
    wrapped = not path.endswith((*file_kinds.YAML, file_kinds.JSON))
    try:
        found = decryption.decrypt([each.value for each in read], keys, takes_bytes=wrapped)
    except DecryptionError as error:
        places = Places(read[error.document].piece, limits, limits.room(len(content)))
        raise EncryptedFileError(FileFault(places.line(*error.path), error.message)) from error
    inside = () if wrapped else found.documents
    return DecryptedFile(content=_written(path, found.documents), values=found.values, documents=inside)


def _written(path: str, found: tuple[Any, ...]) -> bytes:
    if path.endswith(file_kinds.YAML):
        return "---\n".join(map(dump.written, found)).encode()
    if path.endswith(file_kinds.JSON):
        return b"\n".join(orjson.dumps(each, option=orjson.OPT_INDENT_2) for each in found) + b"\n"
    if len(found) == 1 and isinstance(found[0], dict) and isinstance(found[0].get("data"), str):
        return str(found[0]["data"]).encode("utf-8", "surrogateescape")
    raise EncryptedFileError(
        FileFault(
            1,
            "what SOPS has encrypted in a file of this name must be its whole content: give it the ending .yaml",
        )
    )
