"""Where symlinks lead; Git itself, which follows them in the trees of commits, is the oracle."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from towline.errors import SourceError
from towline.render import folder, links
from towline.render.links import Links, Listing, Tree
from towline.source import listing
from towline.source.selection import Entry, Kind

from e2e.harness import gitrepo
from e2e.harness.gitrepo import Repo

NAMES = st.sampled_from(["a", "b", "c"])
STEPS = st.sampled_from(["a", "b", "c", ".."])  # Git finds nothing behind ".", unlike any kernel
TEXTS = st.lists(STEPS, min_size=1, max_size=5).map("/".join) | st.sampled_from(
    ["/a", "/", "a//b", "../../a"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
COMMITS = st.dictionaries(PATHS, st.just("") | TEXTS, min_size=1, max_size=12)
"""Files, which have no text, and symlinks."""

DOTTED = st.dictionaries(
    PATHS, st.just("") | TEXTS | st.sampled_from(["./a", "a/.", "b/./a", "."]), min_size=1, max_size=9
)

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    path = tmp_path_factory.mktemp("links")
    subprocess.run(["git", "init", "--quiet", "--bare", path], check=True)
    return Repo(path=path)


def without_files_in_the_way(commit: Mapping[str, str]) -> dict[str, str]:
    """Leave out what is below a file or a symlink."""
    parents = {path: {path[:at] for at, c in enumerate(path) if c == "/"} for path in commit}
    return {path: text for path, text in commit.items() if not parents[path] & commit.keys()}


def listed(repository: Repo, commit: Mapping[str, str]) -> tuple[str, tuple[Entry, ...], Listing]:
    content = {
        path: gitrepo.Entry("120000", text) if text else f"file {path}" for path, text in commit.items()
    }
    sha = repository.commit(content, branch=f"branch-{next(NUMBERS)}")
    output = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "-l", sha], cwd=repository.path, capture_output=True, check=True
    ).stdout
    entries = listing.entries(output, ".")
    texts = {one.sha: commit[one.path].encode() for one in entries if one.kind is Kind.SYMLINK}
    return sha, entries, Listing(entries, texts)


def in_git(repository: Repo, sha: str, paths: list[str]) -> list[tuple[str, str]]:
    """Return what Git finds behind each path: the object and its kind, or why there is none."""
    output = subprocess.run(
        ["git", "cat-file", "--batch-check", "--follow-symlinks", "-z"],
        cwd=repository.path,
        input="".join(f"{sha}:{path}\0" for path in paths).encode(),
        capture_output=True,
        check=True,
    ).stdout
    return [(found.sha, found.kind) for found in listing.checks(output)]


def led(tree: Tree, entry: Entry, limit: int = 10_000) -> list[Entry]:
    return list(Links((), tree, limit).follow(entry, lambda _: True))


@settings(max_examples=100, deadline=None)
@given(COMMITS)
def test_symlinks_lead_to_the_files_that_git_finds_behind_them(
    repository: Repo, commit: Mapping[str, str]
) -> None:
    whole = without_files_in_the_way(commit)
    sha, entries, tree = listed(repository, whole)
    symlinks = [one for one in entries if one.kind is Kind.SYMLINK]
    for entry, (found, kind) in zip(
        symlinks, in_git(repository, sha, [one.path for one in symlinks]), strict=True
    ):
        reached = led(tree, entry)
        if kind == "blob":
            (file,) = reached
            assert (file.sha, file.place, file.refused) == (found, entry.path, "")
            assert whole[file.path] == ""  # where it really is, no symlink leads on
        elif kind == "tree":
            assert reached
            assert all(one.kind is Kind.FILE or one.refused for one in reached)
        else:
            (refused,) = reached
            assert (refused.path, bool(refused.refused)) == (entry.path, True)
            assert ("out of the repository" in refused.refused) == (kind == "symlink")


@settings(max_examples=50, deadline=None)
@given(COMMITS)
def test_a_folder_is_read_through_a_symlink_as_git_reads_it(
    repository: Repo, commit: Mapping[str, str]
) -> None:
    sha, entries, tree = listed(repository, without_files_in_the_way(commit))
    reached = [
        file
        for entry in entries
        if entry.kind is Kind.SYMLINK
        for file in led(tree, entry)
        if not file.refused
    ]
    assert [(one.sha, "blob") for one in reached] == in_git(repository, sha, [one.place for one in reached])


@settings(max_examples=100, deadline=None)
@example({"a/a": "", "a/b": "a/."})
@given(DOTTED)
def test_on_disk_and_in_a_commit_symlinks_lead_where_a_kernel_would_go(
    repository: Repo, tmp_path_factory: pytest.TempPathFactory, commit: Mapping[str, str]
) -> None:
    whole = without_files_in_the_way(commit)
    _, entries, tree = listed(repository, whole)
    root = tmp_path_factory.mktemp("disk")
    for path, text in whole.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(text) if text else (root / path).write_text("")
    disk = folder.Disk(root)
    on_disk = {one.path: one for one in folder.entries(root, ".")}
    assert on_disk.keys() == whole.keys()
    for entry in entries:
        if entry.kind is Kind.SYMLINK:
            reached = led(tree, entry)
            assert ways(led(disk, on_disk[entry.path])) == ways(reached)
            for one in reached:
                if not one.refused:
                    assert (root / one.place).resolve(strict=True) == root / one.path


def ways(entries: list[Entry]) -> set[tuple[str, str, str]]:
    return {(one.path, one.place, one.refused) for one in entries}


def test_forty_symlinks_may_follow_one_another_and_no_more(repository: Repo) -> None:
    chain = {f"{number:02}": f"{number + 1:02}" for number in range(41)} | {"41": ""}
    sha, entries, tree = listed(repository, chain)
    assert [kind for _, kind in in_git(repository, sha, ["00", "01"])] == ["loop", "blob"]
    assert [led(tree, entries[at])[0].refused for at in (0, 1)] == ["leads in a circle", ""]


@pytest.mark.parametrize(
    "texts",
    [
        {"a/down": "../b", "b/up": "../a"},
        {"a/b/c/up": "../.."},
        {"a/x": "../b", "b/y": "../c", "c/z": "../a"},
        {"a/top": ".."},
    ],
)
def test_folders_that_lead_to_one_another_are_a_circle(repository: Repo, texts: dict[str, str]) -> None:
    _, entries, tree = listed(repository, {**texts, "a/f.yaml": "", "b/f.yaml": ""})
    first = next(one for one in entries if one.kind is Kind.SYMLINK)
    assert "leads in a circle" in {one.refused for one in led(tree, first)}


def test_what_is_long_or_costly_to_follow_is_bounded(repository: Repo) -> None:
    _, entries, tree = listed(
        repository, {"f/a": "", "costly": "f/../" * 500 + "f/a", "long": "f/../" * 1000}
    )
    costly, _, long = entries
    assert led(tree, costly)[0].path == "f/a"
    with pytest.raises(SourceError, match="through too many folders"):
        led(tree, costly, limit=100)
    assert links.to_read([costly, long, costly]) == (costly.sha,)
    assert led(Listing(entries, {}), long)[0].refused == links.NOWHERE


def test_long_paths_through_symlinks_do_not_fill_the_memory(repository: Repo) -> None:
    long = "n" * 250
    commit = {f"{level}/{long}{side}": f"../{level + 1}" for level in range(14) for side in "lr"}
    _, entries, tree = listed(repository, {**commit, "14/a": ""})
    first = next(one for one in entries if one.kind is Kind.SYMLINK)
    followed = Links((), tree, 10_000).follow(first, lambda _: True)
    letters: list[int] = []
    with pytest.raises(SourceError, match="name some of them"):
        letters.extend(len(one.place) for one in followed)
    assert 0 < sum(letters) < 32 * 4 * 10_000


def test_a_step_from_folder_to_folder_costs_by_the_length_of_the_path(repository: Repo) -> None:
    def ends(letters: int) -> set[str]:
        deep = "/".join(["n" * letters] * 15)
        commit = {f"{deep}/a": "", **{f"to{number}": f"{deep}/a" for number in range(50)}}
        _, entries, tree = listed(repository, commit)
        followed = Links((), tree, 300)
        symlinks = (entry for entry in entries if entry.kind is Kind.SYMLINK)
        return {one.path for link in symlinks for one in followed.follow(link, lambda _: True)}

    assert ends(1) == {f"{'n/' * 15}a"}
    with pytest.raises(SourceError, match="through too many folders"):
        ends(200)


def test_no_symlink_on_disk_leads_into_gits_own_folder_or_another_repository(tmp_path: Path) -> None:
    for path in (".git/config.yaml", "module/.git/x", "module/a.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("a: 1")
    for number, text in enumerate((".git/config.yaml", ".git", "module", "module/a.yaml")):
        (tmp_path / f"{number}.yaml").symlink_to(text)
    on_disk = [one for one in folder.entries(tmp_path, ".") if one.kind is Kind.SYMLINK]
    assert {led(folder.Disk(tmp_path), one)[0].refused for one in on_disk} == {links.NOWHERE}
    assert len(on_disk) == 4
