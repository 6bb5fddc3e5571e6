"""The parts of one operator, put together: the only place that knows all of them."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

import towline
from towline.api import gitrepository
from towline.apply.writer import Writer
from towline.controller.data_folder import mask_key
from towline.fields.mask import Mask
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.kube.repositories import Report
from towline.live.index import Index
from towline.live.pods import Pods
from towline.metrics import Metrics
from towline.model import Key
from towline.reconcile import desired
from towline.reconcile.attempt import Tower
from towline.reconcile.checkup import Checkups
from towline.reconcile.dependencies import Dependencies
from towline.reconcile.drift_state import Drifts
from towline.reconcile.executor import Syncs
from towline.reconcile.fetch import Pulls
from towline.reconcile.finalize import Finalizer
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.observe import Observer
from towline.reconcile.planner import Decisions
from towline.reconcile.reconciler import Reconciler
from towline.reconcile.repair import Repairs
from towline.reconcile.sweep import Sweep
from towline.reconcile.sync_request import Orders
from towline.records.ledger import Ledger
from towline.render.cache import Cache
from towline.settings import Settings
from towline.source.mirror import Mirrors


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What leads out of the process: to the API server, to Git servers, and to the records."""

    client: Client
    discovery: Discovery
    index: Index
    mirrors: Mirrors
    ledger: Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What both the pass of a GitRepository and its end are made of."""

    report: Report
    sweep: Sweep
    neighbours: Neighbours
    dependencies: Dependencies
    writer: Writer
    syncs: Syncs
    mask: Mask


def reconciler(chosen: Settings, doors: Doors, metrics: Metrics, wake: Callable[[Key], None]) -> Reconciler:
    """Put everything together that runs passes; `wake` asks for one."""
    shared = _shared(chosen, doors, wake)
    return Reconciler(
        tower=_tower(chosen, doors, shared),
        finalizer=_finalizer(chosen, doors, shared),
        neighbours=shared.neighbours,
        dependencies=shared.dependencies,
        report=shared.report,
        ledger=doors.ledger,
        metrics=metrics,
        now=now,
        clock=time.monotonic,
        jitter=random.random,
    )


def _shared(chosen: Settings, doors: Doors, wake: Callable[[Key], None]) -> _Shared:
    instance = socket.gethostname()
    report = Report(doors.client, instance)
    neighbours = Neighbours(report, wake, time.monotonic)
    writer = Writer(doors.client, doors.discovery, doors.index)
    mask = Mask(mask_key(chosen.folder))
    syncs = Syncs(
        writer=writer,
        ledger=doors.ledger,
        index=doors.index,
        mask=mask,
        clock=now,
        operator=f"{instance}/{towline.__version__}",
    )
    return _Shared(
        report=report,
        sweep=Sweep(doors.client, doors.discovery, doors.index, doors.ledger),
        neighbours=neighbours,
        dependencies=Dependencies(report, neighbours.stir, time.monotonic),
        writer=writer,
        syncs=syncs,
        mask=mask,
    )


def _tower(chosen: Settings, doors: Doors, shared: _Shared) -> Tower:
    source = desired.Source(
        client=doors.client,
        discovery=doors.discovery,
        index=doors.index,
        mirrors=doors.mirrors,
        cache=Cache(),
        rules=desired.Rules(allow_http=chosen.allow_http),
    )
    orders = Orders(source, shared.syncs)
    repairs = _repairs(source, orders, doors, shared)
    return Tower(
        pulls=Pulls(source, doors.index, shared.neighbours, time.monotonic),
        decisions=Decisions(
            index=doors.index,
            sweep=shared.sweep,
            neighbours=shared.neighbours,
            dependencies=shared.dependencies,
            repairs=repairs,
            installation=chosen.installation,
        ),
        source=source,
        index=doors.index,
        report=shared.report,
        neighbours=shared.neighbours,
        syncs=shared.syncs,
        orders=orders,
        repairs=repairs,
        observer=Observer(
            writer=shared.writer, syncs=shared.syncs, ledger=doors.ledger, report=shared.report
        ),
        checkups=Checkups(doors.index, Pods(doors.client, doors.discovery), now),
        schema=_schema(),
        clock=time.monotonic,
        now=now,
    )


def _repairs(source: desired.Source, orders: Orders, doors: Doors, shared: _Shared) -> Repairs:
    return Repairs(
        source=source,
        index=doors.index,
        drifts=Drifts(source, shared.writer, shared.mask, clock=time.monotonic, now=now),
        orders=orders,
        syncs=shared.syncs,
        report=shared.report,
    )


def _finalizer(chosen: Settings, doors: Doors, shared: _Shared) -> Finalizer:
    return Finalizer(
        client=doors.client,
        index=doors.index,
        sweep=shared.sweep,
        neighbours=shared.neighbours,
        dependencies=shared.dependencies,
        syncs=shared.syncs,
        report=shared.report,
        ledger=doors.ledger,
        installation=chosen.installation,
    )


def _schema() -> gitrepository.Schema:
    crd = Path(towline.__file__).parent / "crds" / "gitrepositories.yaml"
    return gitrepository.validator(yaml.load(crd.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def now() -> datetime:
    """Return the current time, with its zone."""
    return datetime.now(UTC)
