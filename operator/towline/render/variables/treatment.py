"""Say what is done to the documents of a file before they are read as objects: decryption, then variables."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson

from towline.errors import Failure, Reason
from towline.fields import pointer
from towline.render.documents import Document
from towline.render.sops import decryption, file_kinds
from towline.render.sops.decryption import DecryptedValue, DecryptionError
from towline.render.sops.file_kinds import SOPS
from towline.render.sops.keyring import Keyring
from towline.render.variables.substitution import Substitution


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """The keys that decrypt what SOPS has encrypted, and the variables; None where there are none."""

    keys: Keyring | None = None
    substitution: Substitution | None = None

    def fingerprint(self, secret: bytes) -> str:
        """Return what a file that is remembered is known by besides its blob, empty where nothing is done to it.

        Args:
            secret: a key of the operator's own, without which nobody can check a guess at a value.
        """
        if self == UNTREATED:
            return ""
        keys = self.keys.fingerprint(secret) if self.keys else None
        given = self.substitution
        variables = None
        if given:
            variables = [dict(given.values), given.strict, given.types, sorted(given.secret_names)]
        told = orjson.dumps([keys, variables], option=orjson.OPT_SORT_KEYS)
        return hmac.new(secret, told, hashlib.sha256).hexdigest()


UNTREATED = Treatment()


def decrypted(
    file: str, found: tuple[Document, ...], keys: Keyring, line: Callable[..., int], *, whole: bool
) -> tuple[tuple[Document, ...], tuple[DecryptedValue, ...], list[Failure]]:
    """Return the documents of a file without encryption, every value that was encrypted, and what is wrong.

    Args:
        file: its path from the repository root.
        found: its documents.
        keys: the private keys.
        line: returns the line of a field, from the piece that its document was read from and the steps to it.
        whole: whether these are all documents. Otherwise, and where something is wrong, only those are returned that
            were never encrypted.
    """
    plain = tuple(document for document in found if not file_kinds.is_encrypted(document.value))
    if not whole:
        return plain, (), []
    try:
        _check_aliases(found)
        opened = decryption.decrypt([document.value for document in found], keys)
    except DecryptionError as error:
        failure = Failure(
            reason=Reason.BUILD_FAILED,
            message=error.message,
            file=file,
            line=line(found[error.document].piece, *error.path),
            field=pointer.join(error.path),
        )
        return plain, (), [failure]
    documents = tuple(replace(each, value=value) for each, value in zip(found, opened.documents, strict=True))
    return documents, tuple(replace(each, document=found[each.document].index) for each in opened.values), []


def _check_aliases(found: tuple[Document, ...]) -> None:
    for at, document in enumerate(found):
        if document.extents and file_kinds.is_encrypted(document.value):
            message = "an encrypted document has aliases, which SOPS never writes: encrypt it again with sops"
            raise DecryptionError(message, at, (SOPS,))
