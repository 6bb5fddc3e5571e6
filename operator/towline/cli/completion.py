"""Complete names in a shell: quickly, and in silence where the cluster does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from towline import text
from towline.kube.credentials import ClusterChoice
from towline.model import Resource

if TYPE_CHECKING:
    from towline.read.cluster import (
        Cluster,
    )  # loaded when something is completed: options name these functions

SECONDS = 2.0
"""Who waits longer for a completion types on."""

SECONDS_VARIABLE = "TOWLINE_COMPLETION_SECONDS"
"""The variable by which a user far from the cluster waits longer."""

_NAMESPACES = Resource(group="", version="v1", kind="Namespace", plural="namespaces", namespaced=False)


def contexts(context: click.Context, _option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a context of the kubeconfig."""
    from towline.kube import credentials

    return items(_silently(lambda: credentials.contexts(_choice(context))), incomplete)


def namespaces(context: click.Context, _option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a namespace."""
    return _found(context, incomplete, partial(_names, _NAMESPACES))


def repositories(context: click.Context, _option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a GitRepository."""
    from towline.api import gitrepository

    return _found(context, incomplete, partial(_names, gitrepository.RESOURCE))


def records(context: click.Context, _option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a SyncRecord."""
    from towline.api import syncrecord

    return _found(context, incomplete, partial(_names, syncrecord.RESOURCE))


def objects(context: click.Context, _option: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete `KIND/NAME`: first the kind, then the name of an object of that kind."""
    kind, slash, _ = incomplete.partition("/")
    return _found(context, incomplete, partial(_objects, kind) if slash else _kinds)


async def _names(resource: Resource, opened: Cluster) -> list[str]:
    place = opened.namespace if resource.namespaced else ""
    return await opened.names(resource, place)


async def _objects(kind: str, opened: Cluster) -> list[str]:
    resource = await opened.resource(kind)
    return [f"{kind}/{name}" for name in await _names(resource, opened)]


async def _kinds(opened: Cluster) -> list[str]:
    return [f"{each.kind.lower()}/" for each in await opened.discovery.listable()]


def _found(
    context: click.Context, incomplete: str, ask: Callable[[Cluster], Awaitable[Iterable[str]]]
) -> list[CompletionItem]:
    from towline.read import cluster

    async def asked() -> Iterable[str]:
        async with cluster.opened(_choice(context), context.params.get("namespace") or "") as opened:
            return await ask(opened)

    return items(_silently(lambda: asyncio.run(asked())), incomplete)


def _choice(context: click.Context) -> ClusterChoice:
    given: dict[str, Any] = context.params
    return ClusterChoice(
        kubeconfig=given.get("kubeconfig") or "",
        context=given.get("context") or "",
        impersonated=given.get("impersonated") or "",
    )


def items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Return those that begin as typed; names of contexts are free text, so none reaches the terminal as it is."""
    return [
        CompletionItem(text.printable(name)) for name in sorted(set(names)) if name.startswith(incomplete)
    ]


def _patience(given: str) -> float:
    """Return the seconds of a variable that a user has set, from 0.1 to 60; what is not such a number is two."""
    try:
        seconds = float(given)
    except ValueError:
        return SECONDS
    return seconds if 0.1 <= seconds <= 60 else SECONDS


def _silently(ask: Callable[[], Iterable[str]]) -> Iterable[str]:
    """Return what `ask` finds, nothing where anything goes wrong, and end the process when it takes too long.

    It is a process of its own, which the shell has started for this; a plugin that hangs would hold it for ever.
    """
    before = signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, _patience(os.environ.get(SECONDS_VARIABLE, "")))
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return ask()
    except Exception:  # noqa: BLE001  whatever it is, the user has asked for nothing yet
        return ()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
