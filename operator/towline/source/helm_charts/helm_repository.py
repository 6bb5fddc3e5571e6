"""Find a chart in the index of a Helm repository (index.yaml), which says where its archive is."""

from __future__ import annotations

import asyncio
import re
from typing import Any, NamedTuple
from urllib.parse import urljoin

import orjson
import yaml

from towline.errors import Reason, SourceError
from towline.http.connection import Reply
from towline.source.helm_charts.chart_access import ChartAccess
from towline.source.helm_charts.chart_http import ChartHttp, WantedFile
from towline.source.helm_charts.chart_name import ChartName, ChartNameError

INDEX_BYTES = 32 * 1024**2
ARCHIVE_BYTES = 20 * 1024**2
_ENTRY_BYTES = 256 * 1024
_DEEPEST = 20
_LIKELY = 10
_SHOWN = 5
_ITEM = re.compile(rb"^( *)- ", re.MULTILINE)
_VERSION = re.compile(rb"^ *(?:- )?version: *[\"']?([0-9A-Za-z.+-]{1,40})[\"']? *$", re.MULTILINE)
_KEY = re.compile(rb"^( *)[^ \t\r\n#]", re.MULTILINE)
_ENTRIES = b"entries:"
_BLANK = re.compile(rb"[ \t]*(?:#.*)?\r?")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)


class Archived(NamedTuple):
    """A packed chart, and where it came from."""

    content: bytes
    resolved: str


class _Listed(NamedTuple):
    """What an index says of one version."""

    url: str
    digest: str


async def promised(http: ChartHttp, chart: ChartName, access: ChartAccess, seconds: float) -> str:
    """Return the digest (sha256, hex) that the index says a chart has; empty where it says none.

    Raises:
        ChartNameError, SourceError: as `fetch` does.
    """
    return (await _found(http, chart, access, seconds)).digest


async def fetch(
    http: ChartHttp, chart: ChartName, access: ChartAccess, seconds: float
) -> tuple[Archived, str]:
    """Return the archive of a chart, and the digest (sha256, hex) that the index says it has; empty where it says none.

    Raises:
        ChartNameError: the repository does not have it.
        SourceError: the repository cannot be read.
    """
    listed = await _found(http, chart, access, seconds)
    archive = urljoin(f"{chart.repository}/", listed.url)
    if not archive.startswith(("https://", "http://")):
        raise ChartNameError(f"is listed at {archive[:200]}: name that repository instead")
    reply = await http.get(_wanted(archive, access, ARCHIVE_BYTES, seconds))
    checked(archive, reply, access)
    return Archived(reply.content, archive.partition("?")[0]), listed.digest


async def _found(http: ChartHttp, chart: ChartName, access: ChartAccess, seconds: float) -> _Listed:
    url = f"{chart.repository}/index.yaml"
    reply = await http.get(_wanted(url, access, INDEX_BYTES, seconds))
    if reply.status == 404:
        raise ChartNameError(f"is in no Helm repository: {url} does not exist")
    checked(url, reply, access)
    return await asyncio.to_thread(_listed, reply.content, chart)


def checked(url: str, reply: Reply, access: ChartAccess) -> None:
    """Refuse an answer that is not a success.

    Raises:
        SourceError: with what the status means.
    """
    if reply.status in {401, 403}:
        who = f"the credentials in Secret {access.name}" if access.name else "requests without credentials"
        advice = "update it" if access.name else "name a Secret with them in spec.remotes"
        message = f"{url}: the server rejects {who}: {advice} ({reply.status})"
        raise SourceError(Reason.AUTHENTICATION_FAILED, message)
    if reply.status != 200:
        raise SourceError(Reason.GIT_UNAVAILABLE, f"{url}: the server answers {reply.status}")


def _wanted(url: str, access: ChartAccess, limit: int, seconds: float) -> WantedFile:
    return WantedFile(
        url=url, access=access, limit=limit, seconds=seconds, authorization=access.authorization
    )


def _listed(index: bytes, chart: ChartName) -> _Listed:
    """Find one version in an index."""
    versions, known = _versions(index, chart)
    for each in versions:
        if isinstance(each, dict) and str(each.get("version")) == chart.version:
            return _of(each, chart)
    if not known:
        raise ChartNameError(f"does not exist: {chart.repository} has no chart of this name")
    raise ChartNameError(f"does not exist: {chart.repository} has {', '.join(known[:_SHOWN])} of it")


