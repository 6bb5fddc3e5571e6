"""Count what Towline reports to Prometheus, in one object that is made at the start."""

from __future__ import annotations

from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from towline.errors import Reason


class Metrics:
    """Counters and gauges for Prometheus; label values are names of resources and words of the contract, no more."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        names = ("namespace", "name")
        self.passes = Counter(
            "towline_passes",
            "Reconciliations of a repository, by how they ended",
            (*names, "reason"),
            registry=self.registry,
        )
        self.pass_seconds = Histogram(
            "towline_pass_seconds",
            "Duration of a reconciliation",
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300),
            registry=self.registry,
        )
        self.objects = Gauge(
            "towline_objects", "Objects that a repository declares", names, registry=self.registry
        )
        self.drifted = Gauge(
            "towline_objects_drifted",
            "Objects of a repository that differ from what was applied",
            names,
            registry=self.registry,
        )
        self.healthy = Gauge(
            "towline_objects_healthy",
            "Objects of a repository that are ready",
            names,
            registry=self.registry,
        )
        self.ready = Gauge(
            "towline_ready", "1 where Ready is True, 0 where it is not", names, registry=self.registry
        )

    def forget(self, namespace: str, name: str) -> None:
        """Drop the figures of a repository that is gone, so that they do not add up for ever."""
        for gauge in (self.objects, self.drifted, self.healthy, self.ready):
            with suppress(KeyError):
                gauge.remove(namespace, name)
        for reason in Reason:
            with suppress(KeyError):
                self.passes.remove(namespace, name, reason)

    def exposition(self) -> bytes:
        """Render the text format that Prometheus scrapes."""
        return generate_latest(self.registry)
