"""Find what of a file the sops binary must open: documents that SOPS has encrypted together, as Python does not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from towline.render import documents
from towline.render.documents import Document, DocumentErrors, YamlLimits
from towline.render.sops import dotenv, file_kinds, metadata, recipients
from towline.render.sops.dotenv import DotenvError
from towline.render.sops.file_kinds import SOPS, FileKind

_TIME = b",type:time]"
_HINTS = re.compile(
    rb",type:time\]|pgp|kms|azure_kv|hc_vault|mac_only_encrypted|shamir_threshold|key_groups|comment_regex"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedGroup:
    """Documents of one file that have one message authentication code: their values, their text, and its kind."""

    documents: tuple[Mapping[str, Any], ...] = field(repr=False)
    content: bytes = field(repr=False)
    kind: FileKind

    @property
    def digest(self) -> str:
        """What tells these documents from all others."""
        return digest(self.documents)

    @property
    def titles(self) -> str:
        """For whom they are encrypted, as messages say it."""
        return recipients.titles(self.documents[0][SOPS])

    @property
    def lists(self) -> frozenset[str]:
        """For whom they are encrypted, by the names of SOPS."""
        return frozenset(name for one in self.documents for name, _ in recipients.entries(one[SOPS]))

    @property
    def feature(self) -> str:
        """What of it Python does not do, whatever keys there are; empty where there is nothing."""
        if _TIME in self.content:
            return "a value of the type time"
        return next(filter(None, (metadata.feature(one[SOPS]) for one in self.documents)), "")

    @property
    def age_keys(self) -> tuple[str, ...]:
        """The data key of the first document, sealed for recipients of age."""
        return metadata.sealed_for_age(self.documents[0][SOPS])


def digest(values: Sequence[Mapping[str, Any]]) -> str:
    """Return what tells documents, as Git has them, from all others."""
    return hashlib.sha256(repr(list(values)).encode("utf-8", "surrogateescape")).hexdigest()


def mac(document: Any) -> str | None:
    """Return the sealed code of a document; None where SOPS has not encrypted it."""
    return str(document[SOPS]["mac"]) if file_kinds.is_encrypted(document) else None


def may_need_the_binary(content: bytes) -> bool:
    """Whether a file may hold what Python does not decrypt, at the price of a look at its bytes."""
    return file_kinds.may_be_encrypted(content) and _HINTS.search(content) is not None


def groups(path: str, content: bytes, limits: YamlLimits) -> Iterator[SealedGroup]:
    """Yield what SOPS has encrypted in a file; none where it cannot be read, which is said elsewhere.

    Args:
        path: its ending says how it is read.
        content: its bytes.
        limits: how much of it is read.
    """
    if not file_kinds.may_be_encrypted(content) or path.endswith(file_kinds.INI):
        return
    if file_kinds.is_dotenv(path, content):
        yield from _dotenv(content)
        return
    try:
        found = documents.parse(content, limits)
    except DocumentErrors:
        return
    for code, members in groupby(found, key=lambda each: mac(each.value)):
        if code is not None:
            yield _group(path, tuple(members))


def _group(path: str, members: Sequence[Document]) -> SealedGroup:
    values = tuple(each.value for each in members)
    joined = "\n---\n".join(each.piece.text for each in members)
    return SealedGroup(documents=values, content=joined.encode(), kind=file_kinds.of_documents(path, values))


def _dotenv(content: bytes) -> Iterator[SealedGroup]:
    try:
        document = dotenv.read(content).document
    except DotenvError:
        return
    if file_kinds.is_encrypted(document):
        yield SealedGroup(documents=(document,), content=content, kind=FileKind.DOTENV)
