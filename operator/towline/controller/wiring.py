"""Put the parts of the operator together; no other module knows all of them."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import yaml

import towline
from towline.api import labels, schema
from towline.apply.writer import Writer
from towline.controller.keys import Keys
from towline.controller.render_folder import render_folder
from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.kube.client import Client
from towline.kube.clock_check import ClockCheck
from towline.kube.discovery import Discovery
from towline.kube.repositories import Repositories
from towline.live.index import Index
from towline.live.pods import Pods
from towline.metrics import Metrics
from towline.model import Key, ObjectRef
from towline.notify.announce import Announcer
from towline.notify.kube_events import KubeEvents
from towline.reconcile.attempt import Attempts
from towline.reconcile.checkup import Checkups
from towline.reconcile.dependencies import Dependencies
from towline.reconcile.desired.commit_charts import CommitCharts
from towline.reconcile.desired.commit_files import CommitFiles
from towline.reconcile.desired.commit_manifests import ManifestReader
from towline.reconcile.desired.commit_reader import CommitReader
from towline.reconcile.desired.git_values import GitValues
from towline.reconcile.desired.head_reader import HeadReader
from towline.reconcile.desired.reading_rules import ReadingRules
from towline.reconcile.desired.signed_heads import SignedHeads
from towline.reconcile.desired.whole_commit import WholeCommitReader
from towline.reconcile.drifted.drift_reader import DriftReader
from towline.reconcile.drifted.drift_states import DriftStates
from towline.reconcile.enforce import Enforcer
from towline.reconcile.fetch import Fetcher
from towline.reconcile.finalize import Finalizer
from towline.reconcile.lane import Lanes
from towline.reconcile.locate import Blame, Locator
from towline.reconcile.neighbours import ELDER_SECONDS, Neighbours
from towline.reconcile.observe import Observer
from towline.reconcile.planner import Planner
from towline.reconcile.reconciler import LastPasses, Reconciler
from towline.reconcile.remotes.part_access import PartAccess
from towline.reconcile.remotes.remote_parts import RemoteParts
from towline.reconcile.rendered_fields import RenderedFields
from towline.reconcile.repair import Repairs
from towline.reconcile.report import FetchProgress, Reporter
from towline.reconcile.sweep import Sweep
from towline.reconcile.sync.beginning import Beginnings
from towline.reconcile.sync.executor import Executor
from towline.reconcile.sync.recorder import Recorder
from towline.reconcile.values.release_values import ReadGitValues
from towline.reconcile.values.treatments import Treatments
from towline.records.ledger import Ledger
from towline.render.cache import Cache
from towline.render.chart_lines.chart_tracer import ChartTracer
from towline.render.confined.jail import Jail
from towline.render.documents import YamlLimits
from towline.render.helm import helm_tool
from towline.render.helm.chart_builds import ChartBuilder
from towline.render.helm.chart_recipes import ChartRecipes
from towline.render.marks.unit_tracer import UnitTracer
from towline.render.next_commit import NextCommitReader
from towline.render.overlays.chart_overlay import ChartOverlayer
from towline.render.sops import sops_binary
from towline.render.units import kustomize
from towline.render.units.inputs import InputReader
from towline.render.units.unit_builds import UnitBuilder
from towline.settings import Settings
from towline.shares.pools import Pools
from towline.source.access import Remote
from towline.source.helm_charts.chart_door import Charts
from towline.source.mirror import Mirrors
from towline.source.selection import SourceLimits
from towline.status.waits import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The ways out of the process: to the API server, to Git servers, and to the records."""

    client: Client
    discovery: Discovery
    index: Index
    mirrors: Mirrors
    charts: Charts
    ledger: Ledger
    pools: Pools


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """What the process needs of the passes.

    Attributes:
        once: runs one pass; returns the seconds until the next.
        verify: reads objects whose metadata cannot tell whether they are as declared.
        doubted: is told of such an object at once.
        remotes: names every remote that a repository follows, or that its commit builds on.
        is_asking: says whether the pass of a repository waits for its Git server, or for other repositories.
        expire: deletes the expired records of repositories that are gone.
    """

    once: Callable[[Key], Awaitable[float | None]]
    verify: Callable[[Sequence[ObjectRef]], Awaitable[None]]
    doubted: Callable[[ObjectRef], None]
    remotes: Callable[[], tuple[Remote, ...]]
    is_asking: Callable[[Key], bool]
    expire: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """Objects that several parts of a pass share."""

    hidden: HiddenValues
    repositories: Repositories
    neighbours: Neighbours
    dependencies: Dependencies
    announcer: Announcer
    sweep: Sweep
    heads: HeadReader
    source: CommitReader
    parts: RemoteParts
    fetcher: Fetcher
    locator: Locator
    writer: Writer
    executor: Executor
    recorder: Recorder
    blame: Blame
    drifts: DriftStates
    drift_reader: DriftReader
    waits: Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Readers:
    """What reads what a commit needs beside its files."""

    heads: HeadReader
    signed: SignedHeads
    files: CommitFiles
    treatments: Treatments
    parts: RemoteParts
    recipes: ChartRecipes
    inputs: InputReader


