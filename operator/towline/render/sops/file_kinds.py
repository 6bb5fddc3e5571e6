"""Tell what SOPS has encrypted, and as what it reads a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

SOPS = "sops"
"""The key under which SOPS writes what it needs to decrypt."""

YAML = (".yaml", ".yml")
JSON = ".json"
INI = ".ini"

_MARK = b"ENC[AES256_GCM,data:"
_DOTENV = re.compile(rb"^sops_mac=", re.MULTILINE)


class FileKind(StrEnum):
    """What the binary is told that a file is."""

    YAML = "yaml"
    JSON = "json"
    DOTENV = "dotenv"
    BINARY = "binary"


def may_be_encrypted(content: bytes) -> bool:
    """Whether a file holds a value that SOPS encrypted, at the price of one look at its bytes."""
    return _MARK in content


def is_encrypted(document: Any) -> bool:
    """Whether SOPS has encrypted a document: it leaves a map `sops` with a message authentication code in it."""
    return (
        isinstance(document, Mapping) and isinstance(document.get(SOPS), Mapping) and "mac" in document[SOPS]
    )


def has_dotenv_mark(content: bytes) -> bool:
    """Whether SOPS has encrypted a file of `NAME=value` lines."""
    return bool(_DOTENV.search(content))


def is_dotenv(path: str, content: bytes) -> bool:
    """Whether a file has lines of `NAME=value`: by its ending, or else by what SOPS wrote into it."""
    return path.endswith(".env") or (not path.endswith((*YAML, JSON, INI)) and has_dotenv_mark(content))


def of_documents(path: str, values: Sequence[Mapping[str, Any]]) -> FileKind:
    """Return what a file of documents is: SOPS wraps a file of any other kind in JSON, as its only value."""
    if path.endswith(JSON):
        return FileKind.JSON
    is_wrapped = len(values) == 1 and values[0].keys() == {"data", SOPS}
    return FileKind.BINARY if is_wrapped and not path.endswith(YAML) else FileKind.YAML
