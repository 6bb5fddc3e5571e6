"""What the log leaves out, and what it never does."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from towline import log
from towline.errors import ClusterError


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, one line each; the logging of the test run comes back afterwards."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    log.configure("info", stream)
    yield stream
    root.handlers[:], root.level = before, level


@pytest.mark.parametrize(
    "said",
    [
        "Request attempt #1 failed; will retry: GET /apis -> ClientConnectionError('Connector is closed.')",
        "Request attempt #2 failed; TCP closed; will re-authenticate: GET /apis",
    ],
)
def test_that_kopf_has_closed_its_own_session_is_no_error(lines: io.StringIO, said: str) -> None:
    logging.getLogger("kopf._core.reactor.observation").error(said)
    assert lines.getvalue() == ""


def test_other_errors_of_kopf_and_the_same_words_of_others_are_logged(lines: io.StringIO) -> None:
    logging.getLogger("kopf._core.reactor.observation").error("Request attempt #1 failed: no route to host")
    logging.getLogger("towline.reconcile.reconciler").error("Connector is closed")
    assert [json.loads(line)["event"] for line in lines.getvalue().splitlines()] == [
        "Request attempt #1 failed: no route to host",
        "Connector is closed",
    ]


def test_a_trace_shows_the_way_through_the_code_and_quotes_no_value(lines: io.StringIO) -> None:
    secret = "hunter-2"
    try:
        try:
            int(secret)
        except ValueError as error:
            raise ClusterError("no answer") from error
    except ClusterError:
        log.logger("towline.reconcile.reconciler").exception(
            "a bug ended the reconciliation", repository="shop/app"
        )
        logging.getLogger("kopf.activities").exception("Activity failed")
    ours, theirs = (json.loads(line)["exception"] for line in lines.getvalue().splitlines())
    for trace in (ours, theirs):
        assert secret not in trace
        assert "ValueError" in trace
        assert "ClusterError: no answer" in trace
        assert "test_a_trace_shows_the_way" in trace
