"""Describe one request to the API server as a value, parse its answer, and decide when to send it again."""

from __future__ import annotations

import asyncio
import functools
import re
import urllib.parse
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias, TypeVar

import orjson

from towline.errors import ApiError, Cause, ClusterError
from towline.kube import nesting, refusals
from towline.model import Body, Key

T = TypeVar("T")

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"

Query: TypeAlias = Mapping[str, str]

ATTEMPTS = 8
RETRY_SECONDS = 20.0
"""The most attempts of one request, and the seconds after the first one in which another may begin."""

PLAIN_ATTEMPTS = 5
"""The same for a 500 that blames nothing: what is wrong may be the object, in words that nobody knows."""

LONGEST_EVENT = 16 * 2**20
"""Bytes; etcd holds objects of 1.5 MiB, and an API server of another make not much more."""

_TOO_DEEP = (
    "it has more than 1,024 levels on the cluster and cannot be read; remove what another client added"
)

_PLAIN = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.~:-]+)+")
"""Paths that are sent as they are; almost all are."""

_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


class UnansweredError(ClusterError):
    """No answer came; `sent` says whether the server may have acted on the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class FencedError(ClusterError):
    """A write was not sent, because another replica may be leading by now."""


class Call(NamedTuple):
    """One request; `path` is not yet quoted.

    `timeout` is in seconds, for one attempt; in a stream the reader has to notice silence.
    """

    verb: str
    path: str
    query: Query = MappingProxyType({})
    body: bytes | None = None
    content_type: str = JSON
    accept: str = JSON
    user_agent: str = ""
    timeout: float = 30.0
    key: Key | None = None

    @property
    def target(self) -> str:
        """The path and query as they are in the request line.

        Raises:
            ClusterError: a name in the path would lead to another path.
        """
        path = self.path if _PLAIN.fullmatch(self.path) else self._quoted()
        return f"{path}?{_urlencoded(tuple(self.query.items()))}" if self.query else path

    def _quoted(self) -> str:
        segments = self.path.split("/")[1:]
        if any(segment in {"", ".", ".."} for segment in segments):
            raise ClusterError(f"{self.verb} {self.path!r} is not a path of the API server")
        return urllib.parse.quote(self.path, safe="/:")

    @property
    def repeatable(self) -> bool:
        """Whether it is idempotent: reads, dry runs, applies, deletions with preconditions."""
        if "dryRun" in self.query:
            return True
        match self.verb:
            case "GET":
                return True
            case "PATCH":
                return self.content_type == APPLY
            case "DELETE":
                return self.body is not None and b'"preconditions"' in self.body
        return False


class Answer(NamedTuple):
    """A success: the HTTP status, the JSON body, and the texts of the server's `Warning` headers."""

    code: int
    body: dict[str, Any]
    warnings: tuple[str, ...] = ()


@functools.lru_cache(maxsize=128)  # thousands of applies in a row differ in their paths alone
def _urlencoded(query: tuple[tuple[str, str], ...]) -> str:
    return urllib.parse.urlencode(query)


def encoded(body: Body | bytes | list[Any] | None) -> bytes | None:
    """Return JSON for `body`; bytes stay as they are."""
    if body is None or isinstance(body, bytes):
        return body
    return orjson.dumps(body, default=_plain)


def written(
    call: Call, host: str, authorization: str, impersonation: Iterable[tuple[str, str]] = ()
) -> bytes:
    """Return the bytes of an HTTP/1.1 request to the API server at the URL `host`, with the headers of impersonation.

    Raises:
        ClusterError: a value would be read as more than one header field.
    """
    server = urllib.parse.urlsplit(host)
    lines = [
        f"{call.verb} {server.path}{call.target} HTTP/1.1",
        f"Host: {server.netloc.rpartition('@')[2]}",
        f"Accept: {call.accept}",
        "Accept-Encoding: identity",
        f"User-Agent: {call.user_agent}",
    ]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    lines += (f"{name}: {value}" for name, value in impersonation)
    if call.body is not None:
        lines += (f"Content-Type: {call.content_type}", f"Content-Length: {len(call.body)}")
    head = "\r\n".join((*lines, "", "")).encode()
    if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1 or b"\0" in head:
        raise ClusterError(f"{call.verb} {call.path}: a control character in what would be sent")
    return head + call.body if call.body else head


async def answer(code: int, content: bytes, warnings: Iterable[str]) -> Answer:
    """Parse a success.

    Raises:
        ApiError: it is one object, and nested too deeply to be read: nothing may be decided on a part of it.
        ClusterError: it is not a JSON object.
    """
    body = await parsed(content) if content else {}
    if isinstance(body, nesting.Cut):
        raise ApiError(413, _TOO_DEEP)
    return Answer(code=code, body=body, warnings=_warnings(warnings))


