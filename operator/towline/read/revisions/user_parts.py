"""Open what commits build on elsewhere by the operator's own code, with the network, git and rights of a user."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from towline import settings
from towline.api.gitrepository import Spec
from towline.api.pins import Pin
from towline.api.remoting import RemotePolicy
from towline.errors import ApiError
from towline.kube.client import Client
from towline.model import Key
from towline.read.revisions.user_mirrors import UserMirrors
from towline.reconcile.remotes import part_access
from towline.reconcile.remotes.chart_pins import PinnedCharts
from towline.reconcile.remotes.part_access import PartAccess
from towline.reconcile.remotes.pin_book import PinBook, Recorded
from towline.reconcile.remotes.pinned_bases import PinnedBases
from towline.reconcile.remotes.remote_parts import PinnedParts
from towline.shares.pools import Pools
from towline.source import access
from towline.source.access import Remote
from towline.source.helm_charts import chart_access
from towline.source.helm_charts.chart_access import ChartAccess
from towline.source.helm_charts.chart_door import Charts
from towline.source.helm_charts.chart_http import ChartHttp
from towline.source.helm_charts.chart_name import ChartName


class UserPartAccess(PartAccess):
    """Finds how one user asks for remote parts: Git by their own git, charts with the Secrets that they may read.

    Args:
        client: reads the Secrets; None without a cluster.
        notes: is told what the user may not read.
    """

    def __init__(self, client: Client | None, notes: list[str]) -> None:
        self.allow_http = True
        self._reader = client
        self._notes = notes
        if client:
            super().__init__(client, allow_http=True, own_keys=("", ""), require_bound=False)

    async def remote(self, key: Key, spec: Spec, url: str) -> Remote:
        """Return a Git repository; its credentials are those that the user's git has.

        Raises:
            RemoteRefusedError: the url.
        """
        del key, spec
        with part_access.translated():
            return Remote(url=access.check_url(url, allow_http=True, has_secret=False))

    async def chart(self, key: Key, spec: Spec, chart: ChartName) -> ChartAccess:
        """Return how the server of a chart is asked: without credentials, where the user may not read them.

        Raises:
            SourceError: the credentials.
            ClusterError: the Secret could not be read.
        """
        try:
            if self._reader:
                return await super().chart(key, spec, chart)
        except ApiError as error:
            if error.code != 403:
                raise
            self._notes.append(
                f"you may not read the Secret for {chart.url} (spec.remotes): its server is asked without credentials"
            )
        return chart_access.of(chart.url.replace("oci://", "https://", 1), "", None)


async def _nothing_recorded() -> tuple[Pin, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserParts:
    """What one repository builds on elsewhere.

    Attributes:
        key: the repository.
        uid: its uid.
        spec: its spec.
        pins: what its names were resolved to, as its status or a record says.
        recorded: returns that of records, where the status has lost it.
        accepted: the token by which a person has accepted that some of these have moved.
        client: reads the Secrets of its servers; None without a cluster.
        offline: whether no server is asked.
        notes: what the user may not read, in sentences for them.
    """

    key: Key
    uid: str = ""
    spec: Spec
    pins: tuple[Pin, ...] = ()
    recorded: Recorded = _nothing_recorded
    accepted: str = ""
    client: Client | None = None
    offline: bool = False
    notes: list[str] = field(default_factory=list)

    def begin(self, *, was_applied: bool) -> PinnedParts | None:
        """Return what opens the remote parts of one reading; None where the spec refuses them.

        Args:
            was_applied: whether tags are what they were when that was; else their servers say what they are now.
        """
        if self.spec.remote is not RemotePolicy.PINNED:
            return None
        cache = settings.cache_folder(os.environ).parent
        door = Charts(cache, ChartHttp(Pools.here(), None, allow_http=True))
        book = PinBook(self.key, self.uid, self.pins, self.accepted, self.recorded)
        known = UserPartAccess(self.client, self.notes)
        charts = PinnedCharts(
            self.key, self.spec, charts=door, access=known, book=book, asks=not self.offline
        )
        mirrors = UserMirrors(cache=cache / "git", environment=dict(os.environ), offline=self.offline)
        bases = PinnedBases(
            self.key,
            self.spec,
            mirrors=mirrors,
            access=known,
            charts=charts,
            book=book,
            asks=not (was_applied or self.offline),
        )
        return PinnedParts(bases=bases, charts=charts, book=book)
