"""Unpack the archive of a chart in memory: no path leads out of it, and small archives cannot become large files."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping

_ARCHIVE_BYTES = 64 * 1024**2
_FILE_BYTES = 8 * 1024**2
_FILES = 5000
_PATH = 1024


class ChartArchiveError(ValueError):
    """An archive is refused; the message says why, to follow the name of the chart."""


def unpack(content: bytes) -> Mapping[str, bytes]:
    """Return the files of a chart, by their paths from its folder.

    Raises:
        ChartArchiveError: it is damaged, is no chart, holds links or paths that lead out, or is larger than it may be.
    """
    inflated = _inflated(content)
    files: dict[str, bytes] = {}
    folders: set[str] = set()
    try:
        with tarfile.open(fileobj=io.BytesIO(inflated), mode="r:") as archive:
            for path, member in _members(archive):
                folder, _, below = path.partition("/")
                folders.add(folder)
                reader = archive.extractfile(member)
                if below in files or reader is None:
                    raise ChartArchiveError(f"holds {_shown(path)} twice")
                files[below] = reader.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ChartArchiveError("is damaged") from error
    if len(folders) != 1 or "Chart.yaml" not in files:
        raise ChartArchiveError("is not a chart: it must hold one folder with Chart.yaml")
    return files


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Yield the files of an archive with their paths; anything that is neither file nor folder is refused."""
    count = 0
    for member in archive:
        count += 1
        path = member.name.removeprefix("./")
        steps = path.split("/")
        if count > _FILES:
            raise ChartArchiveError(f"holds more than {_FILES} files")
        if member.isdir():
            continue
        if not member.isfile():
            raise ChartArchiveError(f"holds {_shown(path)}, which is neither a file nor a folder")
        if path.startswith("/") or "\\" in path or {"..", ".", ""} & set(steps) or len(steps) < 2:
            raise ChartArchiveError(f"holds {_shown(path)}, which leads out of its folder")
        if len(path) > _PATH or not path.isprintable():
            raise ChartArchiveError(
                f"holds a file with a name that is too long, or cannot be printed ({_shown(path)})"
            )
        if member.size > _FILE_BYTES:
            raise ChartArchiveError(f"holds {_shown(path)}, which has more than {_FILE_BYTES} bytes")
        yield path, member


def _inflated(content: bytes) -> bytes:
    """Unpack gzip up to a limit: what is small may become as large as it likes."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        found = inflater.decompress(content, _ARCHIVE_BYTES + 1)
    except zlib.error as error:
        raise ChartArchiveError("is not a packed chart (.tgz)") from error
    if len(found) > _ARCHIVE_BYTES:
        raise ChartArchiveError(f"holds more than {_ARCHIVE_BYTES} bytes")
    if not inflater.eof:
        raise ChartArchiveError("is cut off")
    return found


def _shown(path: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in path[:100])
