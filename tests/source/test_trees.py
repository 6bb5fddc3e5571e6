"""What is in a commit, and differs between two, however many paths lead to the same few trees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.errors import Reason, SourceError
from towline.source.mirror import Mirrors
from towline.source.selection import SourceLimits
from towline.source.trees import tree_objects
from towline.source.trees.tree_diff import TreeDiff

from e2e.harness import gitrepo
from e2e.harness.gitrepo import Entry, Repo
from e2e.scenes import endless_trees
from tests.source.passes import fetched


async def test_a_few_trees_that_hold_endless_folders_are_refused_by_name(
    mirrors: Mirrors, repo: Repo
) -> None:
    repo.commit({"deploy/a.yaml": "a", "deploy/bomb": endless_trees.folder(repo)})
    remote, sha = await fetched(mirrors, repo)
    with pytest.raises(SourceError) as raised:
        await mirrors.entries(remote, sha, "deploy")
    assert raised.value.reason == Reason.SOURCE_TOO_LARGE
    assert raised.value.message == (
        "the commit has more than 200000 folders below spec.path deploy, most of them in deploy/bomb/: "
        "narrow spec.path, or remove what is not needed there"
    )


async def test_a_few_trees_that_hold_endless_files_are_refused_by_name(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"leaf/a.yaml": "a"})
    leaf = repo.git("rev-parse", "main:leaf")
    repo.commit({"bomb": endless_trees.folder(repo, leaf)})
    remote, sha = await fetched(mirrors, repo)
    with pytest.raises(SourceError, match="more than 200000 files, most of them in bomb/: narrow"):
        await mirrors.entries(remote, sha, ".")


async def test_endless_folders_elsewhere_do_not_matter(mirrors: Mirrors, repo: Repo) -> None:
    old = repo.commit({"deploy/a.yaml": "a", "bomb": endless_trees.folder(repo)})
    repo.commit({"leaf/b.yaml": "b"}, branch="side")
    leaf = repo.git("rev-parse", "side:leaf")
    repo.commit({"deploy/a.yaml": "b", "bomb": endless_trees.folder(repo, leaf)})
    remote, sha = await fetched(mirrors, repo)
    assert [entry.path for entry in await mirrors.entries(remote, sha, "deploy")] == ["deploy/a.yaml"]
    changes = await mirrors.changes(remote, old, sha, "deploy")
    assert changes is not None
    assert [change.path for change in changes] == ["deploy/a.yaml"]


async def test_a_commit_that_differs_at_endless_paths_is_read_whole(mirrors: Mirrors, repo: Repo) -> None:
    old = repo.commit({"a.yaml": "a", "bomb": endless_trees.folder(repo)})
    repo.commit({"leaf/b.yaml": "b"}, branch="side")
    new = repo.commit({"bomb": endless_trees.folder(repo, repo.git("rev-parse", "side:leaf"))})
    remote, _ = await fetched(mirrors, repo)
    assert await mirrors.changes(remote, old, new, ".") is None
    assert await mirrors.changes(remote, new, old, ".") is None


async def test_folders_without_files_do_not_differ_at_any_path(mirrors: Mirrors, repo: Repo) -> None:
    """Git, too, tells of files alone; what matters is that nobody walks there."""
    old = repo.commit({"a.yaml": "a"})
    hollow = repo.git("mktree", stdin=f"040000 tree {repo.git('mktree')}\thollow\n")
    new = repo.commit({"few": Entry("040000", hollow), "a.yaml": "b"})
    remote, _ = await fetched(mirrors, repo)
    changes = await mirrors.changes(remote, old, new, ".")
    assert [change.path for change in changes or ()] == ["a.yaml"]


async def test_folders_that_are_nested_too_deep_to_be_compared_are_read_whole(
    mirrors: Mirrors, repo: Repo
) -> None:
    deep = "/".join("d" * 300)
    old = repo.commit({f"{deep}/a.yaml": "a"})
    new = repo.commit({f"{deep}/a.yaml": "b"})
    remote, _ = await fetched(mirrors, repo)
    assert await mirrors.changes(remote, old, new, ".") is None
    assert [entry.path for entry in await mirrors.entries(remote, new, ".")] == [f"{deep}/a.yaml"]


async def test_where_the_folder_was_not_there_before_the_commit_is_read_whole(
    mirrors: Mirrors, repo: Repo
) -> None:
    old = repo.commit({"a.yaml": "a", "later": "a file"})
    new = repo.commit({"later": None, "later/b.yaml": "b"})
    remote, _ = await fetched(mirrors, repo)
    assert await mirrors.changes(remote, old, new, "later") is None
    assert await mirrors.changes(remote, "1" * 40, new, ".") is None


async def test_as_many_files_as_allowed_are_listed_in_any_number_of_folders(
    repo: Repo, tmp_path: Path
) -> None:
    repo.commit({f"{name}/a.yaml": name for name in "abc"})
    mirrors = Mirrors(tmp_path / "data", SourceLimits(entries=3))
    remote, sha = await fetched(mirrors, repo)
    assert len(await mirrors.entries(remote, sha, ".")) == 3
    await mirrors.aclose()


CONTENT = st.one_of(
    st.sampled_from(["", "1", "2"]),
    st.sampled_from([Entry("100755", "1"), Entry("120000", "a"), Entry("160000", "1" * 40)]),
)
PATHS = st.lists(st.sampled_from(["a", "b", "c.yaml"]), min_size=1, max_size=4).map("/".join)
COMMITS = st.dictionaries(PATHS, CONTENT, max_size=8)


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return gitrepo.create(tmp_path_factory.mktemp("objects") / "repo")


@settings(max_examples=40, deadline=None)
@given(COMMITS, COMMITS)
def test_what_differs_is_what_git_says(
    objects: Repo, before: dict[str, gitrepo.Content], after: dict[str, gitrepo.Content]
) -> None:
    old, new = (objects.git("rev-parse", f"{objects.rewrite(files)}^{{tree}}") for files in (before, after))
    diff = TreeDiff(old, new)
    while not diff.ended:
        names = "".join(f"{sha}\n" for sha in diff.unread).encode()
        diff.advance(batch(objects, names))
    found = {(path, *(_shown(entry) for entry in (was, now))) for path, was, now in diff.files(diff.counts())}
    assert found == told(objects.git("diff-tree", "-r", "--raw", "--no-renames", "--no-abbrev", old, new))


def batch(repo: Repo, names: bytes) -> bytes:
    command = ["git", "-C", str(repo.path), "cat-file", "--batch"]
    return subprocess.run(command, input=names, capture_output=True, check=True).stdout


def _shown(entry: tree_objects.TreeEntry | None) -> tuple[str, str]:
    return (entry[0].decode(), entry[2].hex()) if entry else ("000000", "0" * 40)


def told(output: str) -> set[tuple[bytes, tuple[str, str], tuple[str, str]]]:
    found = set()
    for line in output.splitlines():
        entry, _, path = line.partition("\t")
        old, new, before, after, _ = entry.removeprefix(":").split(" ")
        found.add((path.encode(), (old, before), (new, after)))
    return found


def test_modes_of_old_tools_are_read_as_git_reads_them() -> None:
    tree = b"".join(
        mode + b" " + name + b"\0" + b"\1" * 20
        for mode, name in [(b"0100644", b"a"), (b"100664", b"b"), (b"100775", b"c"), (b"040000", b"d")]
    )
    found = tree_objects.trees(b"%040d tree %d\n%s\n" % (1, len(tree), tree))
    modes = [mode for mode, _, _ in found[f"{1:040}"]]
    assert modes == [
        tree_objects.FILE,
        tree_objects.FILE,
        tree_objects.EXECUTABLE,
        tree_objects.FOLDER,
    ]


@pytest.mark.parametrize(
    "batch",
    [
        b"1111 missing\n",
        b"1" * 40 + b" blob 3\nabc\n",
        b"1" * 40 + b" tree 9\nabc\n",
        b"1" * 40 + b" tree 3\nabc\n",
        b"1" * 40 + b" tree 10\n100644 a\0b\n",
    ],
)
def test_a_batch_that_lacks_a_tree_is_refused(batch: bytes) -> None:
    with pytest.raises(ValueError, match=r"tree|ends early"):
        tree_objects.trees(batch)
