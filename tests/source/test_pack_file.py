"""A small pack is read as git reads it, and a broken one is left to git."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from towline.source.trees import pack_file
from towline.source.trees.pack_file import NotInPackError, PackFile

from e2e.harness.gitrepo import Repo

VERSIONS = 12
LINES = "".join(f"key-{number}: {number * 7919}\n" for number in range(400))


def packed(repo: Repo) -> None:
    """Commit versions of a long file that git stores as changes of each other, and pack them all."""
    for number in range(VERSIONS):
        changed = LINES.replace(f"key-{number * 30}:", f"new-{number}:") + "end\n" * number
        repo.commit({"long.yaml": changed, "apps/short.yaml": str(number)})
    repo.git("repack", "-a", "-d", "-f", "-q")


def names(repo: Repo) -> list[tuple[str, str]]:
    """Return the id and the kind of every object."""
    told = repo.git("cat-file", "--batch-check=%(objectname) %(objecttype)", "--batch-all-objects")
    return [(sha, kind) for sha, _, kind in (line.partition(" ") for line in told.splitlines())]


def read(repository: Path) -> PackFile:
    pack = pack_file.opened(repository)
    assert pack
    return pack


def test_every_object_of_a_pack_is_read_as_git_reads_it(repo: Repo) -> None:
    packed(repo)
    deltas = repo.git("cat-file", "--batch-check=%(deltabase)", "--batch-all-objects").split()
    assert sum(base.strip("0") != "" for base in deltas) >= VERSIONS // 2, "git stores changes"
    for sha, kind in names(repo):
        found = read(repo.path).read(sha)
        head = f"{kind} {read(repo.path).size(sha)}\0".encode()
        assert found.kind == kind
        assert hashlib.sha1(head + found.content, usedforsecurity=False).hexdigest() == sha


def test_an_object_that_a_pack_lacks_is_left_to_git(repo: Repo) -> None:
    packed(repo)
    with pytest.raises(NotInPackError):
        read(repo.path).read("0" * 40)


def test_a_small_pack_that_holds_very_much_is_left_to_git(repo: Repo) -> None:
    repo.commit({"a.yaml": "a" * 1_000_000})
    repo.git("repack", "-a", "-d", "-q")
    with pytest.raises(NotInPackError):
        read(repo.path).read(repo.git("rev-parse", "main:a.yaml"))
    assert read(repo.path).size(repo.git("rev-parse", "main:a.yaml")) == 1_000_000


def test_all_that_is_read_of_one_pack_is_bounded(repo: Repo) -> None:
    repo.commit({"a.yaml": "a" * 100_000})
    repo.git("repack", "-a", "-d", "-q")
    pack, sha = read(repo.path), repo.git("rev-parse", "main:a.yaml")
    assert len(pack.read(sha).content) == len(pack.read(sha).content) == 100_000
    with pytest.raises(NotInPackError):
        pack.read(sha)


def test_several_packs_and_cut_histories_are_left_to_git(repo: Repo) -> None:
    repo.commit({"a.yaml": "a"})
    assert pack_file.opened(repo.path) is None
    repo.git("repack", "-d", "-q")
    assert pack_file.opened(repo.path)
    (repo.path / "shallow").write_text(repo.sha("main"))
    assert pack_file.opened(repo.path) is None
    (repo.path / "shallow").unlink()
    repo.commit({"a.yaml": "b"})
    repo.git("repack", "-d", "-q")
    assert pack_file.opened(repo.path) is None


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_what_is_broken_never_ends_in_another_error(repo: Repo, data: st.DataObject) -> None:
    if not (repo.path / "objects" / "pack").exists() or not any(repo.path.rglob("*.pack")):
        packed(repo)
    (file,) = repo.path.rglob("*.pack")
    contents = [bytearray(file.read_bytes()), bytearray(file.with_suffix(".idx").read_bytes())]
    for _ in range(data.draw(st.integers(1, 3))):
        broken = data.draw(st.sampled_from(contents))
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 40))
    try:
        pack = PackFile(bytes(contents[0][: len(contents[0]) - cut]), bytes(contents[1]))
    except NotInPackError:
        return
    for sha, _ in names(repo)[:20]:
        try:
            pack.read(sha)
            pack.size(sha)
        except NotInPackError:
            pass