def _of(entry: dict[str, Any], chart: ChartName) -> _Listed:
    urls = entry.get("urls")
    first = urls[0] if isinstance(urls, list) and urls else ""
    if not isinstance(first, str) or not first:
        raise SourceError(Reason.GIT_UNAVAILABLE, f"{chart.repository}: the index says of {chart} no url")
    digest = entry.get("digest") or ""
    match = _DIGEST.fullmatch(str(digest))
    if digest and not match:
        raise SourceError(
            Reason.GIT_UNAVAILABLE, f"{chart.repository}: the digest of {chart} is not a sha256"
        )
    return _Listed(first, match[1].lower() if match else "")


def _versions(index: bytes, chart: ChartName) -> tuple[list[Any], list[str]]:
    """Return the entries that may be of one version, and the versions that there are, as far as they are read.

    Of YAML only these lines are parsed, because an index is large.
    """
    if not index.lstrip().startswith(b"{"):
        items = _items(_lines(index, chart))
        likely = [each for each in items if chart.version.encode() in each][:_LIKELY]
        known = [match[1].decode("utf-8", "replace") for each in items if (match := _VERSION.search(each))]
        return [one for each in likely for one in _parsed(each, chart)], known or [""] * len(items)
    try:
        value = orjson.loads(index)
    except orjson.JSONDecodeError as error:
        raise _unreadable(chart, "is not valid JSON") from error
    entries = value.get("entries") if isinstance(value, dict) else None
    found = entries.get(chart.name) if isinstance(entries, dict) else None
    listed = found if isinstance(found, list) else []
    return listed, [str(each.get("version"))[:40] for each in listed if isinstance(each, dict)]


def _items(lines: bytes) -> list[bytes]:
    """Split a list in block style into its items."""
    first = _ITEM.search(lines)
    if first is None:
        return [lines] if lines.strip() else []
    begins = [match.start() for match in _ITEM.finditer(lines) if match[1] == first[1]]
    return [lines[start:end] for start, end in zip(begins, [*begins[1:], len(lines)], strict=True)]


def _lines(index: bytes, chart: ChartName) -> bytes:
    """Cut the lines of one name out of an index in block style, as Helm writes it.

    Only plain searches go over the whole index: a regular expression would hold up the event loop.
    """
    begin = 0 if index.startswith(_ENTRIES) else index.find(b"\n" + _ENTRIES) + 1
    if not index.startswith(_ENTRIES, begin):
        raise _unreadable(chart, "has no line `entries:`")
    first = _KEY.search(index, begin + len(_ENTRIES))
    if first is None:
        return b""
    start = _line_after(index, first, chart.name.encode())
    if start < 0:
        return b""
    end = re.compile(rb"^ {0,%d}[^ \t\r\n#-]" % len(first[1]), re.MULTILINE).search(index, start)
    return index[start : end.start() if end else len(index)]


def _line_after(index: bytes, first: re.Match[bytes], name: bytes) -> int:
    """Return where the line behind a key begins that is as deep as the first one; -1 where there is none."""
    for quote in (b"", b'"', b"'"):
        key = b"\n" + first[1] + quote + name + quote + b":"
        at = index.find(key, first.start() - 1)
        end = index.find(b"\n", at + len(key))
        if at >= 0 and end >= 0 and _BLANK.fullmatch(index[at + len(key) : end]):
            return end + 1
    return -1


def _parsed(lines: bytes, chart: ChartName) -> list[Any]:
    """Parse a few lines of YAML without aliases and depth: the parser in C does not survive every depth."""
    if len(lines) > _ENTRY_BYTES:
        raise _unreadable(chart, f"says more than {_ENTRY_BYTES} bytes of one version")
    depth = 0
    try:
        for event in yaml.parse(lines, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
                raise _unreadable(chart, "has aliases, or is too deep")
        value = yaml.load(lines, Loader=yaml.BaseLoader)  # noqa: S506  texts alone
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unreadable(chart, "is not valid YAML") from error
    return value if isinstance(value, list) else []


def _unreadable(chart: ChartName, why: str) -> SourceError:
    return SourceError(Reason.GIT_UNAVAILABLE, f"{chart.repository}/index.yaml {why}")
