"""What a killed process or a bad disk leaves behind, and how a mirror comes back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from towline.errors import Reason, SourceError
from towline.source import disk
from towline.source.access import Remote
from towline.source.mirror import Mirrors

from e2e.harness.gitrepo import Repo

MAIN = "refs/heads/main"
SECONDS = 20.0


def mirror_of(folder: Path, remote: Remote) -> Path:
    return folder / "mirrors" / f"{disk.name(remote.identity, b'')}.40"


def pack_of(mirror: Path, suffix: str) -> Path:
    (found,) = (mirror / "objects" / "pack").glob(f"*{suffix}")
    found.chmod(0o600)
    return found


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def become(path: Path, content: str) -> None:
    """Put a file in the place of a folder."""
    shutil.rmtree(path)
    path.write_text(content)


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "pack gone": lambda mirror: pack_of(mirror, ".pack").unlink(),
    "index gone": lambda mirror: pack_of(mirror, ".idx").unlink(),
    "pack cut": lambda mirror: cut(pack_of(mirror, ".pack")),
    "index cut": lambda mirror: cut(pack_of(mirror, ".idx")),
    "pack empty": lambda mirror: os.truncate(pack_of(mirror, ".pack"), 0),
    "index empty": lambda mirror: os.truncate(pack_of(mirror, ".idx"), 0),
    "a bit flipped in the pack": lambda mirror: flip(pack_of(mirror, ".pack")),
    "config garbage": lambda mirror: (mirror / "config").write_text("[garbage"),
    "config empty": lambda mirror: (mirror / "config").write_text(""),
    "config gone": lambda mirror: (mirror / "config").unlink(),
    "HEAD empty": lambda mirror: (mirror / "HEAD").write_text(""),
    "HEAD garbage": lambda mirror: (mirror / "HEAD").write_text("garbage"),
    "HEAD gone": lambda mirror: (mirror / "HEAD").unlink(),
    "HEAD a folder": lambda mirror: become_folder(mirror / "HEAD"),
    "config a folder": lambda mirror: become_folder(mirror / "config"),
    "a file instead of it": lambda mirror: become(mirror, "x"),
    "all gone": shutil.rmtree,
    "all mirrors gone": lambda mirror: shutil.rmtree(mirror.parent),
    "a file instead of the objects": lambda mirror: become(mirror / "objects", "x"),
    "a file instead of the packs": lambda mirror: become(mirror / "objects" / "pack", "x"),
    "a file instead of the refs": lambda mirror: become(mirror / "refs", "x"),
    "a file instead of our refs": lambda mirror: become(mirror / "refs" / "towline", "x"),
    "packed refs cut": lambda mirror: (mirror / "packed-refs").write_text(f"# pack-refs\n{'1' * 20}"),
    "shallow garbage": lambda mirror: (mirror / "shallow").write_text("garbage"),
    "weight garbage": lambda mirror: (mirror / "weight").write_text("heavy"),
    "refs garbage": lambda mirror: [ref.write_text("x\n") for ref in (mirror / "refs" / "towline").iterdir()],
    "refs empty": lambda mirror: [ref.write_text("") for ref in (mirror / "refs" / "towline").iterdir()],
    "refs lead nowhere": lambda mirror: [
        ref.write_text(f"{'1' * 40}\n") for ref in (mirror / "refs" / "towline").iterdir()
    ],
}


async def read(mirrors: Mirrors, remote: Remote, sha: str) -> bytes:
    """Do what passes do, as often as a backoff would within seconds."""
    for _ in range(2):
        try:
            return await attempt(mirrors, remote, sha)
        except SourceError as error:
            assert error.reason == Reason.GIT_UNAVAILABLE  # noqa: PT017  any other reason would not be retried soon
    return await attempt(mirrors, remote, sha)


async def attempt(mirrors: Mirrors, remote: Remote, sha: str) -> bytes:
    await mirrors.fetch(remote, MAIN, sha, SECONDS)
    await mirrors.revision(remote, sha)
    (entry,) = await mirrors.entries(remote, sha, "deep/er")
    return (await mirrors.blobs(remote, [entry.sha]))[entry.sha]


@pytest.mark.parametrize("when", ["while we run", "before we start"])
@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_mirror_heals_by_itself(
    mirrors: Mirrors, repo: Repo, tmp_path: Path, damage: str, when: str
) -> None:
    content = "".join(f"key{number}: {number * 7919}\n" for number in range(500))
    sha = repo.commit({"deep/er/a.yaml": content})
    remote = Remote(url=repo.url)
    assert await read(mirrors, remote, sha) == content.encode()
    DAMAGE[damage](mirror_of(tmp_path / "data", remote))
    used = mirrors if when == "while we run" else Mirrors(tmp_path / "data")
    assert await read(used, remote, sha) == content.encode()
    newer = repo.commit({"deep/er/a.yaml": "b: 2\n"})
    assert await read(used, remote, newer) == b"b: 2\n"


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_mirror_heals_also_where_a_new_commit_is_what_meets_the_damage(
    mirrors: Mirrors, repo: Repo, tmp_path: Path, damage: str
) -> None:
    remote = Remote(url=repo.url)
    assert await read(mirrors, remote, repo.commit({"deep/er/a.yaml": "a: 1\n" * 100}))
    DAMAGE[damage](mirror_of(tmp_path / "data", remote))
    assert await read(mirrors, remote, repo.commit({"deep/er/a.yaml": "b: 2\n"})) == b"b: 2\n"


async def test_what_only_an_old_commit_needs_is_missed_by_a_fetch_and_heals_at_once(
    mirrors: Mirrors, repo: Repo, tmp_path: Path
) -> None:
    repo.commit({"deep/er/a.yaml": "old"})
    lost = bytes.fromhex(repo.git("rev-parse", "main:deep/er/a.yaml"))
    sha = repo.commit({"deep/er/a.yaml": "new"})
    remote = Remote(url=repo.url)
    assert await read(mirrors, remote, sha) == b"new"
    index = pack_of(mirror_of(tmp_path / "data", remote), ".idx")
    index.write_bytes(index.read_bytes().replace(lost, lost[:-1] + bytes([lost[-1] ^ 1])))
    newer = repo.commit({"deep/er/a.yaml": "newest"})
    for used in (mirrors, Mirrors(tmp_path / "data")):
        assert await attempt(used, remote, newer) == b"newest"


async def test_a_lock_that_somebody_left_while_we_run_delays_nothing(
    mirrors: Mirrors, repo: Repo, tmp_path: Path
) -> None:
    sha = repo.commit({"deep/er/a.yaml": "a"})
    remote = Remote(url=repo.url)
    assert await read(mirrors, remote, sha) == b"a"
    folder = mirror_of(tmp_path / "data", remote)
    (kept,) = (folder / "refs" / "towline").iterdir()
    for lock in (kept.with_suffix(".lock"), folder / "packed-refs.lock", folder / "shallow.lock"):
        lock.touch()
    assert await attempt(mirrors, remote, repo.commit({"deep/er/a.yaml": "b"})) == b"b"


async def test_a_data_folder_that_cannot_be_used_is_no_bug_and_said_to_be_the_operators(
    mirrors: Mirrors, repo: Repo, tmp_path: Path
) -> None:
    sha = repo.commit({"deep/er/a.yaml": "a"})
    become(tmp_path / "data" / "mirrors", "no folder")
    with pytest.raises(SourceError, match="data folder: Not a directory") as raised:
        await attempt(mirrors, Remote(url=repo.url), sha)
    assert raised.value.reason == Reason.GIT_UNAVAILABLE


async def test_a_killed_fetch_is_cleared_away_at_the_next_start(
    mirrors: Mirrors, repo: Repo, tmp_path: Path
) -> None:
    sha = repo.commit({"deep/er/a.yaml": "a"})
    remote = Remote(url=repo.url)
    await read(mirrors, remote, sha)
    folder = mirror_of(tmp_path / "data", remote)
    left = [
        folder / "HEAD.lock",
        folder / "config.lock",
        folder / "packed-refs.lock",
        folder / "shallow.lock",
        next((folder / "refs" / "towline").iterdir()).with_suffix(".lock"),
        folder / "objects" / "pack" / "tmp_pack_abc",
        folder / "objects" / "pack" / "tmp_idx_abc",
        folder / "objects" / "pack" / "pack-abc.keep",
    ]
    for path in left:
        path.write_text("left")
    newer = repo.commit({"deep/er/a.yaml": "b"})
    assert await read(Mirrors(tmp_path / "data"), remote, newer) == b"b"
    assert not [path for path in left if path.exists()]


async def test_a_mirror_that_was_never_finished_is_made_anew(repo: Repo, tmp_path: Path) -> None:
    sha = repo.commit({"deep/er/a.yaml": "a"})
    remote = Remote(url=repo.url)
    mirror_of(tmp_path, remote).mkdir(parents=True)
    (mirror_of(tmp_path, remote) / "HEAD").touch()
    assert await read(Mirrors(tmp_path), remote, sha) == b"a"
