"""A small commit is read by one process or none, and what that tells is what the usual way of reading tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from towline.errors import Reason, SourceError
from towline.source import history
from towline.source.mirror import Mirrors
from towline.source.trees import glance

from e2e.harness.gitrepo import Repo
from tests.source.commands import started
from tests.source.passes import fetched, stored

AUTHORS = (
    "Ann <ann@example.com> 1700000000 +0100",
    "Ann  <ann@example.com> 1700000000 -1130",
    "<ann@example.com> 1700000000 +0000",
    "Ann <> 0 +0000",
    "Ännchen «x» <ä@example.com> 1700000000 +0000",
    "Ann <ann@example.com> 99999999999999999999 +0000",
    "Ann <ann@example.com>",
    "Ann <ann@example.com> then <more> 1700000000 +0000",
    ". Ann, <ann@example.com> 1700000000 +0000",
)
MESSAGES = (
    "Subject\n\nBody\n",
    "",
    "\n\n  Late subject  \n",
    "Tab\tand \x1b[31mcolour\n",
    "Merge pull request #12 from ann/branch\n\nTitle\n",
    "Change (#34)\n",
    "Long " * 2000,
    "No end",
    "Merge branch 'feature'\n\nTitle\n",
    "Change\n\nReviewed-by: Ann <a@x>\nChange-Id: I" + "0123456789" * 4 + "\n",
    "Dots at the end ..",
)


def commit(repo: Repo, author: str, message: str, *headers: str, parents: tuple[str, ...] = ()) -> str:
    """Make a commit object of exactly these lines."""
    tree = repo.git("rev-parse", "main^{tree}")
    lines = (
        f"tree {tree}",
        *(f"parent {parent}" for parent in parents),
        f"author {author}",
        "committer GitHub <noreply@github.com> 1700000001 +0000",
        *headers,
    )
    content = "".join(f"{line}\n" for line in lines) + "\n" + message
    return repo.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=content)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_commit_object_says_what_git_log_says(repo: Repo, message: str) -> None:
    first = repo.commit({"a.yaml": "a"})
    made = [commit(repo, author, message) for author in AUTHORS]
    made.append(commit(repo, AUTHORS[0], message, "gpgsig -----BEGIN\n \n abc\n -----END"))
    made.append(commit(repo, AUTHORS[0], message, "encoding ISO-8859-1"))
    made.append(commit(repo, AUTHORS[0], message, parents=(first,)))
    made.append(commit(repo, AUTHORS[0], message, parents=(first, made[0])))
    read = 0
    for sha in made:
        content = repo.git("cat-file", "commit", sha).encode() + b"\n" * message.endswith("\n")
        found = history.from_object(sha, content)
        if found:
            read += 1
            log = repo.git("log", "-z", "-1", f"--format={history.FORMAT}", sha)
            assert (found,) == history.parse(log.encode())
    assert read >= 6 or len(message) > 4000


async def both(mirrors: Mirrors, repo: Repo, path: str, tmp_path: Path) -> None:
    """Read a commit from its pack, by one process, and as usual, and compare."""
    remote, sha = await fetched(mirrors, repo)
    usual, asking = Mirrors(tmp_path / "data"), Mirrors(tmp_path / "asking")
    for other in (usual, asking):
        await other.fetch(remote, "refs/heads/main", sha, 20.0)
    let_git_read(tmp_path / "asking")
    for quick in (mirrors, asking):
        await quick.glance(remote, sha, path)
        assert await quick.revision(remote, sha) == await usual.revision(remote, sha)
        found = await quick.entries(remote, sha, path)
        assert found == await usual.entries(remote, sha, path)
        shas = [each.sha for each in found if each.path.endswith((".yaml", ".json"))]
        assert await quick.blobs(remote, shas) == await usual.blobs(remote, shas)


def let_git_read(folder: Path) -> None:
    """Give mirrors a second pack: then it is left to git to find out which of them holds what."""
    for pack in folder.rglob("*.pack"):
        pack.with_name("pack-of-another-fetch.pack").touch()


@pytest.mark.parametrize("path", [".", "apps", "apps/deep", "with space"])
async def test_files_folders_and_symlinks_are_told_in_the_same_order(
    mirrors: Mirrors, repo: Repo, tmp_path: Path, path: str
) -> None:
    files = {
        "a.yaml": "a",
        "apps.yaml": "between",
        "apps/one.yaml": "1",
        "apps/deep/er/two.json": "{}",
        "apps/deep/same.yaml": "1",
        "apps-x/three.yml": "3",
        "with space/ü.yaml": "u",
        "README.md": "x" * 100_000,
        "empty.yaml": "",
    }
    repo.commit(files)
    await both(mirrors, repo, path, tmp_path)


async def test_odd_modes_and_names_are_told_alike(mirrors: Mirrors, repo: Repo, tmp_path: Path) -> None:
    repo.commit({"a.yaml": "a"})
    blob = repo.git("rev-parse", "main:a.yaml")
    lines = (
        f"100644 blob {blob}\tb\n.yaml",
        f"100755 blob {blob}\tc.yaml",
        f"120000 blob {blob}\tlink.yaml",
        f"160000 commit {repo.sha('main')}\tmodule",
    )
    await stored(repo, "mktree", "".join(f"{line}\0" for line in lines).encode())
    await both(mirrors, repo, ".", tmp_path)


@pytest.mark.parametrize("processes", [[], ["cat-file"]], ids=["just come", "among others"])
async def test_a_small_commit_takes_no_process_where_it_has_just_come_and_one_later(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: list[str]
) -> None:
    repo.commit({"a.yaml": "a", "apps/b.yaml": "b"})
    mirrors = Mirrors(tmp_path / "data")
    remote, sha = await fetched(mirrors, repo)
    if processes:
        let_git_read(tmp_path / "data")
    with started(monkeypatch) as commands:
        await mirrors.glance(remote, sha, ".")
        await mirrors.revision(remote, sha)
        entries = await mirrors.entries(remote, sha, ".")
        assert set((await mirrors.blobs(remote, [each.sha for each in entries])).values()) == {b"a", b"b"}
        assert commands == processes
        assert await mirrors.blobs(remote, [entries[0].sha])
        assert commands == [*processes, "cat-file"], "what was used is kept no longer"


@pytest.mark.parametrize(
    "files",
    [
        {f"{number}.yaml": str(number) for number in range(101)},
        {f"{'d/' * number}a.yaml": str(number) for number in range(12)},
        {"a.yaml": "a" * 70_000},
        {f"{number}/a.txt": "same" for number in range(101)},
    ],
    ids=["many files", "deep folders", "much content", "many folders"],
)
async def test_what_is_larger_is_read_as_usual(
    mirrors: Mirrors, repo: Repo, tmp_path: Path, files: dict[str, str]
) -> None:
    repo.commit(files)
    await both(mirrors, repo, ".", tmp_path)


async def test_a_folder_that_is_not_there_is_told_as_usual(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"a.yaml": "a"})
    remote, sha = await fetched(mirrors, repo)
    for path in ("nowhere", "a.yaml", "new\nline"):
        await mirrors.glance(remote, sha, path)
        with pytest.raises(SourceError) as raised:
            await mirrors.entries(remote, sha, path)
        assert raised.value.reason is Reason.PATH_NOT_FOUND


def kept(size: int) -> glance.Glanced:
    return glance.Glanced("a" * 40, ".", None, (), {"b": b"x" * size})


def test_what_nobody_uses_gives_way() -> None:
    glances = glance.Glances()
    for number in range(300):
        glances.keep(str(number), kept(60_000))
    assert glances.of("299", "a" * 40)
    assert glances.of("0", "a" * 40) is None
    assert glances.taken("299", ["b"]) == {"b": b"x" * 60_000}
    assert glances.of("299", "a" * 40) is None
