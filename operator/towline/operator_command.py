"""`towline operator`: run the controller."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from towline import log, settings
from towline.api import durations
from towline.cli import options
from towline.controller import core_dumps, malloc
from towline.errors import TowlineError
from towline.model import ObjectRef
from towline.server.listen import address
from towline.settings import Settings

_log = log.logger(__name__)


def _listened_at(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        if value:
            address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


def _objects(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> frozenset[ObjectRef]:
    try:
        return frozenset(map(ObjectRef.parse, values))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _duration(_context: click.Context, _option: click.Parameter, value: str) -> float:
    try:
        return durations.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.option("--allow-http", is_flag=True, help="Accept http:// urls (never together with a Secret).")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of mirrors and the masking key.")
@click.option(
    "--leader-elect", is_flag=True, help="Reconcile only while holding a Lease: for several replicas."
)
@click.option("--records-namespace", default="", metavar="NS", help="Keep all SyncRecords in this namespace.")
@click.option(
    "--deny-private-addresses", is_flag=True, help="Refuse urls whose host has an address that is not public."
)
@click.option(
    "--require-bound-credentials",
    is_flag=True,
    help="Use no Secret whose annotation towline.dev/hosts does not name the host of the url.",
)
@click.option(
    "--hide-connection-details",
    is_flag=True,
    help="Tell in the log alone why a Git server could not be used.",
)
@click.option(
    "--listen",
    default="",
    metavar="HOST:PORT",
    callback=_listened_at,
    help="Address on which to serve probes and metrics.",
)
@click.option(
    "--own-object",
    "installation",
    multiple=True,
    metavar="OBJECT",
    callback=_objects,
    help="An object of the operator's installation, as Kind.group/namespace/name: no GitRepository may declare it.",
)
@click.option(
    "--verify-interval",
    "verify_seconds",
    default="6h",
    metavar="DURATION",
    callback=_duration,
    help="How often objects without events are read again.",
)
@options.max_file_size
@options.kustomize
@options.helm
@options.sops
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info")
def operator(data_dir: Path | None, **flags: Any) -> None:
    """Run the operator, for all namespaces of a cluster.

    The cluster is that of KUBECONFIG, or the one that it runs in.
    """
    chosen = Settings(folder=data_dir or settings.cache_folder(os.environ), **flags)
    log.configure(chosen.log_level)
    core_dumps.forbid()
    malloc.tune()
    run = _without_garbage()
    try:
        run(chosen)
    except (TowlineError, OSError) as error:
        _log.error("the operator ends", error=str(error))
        sys.exit(1)


def _without_garbage() -> Callable[..., None]:
    """Import the operator without garbage collection, and collect seldom from then on, never what was imported.

    Imports allocate half a million objects and hardly any garbage: collecting it would take a fifth of their time.
    """
    gc.disable()
    try:
        from towline.controller import run  # loads for a second, which the commands shall not take
    finally:
        gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    return run.run