async def parsed(content: bytes) -> dict[str, Any]:
    """Parse a JSON object, without what is nested too deeply to be read.

    Raises:
        ClusterError: it is not a JSON object, so the answer is not that of an API server.
    """
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = await asyncio.to_thread(_cut, content)
    if not isinstance(body, dict):
        raise ClusterError("what the API server sent is not a JSON object")
    return body


def _cut(content: bytes) -> dict[str, Any]:
    try:
        return nesting.cut(content)
    except ValueError as error:
        raise ClusterError("what the API server sent is not JSON") from error


async def events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any], None]:
    """Cut a stream of bytes into the events of a watch; raises ClusterError for anything else."""
    rest = bytearray()
    async for chunk in chunks:
        rest += chunk
        ended = b"\n" in chunk
        del chunk  # a list comes in pieces of a megabyte, and the next event may come in an hour
        if ended:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield await _event(bytes(line))
            lines.clear()
        if len(rest) > LONGEST_EVENT:
            raise ClusterError("a watch event is too long")
        await asyncio.sleep(0)  # a full buffer must not keep the event loop from others


async def _event(line: bytes) -> dict[str, Any]:
    event = await parsed(line)
    if not isinstance(event.get("type"), str) or not isinstance(event.get("object"), dict):
        raise ClusterError("a watch event without type or object")
    return event


def refusal(code: int, content: bytes, retry_after: str = "") -> ApiError:
    """Turn an unsuccessful answer into an error; a kind that is not served is a plain-text 404."""
    seconds = float(retry_after) if retry_after.isdecimal() else 0.0
    try:
        status = orjson.loads(content)
    except orjson.JSONDecodeError:
        status = None
    if not isinstance(status, dict) or status.get("kind") != "Status":
        text = content[:1024].decode("utf-8", "replace").strip()
        return ApiError(code, text or f"HTTP status {code}", retry_after=seconds)
    return refusal_of(status, code, seconds)


def refusal_of(status: Body, code: int = 0, retry_after: float = 0.0) -> ApiError:
    """Turn a Kubernetes Status, from an answer or from an ERROR event, into an error.

    Servers behind an APIService write their own: fields of a wrong type are left out.
    """
    details = _of(status, "details", dict, {})
    causes = (cause for cause in _of(details, "causes", list, []) if isinstance(cause, dict))
    return ApiError(
        code or _of(status, "code", int, 0) or 500,
        _of(status, "message", str, "") or _of(status, "reason", str, "") or "no message",
        status_reason=_of(status, "reason", str, ""),
        details_kind=_of(details, "kind", str, ""),
        causes=tuple(
            Cause(**{part: _of(cause, part, str, "") for part in ("reason", "message", "field")})
            for cause in causes
        ),
        retry_after=retry_after or float(_of(details, "retryAfterSeconds", int, 0)),
    )


def _of(holder: Body, name: str, kind: type[T], otherwise: T) -> T:
    found = holder.get(name)
    return found if isinstance(found, kind) else otherwise


def pause(call: Call, error: ClusterError, attempt: int, jitter: float) -> float | None:
    """Return the seconds to wait before `call` is sent again, or None where it must not be.

    Args:
        call: what was sent.
        error: how attempt number `attempt` (from 0) ended.
        attempt: how many attempts came before.
        jitter: a random number from 0 to 1.
    """
    most = PLAIN_ATTEMPTS if isinstance(error, ApiError) and error.code == 500 else ATTEMPTS
    if attempt + 1 >= most or not _again(call, error):
        return None
    wait: float = min(0.1 * 2**attempt, 3.0) * (0.5 + jitter)
    return max(wait, error.retry_after + 0.1 * jitter if error.retry_after else 0.0)


def _again(call: Call, error: ClusterError) -> bool:
    if isinstance(error, UnansweredError):
        return call.repeatable or not error.sent
    if not isinstance(error, ApiError):
        return False
    if error.code == 429:
        return True
    if call.repeatable:
        return error.code in {502, 503, 504} or refusals.is_momentary(error)
    return error.code == 503 and error.retry_after > 0


def _warnings(headers: Iterable[str]) -> tuple[str, ...]:
    texts = (match.group(1) for header in headers for match in _WARNING.finditer(header))
    return tuple(re.sub(r"\\(.)", r"\1", text) for text in texts)


def _plain(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
