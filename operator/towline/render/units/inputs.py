"""Parse what a build reads, before its tool does: errors then have their file and line, and nothing can expand."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from towline.errors import Failure, Reason
from towline.render import documents, plain
from towline.render.documents import Document, DocumentErrors, Places, YamlLimits

_KEPT = 2 * 1024**2
"""Bytes of files that are kept parsed; these take some ten times as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One file that a build reads; a raw one, such as the file of a generator, has no documents."""

    path: str
    documents: tuple[Document, ...] = ()
    failures: tuple[Failure, ...] = ()
    size: int = 0
    is_raw: bool = False
    limits: YamlLimits = field(default_factory=YamlLimits, repr=False)

    def places(self, document: int) -> Places:
        """Return the lines of the fields of one of its documents."""
        return Places(self.documents[document].piece, self.limits, self.limits.room(self.size))

    @property
    def objects(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """The maps in it, with the index of their document and, of an item of a List, theirs; else that is -1."""
        for index, document in enumerate(self.documents):
            value = document.value
            items = value.get("items") if isinstance(value, dict) else None
            if isinstance(items, list) and str(value.get("kind")).endswith("List"):
                yield from ((index, at, item) for at, item in enumerate(items) if isinstance(item, dict))
            elif isinstance(value, dict):
                yield index, -1, value


def parsed(path: str, content: bytes, limits: YamlLimits) -> InputFile:
    """Read a file of YAML or JSON documents."""
    if plain.is_pointer(content):
        return replace(raw(path, content), is_raw=False)
    try:
        found = documents.parse(content, limits)
    except DocumentErrors as error:
        faults = (
            Failure(reason=Reason.BUILD_FAILED, message=one.message, file=path, line=one.line)
            for one in error.faults
        )
        return InputFile(path=path, failures=tuple(faults))
    return InputFile(path=path, documents=found, size=len(content), limits=limits)


def raw(path: str, content: bytes) -> InputFile:
    """Read a file whose content is a value."""
    if not plain.is_pointer(content):
        return InputFile(path=path, is_raw=True)
    message = "the file is a Git LFS pointer: commit the file itself"
    failure = Failure(reason=Reason.BUILD_FAILED, message=message, file=path, line=1)
    return InputFile(path=path, failures=(failure,), is_raw=True)


class InputReader:
    """Parses what builds read, and keeps what was read last: a graph, its build and its lines are of the same files.

    It may be asked from several threads.

    Args:
        limits: how much of a file is read.
        most: bytes of files that are kept.
    """

    def __init__(self, limits: YamlLimits, most: int = _KEPT) -> None:
        self.limits = limits
        self._most = most
        self._known: OrderedDict[tuple[str, bytes], tuple[InputFile, int]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def file(self, path: str, content: bytes, *, is_raw: bool) -> InputFile:
        """Return a file, parsed where it is not only a value."""
        if is_raw:
            return raw(path, content)
        key = path, hashlib.sha256(content).digest()
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key][0]
        found = parsed(path, content, self.limits)
        with self._lock:
            self._keep(key, found, len(content))
        return found

    def _keep(self, key: tuple[str, bytes], found: InputFile, size: int) -> None:
        if key in self._known or size > self._most:
            return
        self._known[key] = found, size
        self._size += size
        while self._size > self._most:
            self._size -= self._known.popitem(last=False)[1][1]
