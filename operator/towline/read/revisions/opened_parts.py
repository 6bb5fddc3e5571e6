"""Open what commits build on elsewhere by the operator's own code, with the network, git and rights of a user."""

from __future__ import annotations

import os

from towline import settings
from towline.api.gitrepository import Spec
from towline.errors import ApiError
from towline.kube.client import Client
from towline.model import Key
from towline.read.revisions.user_mirrors import UserMirrors
from towline.read.revisions.user_parts import UserParts
from towline.reconcile.remotes import part_access
from towline.reconcile.remotes.chart_pins import PinnedCharts
from towline.reconcile.remotes.part_access import PartAccess
from towline.reconcile.remotes.pin_book import PinBook
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


def opened(parts: UserParts, *, was_applied: bool) -> PinnedParts:
    """Return what opens the remote parts of one reading; see `UserParts.begin`."""
    cache = settings.cache_folder(os.environ).parent
    book = PinBook(parts.key, parts.uid, parts.pins, parts.accepted, parts.recorded)
    known = UserPartAccess(parts.client, parts.notes)
    charts = PinnedCharts(
        parts.key,
        parts.spec,
        charts=Charts(cache, ChartHttp(Pools.here(), None, allow_http=True)),
        access=known,
        book=book,
        asks=not parts.offline,
    )
    bases = PinnedBases(
        parts.key,
        parts.spec,
        mirrors=UserMirrors(cache=cache / "git", environment=dict(os.environ), offline=parts.offline),
        access=known,
        charts=charts,
        book=book,
        asks=not (was_applied or parts.offline),
    )
    return PinnedParts(bases=bases, charts=charts, book=book)