def passes(
    chosen: Settings, doors: Doors, keys: Keys, metrics: Metrics, wake: Callable[[Key], None]
) -> Passes:
    """Build everything that runs passes; `wake` asks for one."""
    shared = _shared(chosen, doors, keys, metrics, wake)
    repairs = _repairs(doors, shared)
    checkups = Checkups(doors.index, Pods(doors.client, doors.discovery), shared.locator, time.monotonic)
    check = ClockCheck(now, time.monotonic, doors.client.server_date)

    async def expire() -> None:
        living = {each.uid async for each in shared.repositories.everyone()}
        await doors.ledger.sweep(living, check())

    reconciler = Reconciler(
        repositories=shared.repositories,
        attempts=_attempts(chosen, doors, shared, repairs),
        finalizer=_finalizer(chosen, doors, shared),
        checkups=checkups,
        neighbours=shared.neighbours,
        reporter=Reporter(
            repositories=shared.repositories,
            dependencies=shared.dependencies,
            announcer=shared.announcer,
            ledger=doors.ledger,
            waits=shared.waits,
            now=now,
            check=check,
        ),
        passes=LastPasses(time.monotonic, random.random),
        metrics=metrics,
        forget=_forget(doors, shared, checkups, metrics),
    )
    return Passes(
        once=reconciler.once,
        verify=repairs.verify,
        doubted=repairs.doubted,
        remotes=lambda: (*shared.fetcher.remotes(), *shared.parts.remotes()),
        is_asking=lambda key: shared.fetcher.is_asking(key) or shared.neighbours.is_asking(key),
        expire=expire,
    )


def _forget(
    doors: Doors, shared: _Shared, checkups: Checkups, metrics: Metrics
) -> Callable[[Key, str], None]:
    """Return what forgets a repository that is gone, by its key and uid."""

    def forget(key: Key, uid: str) -> None:
        shared.neighbours.withdraw(key)
        shared.dependencies.forget(key)
        shared.fetcher.forget(key)
        shared.source.forget(key)
        shared.parts.forget(key)
        shared.hidden.forget(key)
        shared.drifts.forget(key)
        doors.ledger.forget(uid)
        shared.waits.forget(uid)
        checkups.forget(labels.repository_label(key))
        shared.blame.forget(uid)
        metrics.forget(*key)

    return forget


