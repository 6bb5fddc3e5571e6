"""Look into the packed charts that a chart has in `charts/`, as far as that is needed to know what it does."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Mapping

_ARCHIVE_BYTES = 32 * 1024**2
_FILE_BYTES = 5 * 1024**2
_FILES = 5000
"""Of what one archive holds when unpacked."""


class ArchiveError(ValueError):
    """An archive cannot be read; the message says why."""


def unpacked(content: bytes) -> Mapping[str, bytes]:
    """Return the files of a packed chart, by their paths from its folder.

    Raises:
        ArchiveError: it is damaged, or larger than it may be.
    """
    files: dict[str, bytes] = {}
    left = _ARCHIVE_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(_inflated(content)), mode="r:") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                left -= member.size
                if left < 0 or member.size > _FILE_BYTES or len(files) >= _FILES:
                    raise ArchiveError("holds more than a packed chart may")
                reader = archive.extractfile(member)
                _, _, path = member.name.removeprefix("./").partition("/")
                if reader and path:
                    files[path] = reader.read()
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError("is not a packed chart, or is damaged") from error
    return files


def _inflated(content: bytes) -> bytes:
    """Unpack gzip up to a limit: what is small may become as large as it likes."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        found = inflater.decompress(content, _ARCHIVE_BYTES + 1024**2)
    except zlib.error as error:
        raise ArchiveError("is not a packed chart, or is damaged") from error
    if inflater.unconsumed_tail:
        raise ArchiveError("holds more than a packed chart may")
    return found
