"""The parts of one operator, put together: the only place that knows all of them."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import yaml

import towline
from towline import desired
from towline.api import gitrepository
from towline.checkup import Checkups
from towline.cluster.apply import Writer
from towline.cluster.client import Client
from towline.cluster.discovery import Discovery
from towline.cluster.kept import mask_key
from towline.cluster.ledger import Ledger
from towline.cluster.live import Index
from towline.cluster.pods import Pods
from towline.cluster.report import Report
from towline.cluster.sweep import Sweep
from towline.core.redact import Mask
from towline.decide import Decisions
from towline.dependencies import Dependencies
from towline.drifts import Drifts
from towline.finalize import Finalizer
from towline.metrics import Metrics
from towline.model import Key
from towline.neighbours import Neighbours
from towline.observe import Observer
from towline.orders import Orders
from towline.pull import Pulls
from towline.reconcile import Reconciler
from towline.render.cache import Cache
from towline.repair import Repairs
from towline.settings import Settings
from towline.source.mirror import Mirrors
from towline.sync import Syncs
from towline.tow import Tower


def reconciler(  # noqa: PLR0913  the doors
    chosen: Settings,
    *,
    wake: Callable[[Key], None],
    client: Client,
    discovery: Discovery,
    index: Index,
    mirrors: Mirrors,
    ledger: Ledger,
    metrics: Metrics,
) -> Reconciler:
    """Put everything together that runs passes; `wake` asks for one."""
    instance = socket.gethostname()
    report = Report(client, instance)
    sweep = Sweep(client, discovery, index, ledger)
    mask = Mask(mask_key(chosen.folder))
    writer = Writer(client, discovery, index)
    syncs = Syncs(
        writer=writer,
        ledger=ledger,
        index=index,
        mask=mask,
        clock=now,
        operator=f"{instance}/{towline.__version__}",
    )
    neighbours = Neighbours(report, wake, time.monotonic)
    dependencies = Dependencies(report, neighbours.stir, time.monotonic)
    rules = desired.Rules(allow_http=chosen.allow_http)
    source = desired.Source(
        client=client, discovery=discovery, index=index, mirrors=mirrors, cache=Cache(), rules=rules
    )
    orders = Orders(source, syncs)
    repairs = Repairs(
        source=source,
        index=index,
        drifts=Drifts(source, writer, mask, clock=time.monotonic, now=now),
        orders=orders,
        syncs=syncs,
        report=report,
    )
    tower = Tower(
        pulls=Pulls(source, index, neighbours, time.monotonic),
        decisions=Decisions(
            index=index,
            sweep=sweep,
            neighbours=neighbours,
            dependencies=dependencies,
            repairs=repairs,
            installation=chosen.installation,
        ),
        source=source,
        index=index,
        report=report,
        neighbours=neighbours,
        syncs=syncs,
        orders=orders,
        repairs=repairs,
        observer=Observer(writer=writer, syncs=syncs, ledger=ledger, report=report),
        checkups=Checkups(index, Pods(client, discovery), now),
        schema=_schema(),
        clock=time.monotonic,
        now=now,
    )
    return Reconciler(
        tower=tower,
        finalizer=Finalizer(
            client=client,
            index=index,
            sweep=sweep,
            neighbours=neighbours,
            dependencies=dependencies,
            syncs=syncs,
            report=report,
            ledger=ledger,
            installation=chosen.installation,
        ),
        neighbours=neighbours,
        dependencies=dependencies,
        report=report,
        ledger=ledger,
        metrics=metrics,
        now=now,
        clock=time.monotonic,
        jitter=random.random,
    )


def _schema() -> gitrepository.Schema:
    crd = Path(towline.__file__).parent / "crds" / "gitrepositories.yaml"
    return gitrepository.validator(yaml.safe_load(crd.read_text(encoding="utf-8")))


def now() -> datetime:
    """Return the current time, with its zone."""
    return datetime.now(UTC)
