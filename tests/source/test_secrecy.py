"""Where credentials go: to the server, and nowhere else."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from pathlib import Path

import pytest
from towline.errors import Reason, SourceError
from towline.source.access import Remote
from towline.source.mirror import Mirrors

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from tests.source import badserver, processes
from tests.source.waiting import until

SECRET = "s3cr3t-and-\"odd\\;#'"
PAIR = base64.b64encode(f"ann:{SECRET}".encode()).decode()


def credential(kind: str, secret: str) -> Remote:
    return (
        Remote(url="", username="ann", password=secret) if kind == "Basic" else Remote(url="", token=secret)
    )


@pytest.mark.parametrize(("kind", "sent"), [("Basic", PAIR), ("Bearer", SECRET)])
async def test_a_credential_opens_a_private_repository(
    mirrors: Mirrors, repo: Repo, server: GitServer, kind: str, sent: str
) -> None:
    sha = repo.commit({"a.yaml": "a"})
    server.require(repo.path.stem, f"{kind} {sent}")
    good = replace(credential(kind, SECRET), url=repo.url)
    assert (await mirrors.look(good, 20.0)).names["refs/heads/main"] == sha
    await mirrors.fetch(good, "refs/heads/main", sha, 20.0)
    for bad in (Remote(url=repo.url), replace(credential(kind, "wr0ng"), url=repo.url)):
        with pytest.raises(SourceError) as raised:
            await mirrors.look(bad, 20.0)
        assert raised.value.reason == Reason.AUTHENTICATION_FAILED
        assert "wr0ng" not in raised.value.message


@pytest.mark.parametrize("kind", ["Basic", "Bearer"])
async def test_no_process_and_no_file_shows_a_credential(mirrors: Mirrors, tmp_path: Path, kind: str) -> None:
    async with badserver.answering(badserver.silence) as bad:
        remote = replace(credential(kind, SECRET), url=bad.url)
        fetching = asyncio.create_task(mirrors.fetch(remote, "refs/tags/v1", "a" * 40, 20.0))
        await until(lambda: bad.requests)
        shown = processes.shown(mentioning=bad.url)
        fetching.cancel()
        await mirrors.aclose()
    assert any(form in bad.requests[0].decode() for form in (SECRET, PAIR))
    assert len(shown) >= 2, "git and its transport"
    for text in (*shown.values(), *contents(tmp_path)):
        assert SECRET.encode() not in text
        assert PAIR.encode() not in text


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_git_sees_nothing_of_the_operators_own_environment(
    mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "of-the-operator")
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    async with badserver.answering(badserver.silence) as bad:
        fetching = asyncio.create_task(mirrors.fetch(Remote(url=bad.url), "refs/tags/v1", "a" * 40, 20.0))
        await until(lambda: bad.requests)
        shown = processes.shown(mentioning=bad.url)
        fetching.cancel()
        await mirrors.aclose()
    assert shown
    assert not any(b"of-the-operator" in text or b"NO_VERIFY" in text for text in shown.values())


async def test_a_hook_a_filter_and_a_configuration_of_the_user_do_nothing(
    mirrors: Mirrors, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "ran"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[core]\n\tfsmonitor = "touch {marker}"\n[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://\n'
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(home))
    sha = repo.commit({".gitattributes": "* filter=x export-subst\n", "a.yaml": "$Format:%H$\n"})
    remote = Remote(url=repo.url)
    await mirrors.fetch(remote, "refs/heads/main", sha, 20.0)
    blobs = await mirrors.blobs(remote, [entry.sha for entry in await mirrors.entries(remote, sha, ".")])
    assert b"$Format:%H$\n" in blobs.values()
    assert not marker.exists()
