"""Fetch charts, check their digests, and keep the archives: what is kept is not asked for again."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from towline import log
from towline.errors import Reason, SourceError
from towline.source import disk
from towline.source.helm_charts import helm_repository, oci_registry
from towline.source.helm_charts.chart_access import ChartAccess
from towline.source.helm_charts.chart_http import ChartHttp
from towline.source.helm_charts.chart_name import ChartName

_log = log.logger(__name__)

_KEPT_BYTES = 256 * 1024**2
_HIDDEN = frozenset(
    {Reason.GIT_UNAVAILABLE, Reason.GIT_TIMEOUT, Reason.TLS_VERIFY_FAILED, Reason.ACCESS_DENIED}
)
_VEIL = (
    "no chart could be read there: the host may not exist, have an address that is refused, not answer in time, show"
    " another certificate than expected, or not be a server of charts; check the address, then ask the administrator of"
    " the operator, whose log says which"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedChart:
    """A packed chart, its digest (`sha256:…`), and where it came from."""

    archive: bytes
    digest: str
    resolved: str


class Charts:
    """Fetches charts, for all repositories.

    Args:
        folder: where archives are kept, below it in `charts`.
        http: asks servers.
        key: makes the names of the files, so that nobody can tell by them what is there.
        discreet: whether errors hide in which way a server could not be used; the log does not.
    """

    def __init__(self, folder: Path, http: ChartHttp, key: bytes = b"", *, discreet: bool = False) -> None:
        self._folder = folder / "charts"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._http = http
        self._key = key
        self._is_discreet = discreet

    async def fetch(self, chart: ChartName, access: ChartAccess, seconds: float) -> FetchedChart:
        """Return a chart as its server has it now.

        Raises:
            ChartNameError: there is none of this name and version.
            SourceError: the server could not be asked, or contradicts itself.
        """
        door = oci_registry if chart.is_oci else helm_repository
        with self._veiled(chart):
            found, promised = await door.fetch(self._http, chart, access, seconds)
        digest = await asyncio.to_thread(lambda: hashlib.sha256(found.content).hexdigest())
        if promised and promised != digest:
            message = (
                f"{chart}: the archive has the digest sha256:{digest}, and its server says sha256:{promised}: nothing"
                " of it is used; have the chart published again"
            )
            raise SourceError(Reason.GIT_OBJECT_INVALID, message)
        fetched = FetchedChart(archive=found.content, digest=f"sha256:{digest}", resolved=found.resolved)
        await asyncio.to_thread(self._keep, self._path(access, fetched.digest), found.content)
        return fetched

    async def promised(self, chart: ChartName, access: ChartAccess, seconds: float) -> str:
        """Return the digest that a server says a chart has now, without fetching it; empty where it says none.

        Raises:
            ChartNameError: there is none of this name and version.
            SourceError: the server could not be asked.
        """
        door = oci_registry if chart.is_oci else helm_repository
        with self._veiled(chart):
            found = await door.promised(self._http, chart, access, seconds)
        return f"sha256:{found}" if found else ""

    async def kept(self, digest: str, access: ChartAccess) -> bytes | None:
        """Return an archive that these credentials have fetched before; None where it is not kept."""
        return await asyncio.to_thread(self._read, self._path(access, digest), digest)

    def _path(self, access: ChartAccess, digest: str) -> Path:
        return self._folder / f"{disk.name(f'{access.identity} {digest}', self._key)}.tgz"

    def _read(self, path: Path, digest: str) -> bytes | None:
        try:
            content = path.read_bytes()
            if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
                return None
            os.utime(path)
        except OSError:
            return None
        return content

    def _keep(self, path: Path, content: bytes) -> None:
        """Write an archive, and delete those that were not used for longest; a full disk only costs requests."""
        try:
            whole = path.with_suffix(f".{os.getpid()}")
            whole.write_bytes(content)
            whole.replace(path)
            files = sorted(self._folder.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
            size = 0
            for each in files:
                size += each.stat().st_size
                if size > _KEPT_BYTES and each != path:
                    each.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("a chart cannot be kept in the data folder", error=str(error))

    @contextmanager
    def _veiled(self, chart: ChartName) -> Iterator[None]:
        """Hide in which way a server could not be used, where the network is to stay unknown."""
        try:
            yield
        except SourceError as error:
            if not self._is_discreet or error.reason not in _HIDDEN:
                raise
            _log.warning(
                "a server of charts could not be used",
                chart=str(chart),
                reason=error.reason,
                error=error.message,
            )
            raise SourceError(Reason.GIT_UNAVAILABLE, f"{chart}: {_VEIL}") from error
