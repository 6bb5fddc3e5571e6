"""An operator that serves strangers does not tell them what answers in its network."""

from __future__ import annotations

import socket
from collections.abc import Callable

from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository


def test_a_closed_port_and_a_server_that_is_none_of_git_read_the_same_and_the_log_tells_them_apart(
    private_operator: Callable[..., Operator],
    git_server: GitServer,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator("--hide-connection-details")
    operator.start()
    absent = f"{git_server.url}/no-such-repository.git"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/app.git"
        said = [
            _told(git_repository(name, url=url), url)
            for name, url in (("closed", closed), ("absent", absent))
        ]
    assert said[0] == said[1]
    errors = [line["error"] for line in operator.log() if line["event"] == "a Git server could not be used"]
    assert any("cannot reach" in error for error in errors)
    assert any("not found" in error for error in errors)


def _told(app: Repository, url: str) -> str:
    app.until_reason("GitUnavailable")
    return str(app.condition()["message"]).replace(url, "…")
