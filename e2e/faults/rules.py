"""What passes the proxy, and what may happen to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked; `path` is not quoted."""

    verb: str
    path: str
    query: Mapping[str, str]
    user_agent: str

    @property
    def watches(self) -> bool:
        """Say whether the answer is a stream of events."""
        return self.query.get("watch") in {"1", "true"}

    @property
    def writes(self) -> bool:
        """Say whether it asks for a change, and not for a rehearsal of one."""
        return self.verb != "GET" and "dryRun" not in self.query

    def of(self, resource: str) -> bool:
        """Say whether it is about objects of this plural, one or all."""
        return resource in self.path.split("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request that arrived, when by the loop's clock, and the status that the client got (0: no answer)."""

    request: Request
    moment: float
    status: int


About = Callable[[Request], bool]
"""Which requests are meant."""


def everything(_: Request) -> bool:
    """Mean every request."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that happens to a share of the requests that are meant."""

    share: float
    about: About
    status: int = 0
    retry_after: int | None = None
    delay: float = 0.0
    drops_answer: bool = False
    loses_events: bool = False


def told(code: int) -> dict[str, object]:
    """Return the Status that tells of a failure."""
    phrase = HTTPStatus(code).phrase
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"the proxy says: {phrase}",
        "reason": _REASONS.get(code, phrase.title().replace(" ", "")),
        "code": code,
    }


_REASONS = {410: "Expired", 500: "InternalError"}


def refusal(rule: Rule) -> web.Response:
    """Return the answer that a rule gives in the API server's place."""
    headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
    return web.json_response(told(rule.status), status=rule.status, headers=headers)
