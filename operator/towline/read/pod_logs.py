"""Find the Pods of an object, and read what their containers write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from towline.errors import ClusterError
from towline.model import Body, GroupKind, Resource
from towline.read import read_errors
from towline.read.cluster import Cluster, LiveObject
from towline.read.read_errors import AbsentError

SILENCE_SECONDS = 30.0
"""How long a node may take to begin or to go on with a log."""

POD = Resource(group="", version="v1", kind="Pod", plural="pods", namespaced=True)

_JOB = Resource(group="batch", version="v1", kind="Job", plural="jobs", namespaced=True)
_CRON_JOB = GroupKind("batch", "CronJob")
_SET_WORDS = {"In": "in", "NotIn": "notin"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """One container of one Pod."""

    namespace: str
    pod: str
    container: str

    def __str__(self) -> str:
        return f"{self.pod}/{self.container}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """Which lines are wanted; `tail` is -1 and `since` 0 for all of them."""

    tail: int = -1
    since: int = 0
    previous: bool = False
    follows: bool = False

    def query(self, container: str) -> Mapping[str, str]:
        """Return it as the API server reads it."""
        asked = {
            "container": container,
            "tailLines": str(self.tail) if self.tail >= 0 else "",
            "sinceSeconds": str(self.since) if self.since else "",
            "previous": "true" if self.previous else "",
            "follow": "true" if self.follows else "",
        }
        return {name: value for name, value in asked.items() if value}


async def pods(cluster: Cluster, live: LiveObject) -> list[Body]:
    """Return the Pods of a workload, by its selector; of a CronJob those of its newest Job.

    Raises:
        AbsentError: the object selects no Pods, or there are none.
    """
    if live.ref.group_kind == GroupKind("", "Pod"):
        return [live.body]
    if live.ref.group_kind == _CRON_JOB:
        live = await _newest_job(cluster, live)
    selector = selection(live.body)
    if not selector:
        raise AbsentError(f"{live.ref.display} has no selector of Pods: name a workload, or a Pod")
    found = [each async for each in cluster.listed(POD, live.ref.namespace, selector)]
    if not found:
        raise AbsentError(f"{live.ref.display} has no Pods: towline why says what keeps them away")
    return sorted(found, key=lambda each: str(each["metadata"]["name"]))


def selection(body: Body) -> str:
    """Return the selector of a workload or a Service as the API server reads it; empty where it has none."""
    selector: Any = (body.get("spec") or {}).get("selector")
    if not isinstance(selector, Mapping):
        return ""
    labels = selector.get("matchLabels", {} if "matchExpressions" in selector else selector)
    parts = [f"{name}={value}" for name, value in (labels or {}).items()]
    for each in selector.get("matchExpressions") or ():
        key, operator, values = each["key"], each["operator"], ",".join(each.get("values") or ())
        word = _SET_WORDS.get(operator)
        parts.append(f"{key} {word} ({values})" if word else key if operator == "Exists" else f"!{key}")
    return ",".join(parts)


def sources(pod: Body, container: str = "") -> list[LogSource]:
    """Return the containers of a Pod, those that prepare it among them where one is named.

    Args:
        pod: the Pod.
        container: the only one that is wanted; empty for all that run.
    """
    spec, metadata = pod.get("spec") or {}, pod["metadata"]
    running = [each["name"] for each in spec.get("containers") or ()]
    others = [
        each["name"] for part in ("initContainers", "ephemeralContainers") for each in spec.get(part) or ()
    ]
    names = [name for name in (*running, *others) if name == container] if container else running
    return [
        LogSource(namespace=metadata["namespace"], pod=metadata["name"], container=name) for name in names
    ]


async def lines(cluster: Cluster, source: LogSource, asked: LogRequest) -> AsyncIterator[str]:
    """Yield the lines of one container, as long as it runs where it is followed.

    Raises:
        NotAllowedError: the user may not read it.
        ClusterError: the API server or the node gives no answer.
    """
    rest = b""
    async for chunk in _chunks(cluster, source, asked):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


async def _chunks(cluster: Cluster, source: LogSource, asked: LogRequest) -> AsyncIterator[bytes]:
    """Yield what comes; only what is followed may be silent for long."""
    path, query = f"{POD.path(source.namespace, source.pod)}/log", asked.query(source.container)
    now = asyncio.get_running_loop().time
    try:
        with read_errors.named("get", _LOG, source.namespace, source.pod):
            async with (
                asyncio.timeout(SILENCE_SECONDS) as patience,
                cluster.client.text(path, query) as chunks,
            ):
                patience.reschedule(None if asked.follows else now() + SILENCE_SECONDS)
                async for chunk in chunks:
                    yield chunk
                    patience.reschedule(None if asked.follows else now() + SILENCE_SECONDS)
    except TimeoutError as error:
        raise ClusterError(f"the node did not answer within {SILENCE_SECONDS:g} seconds") from error


_LOG = Resource(group="", version="v1", kind="Pod", plural="pods/log", namespaced=True)


async def _newest_job(cluster: Cluster, cron_job: LiveObject) -> LiveObject:
    uid = cron_job.body["metadata"]["uid"]
    jobs = [
        each
        async for each in cluster.listed(_JOB, cron_job.ref.namespace)
        if any(owner["uid"] == uid for owner in each["metadata"].get("ownerReferences") or ())
    ]
    if not jobs:
        raise AbsentError(f"{cron_job.ref.display} has made no Job yet")
    newest = max(jobs, key=lambda each: str(each["metadata"].get("creationTimestamp", "")))
    return LiveObject(resource=_JOB, body=newest)
