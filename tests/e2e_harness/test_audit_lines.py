"""One request is one event, whatever the audit log makes of it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import audit
from e2e.harness.audit import AuditLog, Mark
from e2e.harness.growing import whole_lines


def _line(**values: Any) -> bytes:
    line = {
        "stage": "ResponseComplete",
        "verb": "get",
        "requestURI": "/api/v1/namespaces/shop/configmaps/settings",
        "user": {"username": "towline"},
        "stageTimestamp": "2026-01-01T00:00:00.000000Z",
        "responseStatus": {"code": 200},
    }
    return json.dumps({**line, **values}).encode() + b"\n"


@pytest.mark.parametrize(
    ("stage", "code", "counted"),
    [
        ("ResponseStarted", 200, True),
        ("ResponseComplete", 200, False),
        ("ResponseComplete", 403, True),
        ("Panic", 500, False),
    ],
)
def test_a_watch_counts_once_when_it_starts_or_is_refused(stage: str, code: int, *, counted: bool) -> None:
    event = audit.parse(_line(verb="watch", stage=stage, responseStatus={"code": code}))
    assert (event is not None) is counted


@pytest.mark.parametrize(
    ("values", "dry"),
    [
        ({"verb": "patch", "requestURI": "/api/v1/x?fieldManager=a&dryRun=All"}, True),
        ({"verb": "patch", "requestURI": "/api/v1/x?fieldManager=a"}, False),
        ({"verb": "delete", "requestObject": {"kind": "DeleteOptions", "dryRun": ["All"]}}, True),
        ({"verb": "delete", "requestObject": {"kind": "DeleteOptions"}}, False),
        ({"verb": "delete", "requestURI": "/api/v1/x?dryRun=All"}, True),
        (
            {
                "verb": "delete",
                "requestURI": "/api/v1/x?dryRun=All",
                "requestObject": {"kind": "DeleteOptions"},
            },
            False,
        ),
    ],
)
def test_a_dry_run_is_known_by_the_query_or_the_options(values: dict[str, Any], *, dry: bool) -> None:
    event = audit.parse(_line(**values))
    assert event is not None
    assert event.dry_run is dry
    assert event.writes is not dry


def test_a_read_is_no_write() -> None:
    event = audit.parse(_line())
    assert event is not None
    assert not event.writes


def test_a_line_that_is_still_being_written_is_left_for_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(_line(verb="create") + _line(verb="update")[:40])
    log = AuditLog(path=path, knock=lambda _word: 0)
    assert [event.verb for event in log.since(Mark(0))] == ["create"]
    path.write_bytes(_line(verb="create") + _line(verb="update"))
    assert [event.verb for event in log.since(Mark(0))] == ["create", "update"]


class _Growing(io.RawIOBase):
    """A file whose end is reached in the midst of a line, which is written on before the next read."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._pieces.pop(0) if self._pieces else b""
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_line_that_is_being_written_is_none_yet_nor_is_its_rest() -> None:
    growing = _Growing(b"first\nsec", b"", b"ond\nthird\n")
    assert list(whole_lines(io.BufferedReader(growing))) == [b"first\n"]
