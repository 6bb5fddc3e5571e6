"""All that repositories share, with its size by what the container may use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from towline.shares import cgroup
from towline.shares.cgroup import Capacity
from towline.shares.holds import Share
from towline.shares.slots import Slots
from towline.shares.threads import Threads
from towline.shares.usage import Usage

MIB = 1024**2

CHILD_MEMORY = 64 * MIB
"""What each process of a child may allocate; a history of 10,000 commits came with it when measured."""

_LARGE_LEAST = 256 * MIB
_LARGE_MOST = 1024 * MIB

REQUESTS = 16
"""Requests about managed objects at a time; more of them only lengthened the wait when measured."""

_HOST = 8
_REQUEST_SECONDS = 2.0
_CHILD_SECONDS = 1.0
_LARGE_SECONDS = 30.0
_THREAD_SECONDS = 0.5
_RENDER_SECONDS = 5.0
_RENDERS = 4
"""The fewest renders at a time: one of them for a namespace that has no slow one, and two beside a slow one."""


def requests(clock: Callable[[], float]) -> Slots:
    """Return the slots at the API server; to wait for its answer costs nothing, so nothing is counted as used."""
    share = Share(limit=REQUESTS, slow=REQUESTS // 2, quick_seconds=_REQUEST_SECONDS)
    return Slots(share, clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """What repositories share on this machine.

    Attributes:
        usage: who used much lately; all pools but that of renders ask and tell it.
        render_usage: the same for renders: who builds for long still gets its Git done.
        children: slots for child processes.
        large: slots for the few children that may have `large_memory`, taken while holding one of `children`.
        large_memory: bytes that each process of a child may allocate where `CHILD_MEMORY` did not suffice.
        renders_each: how many of these one repository asks for at a time.
        renders: slots for tools that build units; all but one of them may be slow, because a render ends in a minute.
        threads: for the event loop.
        clock: monotonic seconds.
    """

    usage: Usage
    render_usage: Usage
    children: Slots
    large: Slots
    large_memory: int
    renders_each: int
    renders: Slots
    threads: Threads
    clock: Callable[[], float]
    _hosts: dict[tuple[str, str], Slots] = field(default_factory=dict)

    @classmethod
    def of(cls, capacity: Capacity, clock: Callable[[], float]) -> Pools:
        """Share out what there is: a quarter of the memory to ordinary children, twice that at the very most."""
        usage, render_usage = Usage(clock), Usage(clock)
        children = max(2, min(2 * capacity.cpus + 2, capacity.memory // 4 // CHILD_MEMORY))
        threads = capacity.cpus + 2
        renders = max(_RENDERS, min(threads, capacity.memory // 4 // CHILD_MEMORY))
        rendering = Share(limit=renders, slow=renders - 1, quick_seconds=_RENDER_SECONDS)
        return cls(
            usage=usage,
            render_usage=render_usage,
            children=Slots(_share(children, _CHILD_SECONDS), clock, usage),
            large=Slots(Share(limit=2, slow=1, quick_seconds=_LARGE_SECONDS), clock, usage),
            large_memory=max(_LARGE_LEAST, min(capacity.memory // 4, _LARGE_MOST)),
            renders_each=renders // 2,
            renders=Slots(rendering, clock, render_usage),
            threads=Threads(Share(limit=threads, slow=1, quick_seconds=_THREAD_SECONDS), clock, usage),
            clock=clock,
        )

    @classmethod
    def here(cls) -> Pools:
        """Share out what this process may use."""
        return cls.of(cgroup.capacity(), time.monotonic)

    def looks(self, host: str) -> Slots:
        """Return the slots to look at a Git host; a namespace has at most half of them."""
        return self._host("look", host, _HOST // 2)

    def fetches(self, host: str) -> Slots:
        """Return the slots to fetch from a Git host; a namespace has at most a quarter of them."""
        return self._host("fetch", host, _HOST // 4)

    def _host(self, purpose: str, host: str, namespace: int) -> Slots:
        """Return the slots at a host; those that nobody uses are forgotten, as tenants may name any host."""
        for name in [
            name for name, slots in self._hosts.items() if slots.is_idle and name != (purpose, host)
        ]:
            del self._hosts[name]
        share = Share(limit=_HOST, slow=_HOST // 2, quick_seconds=_CHILD_SECONDS, namespace=namespace)
        return self._hosts.setdefault((purpose, host), Slots(share, self.clock))


def _share(limit: int, quick_seconds: float) -> Share:
    return Share(limit=limit, slow=max(1, limit // 2), quick_seconds=quick_seconds)
