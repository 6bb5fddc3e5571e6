"""Fetch the charts of one reading of a commit through the door of charts, at the digests that are pinned."""

from __future__ import annotations

from towline import log
from towline.api.gitrepository import Spec
from towline.api.pins import Pin
from towline.errors import Reason, SourceError
from towline.model import Key
from towline.reconcile.remotes.part_access import PartAccess
from towline.reconcile.remotes.pin_book import PinBook
from towline.source.helm_charts.chart_access import ChartAccess
from towline.source.helm_charts.chart_door import Charts
from towline.source.helm_charts.chart_name import ChartName

_log = log.logger(__name__)

_AWAY = frozenset({Reason.GIT_UNAVAILABLE, Reason.GIT_TIMEOUT})


class PinnedCharts:
    """Fetches charts.

    Args:
        key: the repository that is made of them.
        spec: its spec.
        charts: fetches and keeps them.
        access: knows their credentials.
        book: knows what was resolved before.
        asks: whether servers may be asked; else only what is here already can be read.
    """

    def __init__(  # noqa: PLR0913  for whom, by which door, and against which pins
        self, key: Key, spec: Spec, *, charts: Charts, access: PartAccess, book: PinBook, asks: bool
    ) -> None:
        self._key = key
        self._spec = spec
        self._charts = charts
        self._access = access
        self._book = book
        self._asks = asks
        self._fetched: dict[ChartName, bytes] = {}

    @property
    def allow_http(self) -> bool:
        """Whether urls may be without encryption."""
        return self._access.allow_http

    async def archive(self, chart: ChartName) -> bytes:
        """Return a packed chart, and note its pin.

        Raises:
            ChartNameError: there is no chart of this name and version.
            SourceError: its server could not be asked.
            ClusterError: its Secret, or the newest record, could not be read.
        """
        if chart not in self._fetched:
            access = await self._access.chart(self._key, self._spec, chart)
            pin = await self._book.known(chart.url, chart.version)
            self._fetched[chart] = await self._read(chart, access, pin)
        return self._fetched[chart]

    def settle(self) -> None:
        """Go on only where no version has moved, or a person has accepted it.

        Raises:
            SourceError: VerificationFailed.
        """
        self._book.settle()

    async def _read(self, chart: ChartName, access: ChartAccess, pin: Pin | None) -> bytes:
        kept = await self._charts.kept(pin.digest, access) if pin else None
        if not self._asks:
            if pin is None or kept is None:
                raise SourceError(Reason.GIT_UNAVAILABLE, f"{chart} is not here yet")
            self._book.note(pin)
            return kept
        try:
            promised = await self._charts.promised(chart, access, self._spec.timeout) if kept else ""
            if pin and kept and promised == pin.digest:
                self._book.note(pin)
                return kept
            found = await self._charts.fetch(chart, access, self._spec.timeout)
        except SourceError as error:
            if pin is None or kept is None or error.reason not in _AWAY:
                raise
            _log.warning("a server of a pinned chart is away", chart=str(chart), error=error.message)
            self._book.note(pin)
            return kept
        self._book.note(Pin(name=chart.url, ref=chart.version, resolved=found.resolved, digest=found.digest))
        return found.archive
