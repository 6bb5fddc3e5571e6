"""The Git server of the stories serves stock git, and fails as it is told."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from e2e.harness import gitserver
from e2e.harness.gitserver import Fault, GitServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with gitserver.serving(tmp_path / "served") as running:
        yield running


def _git(folder: Path, *arguments: str, **environment: str) -> str:
    answer = subprocess.run(
        ["git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_TERMINAL_PROMPT": "0", **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if answer.returncode:
        raise ValueError(answer.stderr)
    return answer.stdout


def test_stock_git_clones_what_was_committed(server: GitServer, tmp_path: Path) -> None:
    repo = server.create("team/shop")
    sha = repo.commit({"app/settings.yaml": "colour: blue\n"})
    _git(tmp_path, "clone", "--quiet", repo.url, "clone")
    assert (tmp_path / "clone/app/settings.yaml").read_text() == "colour: blue\n"
    assert _git(tmp_path / "clone", "rev-parse", "HEAD").strip() == sha


@pytest.mark.parametrize("version", ["0", "2"])
def test_every_protocol_version_of_git_is_served(server: GitServer, tmp_path: Path, version: str) -> None:
    repo = server.create("shop")
    sha = repo.commit({"a": "1"})
    told = _git(
        tmp_path, "-c", f"protocol.version={version}", "ls-remote", repo.url, "main", GIT_TRACE_PACKET="1"
    )
    assert told.split() == [sha, "refs/heads/main"]
    assert server.requests("shop")[0].path == "/info/refs"
    assert len(server.requests("shop")) == {"0": 1, "2": 2}[version]


def test_a_push_larger_than_one_request_buffer_arrives_whole(server: GitServer, tmp_path: Path) -> None:
    repo = server.create("shop")
    repo.commit({"a": "1"})
    _git(tmp_path, "clone", "--quiet", repo.url, "clone")
    content = os.urandom(3_000_000)
    (tmp_path / "clone" / "big").write_bytes(content)
    _git(tmp_path / "clone", "add", "big")
    _git(tmp_path / "clone", "commit", "--quiet", "-m", "Add big")
    _git(tmp_path / "clone", "push", "--quiet")
    assert repo.sha() == _git(tmp_path / "clone", "rev-parse", "HEAD").strip()
    assert repo.git("cat-file", "-s", "main:big") == "3000000"


@pytest.mark.parametrize(
    ("fault", "said"),
    [(Fault.ERROR, "error: 500"), (Fault.DOWN, "unable to access"), (Fault.CUT, "transfer closed")],
)
def test_a_repository_fails_as_told_and_recovers(
    server: GitServer, tmp_path: Path, fault: Fault, said: str
) -> None:
    failing, other = server.create("failing"), server.create("other")
    failing.commit({"a": "1"})
    other.commit({"a": "1"})
    with server.failing("failing", fault), pytest.raises(ValueError, match=said):
        _git(tmp_path, "ls-remote", failing.url)
    assert _git(tmp_path, "ls-remote", failing.url)
    assert _git(tmp_path, "ls-remote", other.url)


def test_a_hanging_request_ends_when_the_fault_does(server: GitServer, tmp_path: Path) -> None:
    repo = server.create("shop")
    repo.commit({"a": "1"})
    server.fault("shop", Fault.HANG)
    with subprocess.Popen(
        ["git", "ls-remote", repo.url], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as client:
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(0.5)
        server.fault("shop", Fault.NONE)
        assert client.wait(10) != 0


def test_only_the_right_authorization_is_admitted(server: GitServer, tmp_path: Path) -> None:
    repo = server.create("private", authorization=f"Basic {base64.b64encode(b'towline:hunter2').decode()}")
    repo.commit({"a": "1"})
    with pytest.raises(ValueError, match=r"Authentication failed|could not read Username"):
        _git(tmp_path, "ls-remote", repo.url)
    assert _git(tmp_path, "ls-remote", repo.url.replace("http://", "http://towline:hunter2@"))
    assert [request.authorized for request in server.requests("private")][:1] == [False]


def test_it_serves_https_with_a_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    with gitserver.serving(tmp_path / "served", context) as server:
        repo = server.create("shop")
        repo.commit({"a": "1"})
        assert _git(tmp_path, "ls-remote", repo.url, GIT_SSL_CAINFO=str(tmp_path / "ca.crt"))
        with pytest.raises(ValueError, match="certificate"):
            _git(tmp_path, "ls-remote", repo.url)
