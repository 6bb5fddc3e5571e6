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
from towline.kube.repositories import Repositories
from towline.live.index import Index
from towline.live.pods import Pods
from towline.metrics import Metrics
from towline.model import Key
from towline.reconcile import desired
from towline.reconcile.attempt import Attempts
from towline.reconcile.checkup import Checkups
from towline.reconcile.dependencies import Dependencies
from towline.reconcile.drift_state import DriftStates
from towline.reconcile.executor import Executor
from towline.reconcile.fetch import Fetcher
from towline.reconcile.finalize import Finalizer
from towline.reconcile.neighbours import Neighbours
from towline.reconcile.observe import Observer
from towline.reconcile.planner import Planner
from towline.reconcile.reconciler import Reconciler
from towline.reconcile.repair import Repairs
from towline.reconcile.sweep import Sweep
from towline.reconcile.sync_request import SyncRequests
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

    repositories: Repositories
    sweep: Sweep
    neighbours: Neighbours
    dependencies: Dependencies
    writer: Writer
    executor: Executor
    mask: Mask


def reconciler(chosen: Settings, doors: Doors, metrics: Metrics, wake: Callable[[Key], None]) -> Reconciler:
    """Put everything together that runs passes; `wake` asks for one."""
    shared = _shared(chosen, doors, wake)
    return Reconciler(
        attempts=_attempts(chosen, doors, shared),
        finalizer=_finalizer(chosen, doors, shared),
        neighbours=shared.neighbours,
        dependencies=shared.dependencies,
        repositories=shared.repositories,
        ledger=doors.ledger,
        metrics=metrics,
        now=now,
        clock=time.monotonic,
        jitter=random.random,
    )


def _shared(chosen: Settings, doors: Doors, wake: Callable[[Key], None]) -> _Shared:
    instance = socket.gethostname()
    repositories = Repositories(doors.client, instance)
    neighbours = Neighbours(repositories, wake, time.monotonic)
    writer = Writer(doors.client, doors.discovery, doors.index)
    mask = Mask(mask_key(chosen.folder))
    executor = Executor(
        writer=writer,
        ledger=doors.ledger,
        index=doors.index,
        mask=mask,
        now=now,
        operator=f"{instance}/{towline.__version__}",
    )
    return _Shared(
        repositories=repositories,
        sweep=Sweep(doors.client, doors.discovery, doors.index, doors.ledger),
        neighbours=neighbours,
        dependencies=Dependencies(repositories, neighbours.stir, time.monotonic),
        writer=writer,
        executor=executor,
        mask=mask,
    )


def _attempts(chosen: Settings, doors: Doors, shared: _Shared) -> Attempts:
    source = desired.CommitReader(
        client=doors.client,
        discovery=doors.discovery,
        index=doors.index,
        mirrors=doors.mirrors,
        cache=Cache(),
        rules=desired.Rules(allow_http=chosen.allow_http),
    )
    requests = SyncRequests(source, shared.executor)
    repairs = _repairs(source, requests, doors, shared)
    return Attempts(
        fetcher=Fetcher(source, doors.index, shared.neighbours, time.monotonic),
        planner=Planner(
            index=doors.index,
            sweep=shared.sweep,
            neighbours=shared.neighbours,
            dependencies=shared.dependencies,
            repairs=repairs,
            installation=chosen.installation,
        ),
        source=source,
        index=doors.index,
        repositories=shared.repositories,
        neighbours=shared.neighbours,
        executor=shared.executor,
        requests=requests,
        repairs=repairs,
        observer=Observer(
            writer=shared.writer,
            executor=shared.executor,
            ledger=doors.ledger,
            repositories=shared.repositories,
        ),
        checkups=Checkups(doors.index, Pods(doors.client, doors.discovery), now),
        schema=_schema(),
        clock=time.monotonic,
        now=now,
    )


def _repairs(source: desired.CommitReader, requests: SyncRequests, doors: Doors, shared: _Shared) -> Repairs:
    return Repairs(
        source=source,
        index=doors.index,
        drifts=DriftStates(source, shared.writer, shared.mask, clock=time.monotonic, now=now),
        requests=requests,
        executor=shared.executor,
        repositories=shared.repositories,
    )


def _finalizer(chosen: Settings, doors: Doors, shared: _Shared) -> Finalizer:
    return Finalizer(
        client=doors.client,
        index=doors.index,
        sweep=shared.sweep,
        neighbours=shared.neighbours,
        dependencies=shared.dependencies,
        executor=shared.executor,
        repositories=shared.repositories,
        ledger=doors.ledger,
        installation=chosen.installation,
    )


def _schema() -> gitrepository.Schema:
    crd = Path(towline.__file__).parent / "crds" / "gitrepositories.yaml"
    return gitrepository.validator(yaml.load(crd.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def now() -> datetime:
    """Return the current time, with its zone."""
    return datetime.now(UTC)