def _shared(
    chosen: Settings, doors: Doors, keys: Keys, metrics: Metrics, wake: Callable[[Key], None]
) -> _Shared:
    hidden = HiddenValues()
    mask = Mask(keys.mask, hidden)
    repositories = Repositories(doors.client, hidden, now)
    neighbours = Neighbours(repositories, wake, time.monotonic, ELDER_SECONDS)
    rules = _rules(chosen)
    jail = Jail(render_folder(chosen.folder), doors.pools)
    readers = _readers(chosen, doors, jail, keys.mask, hidden)
    source = _source(chosen, doors, jail, readers)
    rendered = _rendered(chosen, jail, readers)
    locator = Locator(doors.mirrors, rules.yaml, rendered)
    writer = Writer(doors.client, doors.discovery, doors.index)
    blame = Blame(doors.mirrors, rules.yaml, rendered)
    drift_reader = DriftReader(locator, writer, mask, stamps=keys.stamps, now=now)
    recorder = _recorder(doors, readers.heads, blame, mask)
    return _Shared(
        hidden=hidden,
        repositories=repositories,
        neighbours=neighbours,
        dependencies=Dependencies(repositories, neighbours.stir, time.monotonic),
        announcer=Announcer(KubeEvents(doors.client, socket.gethostname(), now), metrics, hidden),
        sweep=Sweep(doors.client, doors.discovery, doors.index, doors.ledger),
        heads=readers.heads,
        source=source,
        parts=readers.parts,
        fetcher=_fetcher(doors, readers, source, repositories),
        locator=locator,
        writer=writer,
        executor=Executor(
            writer=writer,
            recorder=recorder,
            index=doors.index,
            written_objects=doors.ledger.written_objects,
            mask=mask,
            stamps=keys.stamps,
            released=neighbours.released,
        ),
        recorder=recorder,
        blame=blame,
        drifts=DriftStates(drift_reader, clock=time.monotonic, now=now),
        drift_reader=drift_reader,
        waits=Waits(time.monotonic),
    )


def _fetcher(doors: Doors, readers: _Readers, source: CommitReader, repositories: Repositories) -> Fetcher:
    return Fetcher(
        heads=readers.heads,
        source=source,
        signed=readers.signed,
        index=doors.index,
        clock=time.monotonic,
        told=FetchProgress(repositories, now).told,
    )


def _recorder(doors: Doors, heads: HeadReader, blame: Blame, mask: Mask) -> Recorder:
    return Recorder(
        ledger=doors.ledger,
        index=doors.index,
        heads=heads,
        blame=blame,
        mask=mask,
        now=now,
        operator=f"{socket.gethostname()}/{towline.__version__}",
    )


def _repairs(doors: Doors, shared: _Shared) -> Repairs:
    return Repairs(
        source=shared.source,
        index=doors.index,
        drifts=shared.drifts,
        reader=shared.drift_reader,
        executor=shared.executor,
        recorder=shared.recorder,
        written_objects=doors.ledger.written_objects,
        announcer=shared.announcer,
    )


def _readers(chosen: Settings, doors: Doors, jail: Jail, secret: bytes, hidden: HiddenValues) -> _Readers:
    rules = _rules(chosen)
    heads = HeadReader(doors.client, doors.mirrors, rules)
    files = CommitFiles(mirrors=doors.mirrors, limits=rules.limits)
    signed = SignedHeads(doors.client, doors.mirrors, rules)
    git = GitValues(doors.client, _schema(), heads, signed, files).read
    return _Readers(
        heads=heads,
        signed=signed,
        files=files,
        treatments=_treatments(chosen, doors, jail, secret, hidden, git),
        parts=_parts(doors, rules),
        recipes=ChartRecipes(),
        inputs=InputReader(rules.yaml),
    )


def _treatments(  # noqa: PLR0913, PLR0917  what they are made of
    chosen: Settings, doors: Doors, jail: Jail, secret: bytes, hidden: HiddenValues, git: ReadGitValues
) -> Treatments:
    asks_vault = not (chosen.deny_private_addresses or chosen.hide_connection_details)
    find_sops = partial(sops_binary.find, jail, chosen.sops, asks_vault=asks_vault)
    own_keys = _rules(chosen).keys
    return Treatments(
        doors.client, secret=secret, own_keys=own_keys, hidden=hidden, git=git, find_sops=find_sops
    )


