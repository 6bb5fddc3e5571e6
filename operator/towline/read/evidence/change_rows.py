"""The changes of records as rows for a spreadsheet, one for each field; no cell can become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from towline import text
from towline.model import Body

COLUMNS = (
    *("repository", "sequence", "record", "trigger", "requestedBy", "outcome", "startedAt", "finishedAt"),
    *("commit", "author", "authorEmail", "mergedBy", "pullRequest", "subject", "commits"),
    *("object", "action", "file", "line", "changedBy", "field", "old", "new", "by", "at"),
    *("failure", "failureMessage", "previous", "digest", "verification"),
)

_FORMULA = frozenset("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet may take for the beginning of a formula, or of a command, also in full width."""

_CHARACTERS = 32_000
"""A cell of common spreadsheets holds 32,767."""


def write(bodies: Iterable[Body]) -> Iterator[str]:
    """Yield lines of CSV, RFC 4180 with every cell quoted: the header, then the rows of each record."""
    yield _line(COLUMNS)
    for body in bodies:
        for row in _rows(body):
            yield _line(cell(row.get(column)) for column in COLUMNS)


def cell(value: Any) -> str:
    """Return a value as the text of a cell: what a spreadsheet would compute is quoted by an apostrophe in front."""
    if value is None:
        return ""
    shown = value if isinstance(value, str) else orjson.dumps(value).decode()
    plain = "".join(" " if text.is_hidden(char) else char for char in shown)
    begin = plain.lstrip()[:1]
    is_formula = begin in _FORMULA if begin else False
    return f"'{plain[:_CHARACTERS]}" if is_formula or shown[:1] in _FORMULA else plain[:_CHARACTERS]


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def _rows(body: Body) -> Iterator[dict[str, Any]]:
    """Yield a row for each field; an object without fields, and a record without objects, has one row."""
    record = _record(body)
    changes = body["spec"].get("changes", ())
    failures = (body.get("status") or {}).get("failures", ())
    refused = {failure["change"]: failure for failure in failures if "change" in failure}
    general = [failure for failure in failures if "change" not in failure]
    for index, change in enumerate(changes):
        row = {**record, **_change(change), **_failure(refused.get(index, {}))}
        fields: Sequence[Body] = change.get("fields") or ({},)
        yield from ({**row, **_field(field)} for field in fields)
    for failure in general:
        yield {**record, **_failure(failure)}
    if not changes and not general:
        yield record


def _record(body: Body) -> dict[str, Any]:
    spec, status = body["spec"], body.get("status") or {}
    subject = spec["repository"]
    commits = spec.get("commits", ())
    head: Body = next((commit for commit in commits if commit["sha"] == spec.get("to")), {})
    author = spec.get("author") or head.get("author", {})
    return {
        "repository": f"{subject['namespace']}/{subject['name']}",
        "sequence": spec["sequence"],
        "record": body["metadata"]["name"],
        "trigger": spec["trigger"],
        "requestedBy": (spec.get("requestedBy") or {}).get("user"),
        "outcome": status.get("outcome", "Running"),
        "startedAt": spec["startedAt"],
        "finishedAt": status.get("finishedAt"),
        "commit": spec.get("to"),
        "author": author.get("name"),
        "authorEmail": author.get("email"),
        "mergedBy": head.get("mergedBy"),
        "pullRequest": head.get("pullRequest"),
        "subject": head.get("subject"),
        "commits": " ".join(commit["sha"] for commit in commits),
        "previous": spec.get("previous"),
        "digest": status.get("digest"),
        "verification": (spec.get("verification") or {}).get("verdict"),
    }


def _change(change: Body) -> dict[str, Any]:
    named = {name: change.get(name) for name in ("object", "action", "file", "line")}
    return {**named, "changedBy": change.get("commit")}


def _field(field: Body) -> dict[str, Any]:
    return {"field": field.get("path"), **{name: field.get(name) for name in ("old", "new", "by", "at")}}


def _failure(failure: Body) -> dict[str, Any]:
    return {"failure": failure.get("reason"), "failureMessage": failure.get("message")}
