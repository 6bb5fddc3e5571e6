from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.source import listing
from towline.source.listing import Found
from towline.source.selection import Entry, Kind

SHA = "1" * 40


def test_a_listing_is_read_with_paths_from_the_root() -> None:
    listed = (
        b"100644 blob " + b"1" * 40 + b"      12\ta b.yaml\0"
        b"120000 blob " + b"1" * 40 + b"       3\tlink\0"
        b"160000 commit " + b"1" * 40 + b"       -\tsub\0"
        b"040000 tree " + b"1" * 40 + b"       -\tfolder\0"
    )
    assert listing.entries(listed, "deploy") == (
        Entry(path="deploy/a b.yaml", mode="100644", kind=Kind.FILE, sha=SHA, size=12),
        Entry(path="deploy/link", mode="120000", kind=Kind.SYMLINK, sha=SHA, size=3),
        Entry(path="deploy/sub", mode="160000", kind=Kind.SUBMODULE, sha=SHA, size=0),
    )
    assert listing.entries(b"", ".") == ()


@pytest.mark.parametrize("listed", [b"fatal: no", b"100644 blob xyz 1\ta\0"])
def test_what_is_no_listing_is_refused(listed: bytes) -> None:
    with pytest.raises(ValueError, match="ls-tree"):
        listing.entries(listed, ".")


def test_names_without_an_object_are_skipped_by_the_length_of_what_follows() -> None:
    output = (
        b"1111 tree 34\nsymlink 11\n/etc/passwd\nloop 2\na\n\ndangling 11\nabc symlink\n"
        b"HEAD:x missing\n2222 blob 5\n"
    )
    assert listing.checks(output) == (
        Found(sha="1111", kind="tree"),
        Found(sha="", kind="symlink"),
        Found(sha="", kind="loop"),
        Found(sha="", kind="dangling"),
        Found(sha="", kind="missing"),
        Found(sha="2222", kind="blob"),
    )


def test_a_submodule_is_missing_in_whatever_words_git_says_so() -> None:
    sha = b"1" * 40
    old, new = b"HEAD:sub missing\n", sha + b" submodule\n"
    assert listing.checks(old) == listing.checks(new) == (Found(sha="", kind="missing"),)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in {".", "..", ".git"} and name.lower() != ".git")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    git(folder, "init", "--quiet", "--bare", ".")
    return folder


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=True
    ).stdout


@settings(max_examples=15)
@given(st.dictionaries(NAMES, st.binary(max_size=40), min_size=1, max_size=5))
def test_what_git_lists_is_what_was_stored(repository: Path, files: dict[str, bytes]) -> None:
    blobs = {
        name: git(repository, "hash-object", "-w", "--stdin", stdin=text).decode().strip()
        for name, text in files.items()
    }
    lines = b"".join(f"100644 blob {sha}\t{name}\0".encode() for name, sha in blobs.items())
    made = git(repository, "mktree", "-z", stdin=lines).decode().strip()
    entries = listing.entries(git(repository, "ls-tree", "-r", "-t", "-z", "-l", made), ".")
    assert {entry.path: (entry.sha, entry.size) for entry in entries} == {
        name: (sha, len(files[name])) for name, sha in blobs.items()
    }
    wanted = "".join(f"{sha}\n" for sha in dict.fromkeys(blobs.values())).encode()
    batch = git(repository, "cat-file", "--batch", stdin=wanted)
    assert listing.blobs(batch) == {sha: files[name] for name, sha in blobs.items()}


@pytest.mark.parametrize(
    "batch", [b"1111 missing\n", b"1111 tree 3\nabc\n", b"1111 blob 9\nabc\n", b"garbage"]
)
def test_a_batch_that_lacks_a_blob_is_refused(batch: bytes) -> None:
    with pytest.raises(ValueError, match="cat-file"):
        listing.blobs(batch)
