"""What the API server was asked, from its own audit log: the oracle for what was written and by whom."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NewType
from urllib.parse import parse_qsl, urlsplit

import orjson

from e2e.harness.growing import whole_lines
from e2e.harness.waiting import eventually

Mark = NewType("Mark", int)
"""A place in the log: everything that was answered before it lies before it."""

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One request. A watch is here when it starts, any other request when it has ended.

    `resource` is the plural, empty where the request names no object; `code` the HTTP status; `time` RFC
    3339 with microseconds; `query` holds the last value of each parameter; `body` is what a write sent,
    None for reads.
    """

    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    user: str
    user_agent: str
    code: int
    request_uri: str
    query: dict[str, str]
    body: Any
    time: str

    @property
    def dry_run(self) -> bool:
        """Say whether the request asked for an answer without an effect; options in a body hide those in the query."""
        if isinstance(self.body, dict) and self.body.get("kind") == "DeleteOptions":
            return bool(self.body.get("dryRun"))
        return "dryRun" in self.query

    @property
    def writes(self) -> bool:
        """Say whether the request changed, or tried to change, something."""
        return self.verb in WRITES and not self.dry_run

    @property
    def succeeded(self) -> bool:
        """Say whether the server did what was asked."""
        return self.code < 400

    def __str__(self) -> str:
        what = (
            "/".join(part for part in (self.resource, self.subresource) if part)
            or urlsplit(self.request_uri).path
        )
        where = "/".join(part for part in (self.namespace, self.name) if part)
        return f"{self.verb} {what} {where} -> {self.code} ({self.user}, dry run: {self.dry_run})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """The audit log of one control plane; `knock` sends it a request with a word and returns the status."""

    path: Path
    knock: Callable[[str], int]

    def mark(self) -> Mark:
        """Return the place behind everything that has been answered so far."""
        return self._fence()

    def since(self, mark: Mark) -> tuple[AuditEvent, ...]:
        """Return the requests answered since `mark`, oldest first."""
        self._fence()
        return self._read(mark)

    def writes(self, mark: Mark, user: str) -> tuple[AuditEvent, ...]:
        """Return what `user` changed or tried to change since `mark`; dry runs are not among it."""
        return tuple(event for event in self.since(mark) if event.user == user and event.writes)

    def until(
        self,
        found: Callable[[AuditEvent], bool],
        *,
        mark: Mark,
        deadline: float = 10.0,
        message: str = "a request",
    ) -> AuditEvent:
        """Wait for the first request since `mark` for which `found` is true; raises `TimedOutError`."""
        return eventually(
            lambda: next((event for event in self._read(mark) if found(event)), None),
            deadline=deadline,
            message=lambda: f"{message}; seen since: {[str(event) for event in self._read(mark)][-20:]}",
        )

    def _fence(self) -> Mark:
        """Wait until a request of our own stands in the log: what was answered before stands before it.

        A server that does not answer has written all that it ever will.
        """
        word = secrets.token_hex(8)
        start = self.path.stat().st_size
        if self.knock(word) != 200:
            return Mark(self.path.stat().st_size)
        return eventually(
            lambda: self._behind(start, f"knock={word}".encode()), poll=0.002, message="the audit log"
        )

    def _behind(self, start: int, word: bytes) -> Mark:
        position = start
        for line in self._lines(start):
            position += len(line)
            if word in line:
                return Mark(position)
        return Mark(0)

    def _read(self, mark: Mark) -> tuple[AuditEvent, ...]:
        return tuple(event for line in self._lines(mark) if (event := parse(line)) is not None)

    def _lines(self, start: int) -> Iterator[bytes]:
        with self.path.open("rb") as log:
            log.seek(start)
            yield from whole_lines(log)


def parse(line: bytes) -> AuditEvent | None:
    """Turn one line of the log into an event; None for the end of a watch, whose start was told."""
    raw = orjson.loads(line)
    starts = raw["verb"] == "watch" and raw["stage"] == "ResponseStarted"
    if not starts and (raw["stage"] != "ResponseComplete" or _started_before(raw)):
        return None
    target = raw.get("objectRef", {})
    return AuditEvent(
        verb=raw["verb"],
        group=target.get("apiGroup", ""),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        user=raw["user"]["username"],
        user_agent=raw.get("userAgent", ""),
        code=raw.get("responseStatus", {}).get("code", 0),
        request_uri=raw["requestURI"],
        query=dict(parse_qsl(urlsplit(raw["requestURI"]).query, keep_blank_values=True)),
        body=raw.get("requestObject"),
        time=raw["stageTimestamp"],
    )


def _started_before(raw: dict[str, Any]) -> bool:
    return raw["verb"] == "watch" and bool(raw.get("responseStatus", {}).get("code", 0) < 400)