def _parts(doors: Doors, rules: ReadingRules) -> RemoteParts:
    access = PartAccess(
        doors.client,
        allow_http=rules.allow_http,
        own_keys=rules.keys,
        require_bound=rules.require_bound_credentials,
    )
    return RemoteParts(doors.mirrors, doors.charts, access, doors.ledger)


def _source(chosen: Settings, doors: Doors, jail: Jail, readers: _Readers) -> CommitReader:
    cache, rules = Cache(), _rules(chosen)
    overlayer = ChartOverlayer(jail, partial(kustomize.find, chosen.kustomize), readers.inputs)
    helm = ChartBuilder(jail, partial(helm_tool.find, chosen.helm), overlayer, readers.recipes)
    charts = CommitCharts(helm, overlayer, doors.discovery.served, rules.yaml)
    manifests = ManifestReader(
        files=readers.files,
        cache=cache,
        units=UnitBuilder(
            jail,
            partial(kustomize.find, chosen.kustomize),
            readers.inputs,
            partial(helm_tool.find, chosen.helm),
        ),
        charts=charts,
        yaml=rules.yaml,
    )
    return CommitReader(
        heads=readers.heads,
        discovery=doors.discovery,
        index=doors.index,
        cache=cache,
        treatments=readers.treatments,
        charts=charts,
        parts=readers.parts,
        next_commits=NextCommitReader(
            mirrors=doors.mirrors, cache=cache, limits=rules.limits, yaml=rules.yaml
        ),
        whole_commits=WholeCommitReader(
            discovery=doors.discovery, index=doors.index, manifests=manifests, treatments=readers.treatments
        ),
    )


def _rendered(chosen: Settings, jail: Jail, readers: _Readers) -> RenderedFields:
    units = UnitTracer(jail, partial(kustomize.find, chosen.kustomize), readers.inputs)
    return RenderedFields(
        readers.files, units, ChartTracer(readers.inputs.limits, readers.recipes), readers.parts.recalled
    )


def _rules(chosen: Settings) -> ReadingRules:
    return ReadingRules(
        allow_http=chosen.allow_http,
        limits=SourceLimits(file_bytes=chosen.max_file_size),
        yaml=YamlLimits(file_bytes=chosen.max_file_size),
        keys=(chosen.home, labels.KEYS),
        require_bound_credentials=chosen.require_bound_credentials,
    )


def _attempts(chosen: Settings, doors: Doors, shared: _Shared, repairs: Repairs) -> Attempts:
    planner = Planner(
        index=doors.index,
        sweep=shared.sweep,
        neighbours=shared.neighbours,
        dependencies=shared.dependencies,
        drifts=shared.drifts,
        written_objects=doors.ledger.written_objects,
        installation=chosen.installation,
    )
    return Attempts(
        lanes=Lanes(repairs, shared.drifts, doors.index),
        fetcher=shared.fetcher,
        planner=planner,
        enforcer=_enforcer(doors, shared),
        drifts=shared.drifts,
        index=doors.index,
        neighbours=shared.neighbours,
        schema=_schema(),
        clock=time.monotonic,
    )


def _enforcer(doors: Doors, shared: _Shared) -> Enforcer:
    observer = Observer(
        writer=shared.writer,
        executor=shared.executor,
        recorder=shared.recorder,
        ledger=doors.ledger,
        announcer=shared.announcer,
    )
    return Enforcer(
        executor=shared.executor,
        recorder=shared.recorder,
        observer=observer,
        drifts=shared.drifts,
        heads=shared.heads,
        locator=shared.locator,
        index=doors.index,
        beginnings=Beginnings(shared.repositories, now),
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


def _schema() -> schema.Schema:
    crd = Path(towline.__file__).parent / "crds" / "gitrepositories.yaml"
    return schema.validator(yaml.load(crd.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


def now() -> datetime:
    """Return the current time, with its zone."""
    return datetime.now(UTC)
