"""Turn each announcement into a log line and an Event, and each status into metrics."""

from __future__ import annotations

from dataclasses import replace

from towline import log
from towline.api.gitrepository import GitRepository
from towline.fields.hidden.hidden_values import HiddenValues
from towline.metrics import Metrics
from towline.model import Key
from towline.notify.announcement import Announcement, Figures, Weight
from towline.notify.kube_events import KubeEvents

_log = log.logger(__name__)


class Announcer:
    """Sends announcements to the log, to Events and to the metrics.

    Args:
        events: posts Events.
        metrics: are set from each status.
        hidden: what no news may tell.
    """

    def __init__(self, events: KubeEvents, metrics: Metrics, hidden: HiddenValues | None = None) -> None:
        self._events = events
        self._metrics = metrics
        self._hidden = hidden or HiddenValues()

    async def announce(self, repository: GitRepository, news: Announcement) -> None:
        """Log one piece of news, and post it as an Event; an Event that is refused is dropped."""
        details = {name: self._hidden.whole(repository.key, each) for name, each in news.details.items()}
        news = replace(news, message=self._hidden.told(repository.key, news.message), details=details)
        say = _log.warning if news.weight is Weight.WARNING else _log.info
        say(
            news.event,
            repository=str(repository.key),
            reason=news.reason,
            message=news.message,
            **news.details,
        )
        await self._events.post(repository, news)

    def count(self, key: Key, figures: Figures) -> None:
        """Set the metrics from the status after a pass."""
        self._metrics.passes.labels(*key, figures.reason).inc()
        self._metrics.ready.labels(*key).set(figures.is_ready)
        self._metrics.objects.labels(*key).set(figures.declared)
        self._metrics.healthy.labels(*key).set(figures.healthy)
        self._metrics.drifted.labels(*key).set(figures.drifted)
