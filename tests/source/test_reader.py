"""Reading what was fetched from a real Git server: commits, paths, files."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from towline.errors import Reason, SourceError
from towline.source.access import Remote
from towline.source.mirror import Mirrors

from e2e.harness import gitrepo
from e2e.harness.gitrepo import BOB, Repo
from tests.source.passes import fetched, stored


async def test_a_history_lists_what_came_since(mirrors: Mirrors, repo: Repo) -> None:
    old = repo.commit({"a.yaml": "1"})
    repo.branch("feature")
    change = repo.commit({"a.yaml": "2"}, branch="feature", message="Two")
    merge = repo.merge_pull_request(12, "feature")
    remote, new = await fetched(mirrors, repo)
    seen = await mirrors.history(remote, old, new)
    assert [(one.sha, one.pull_request, one.merged_by) for one in seen.revisions] == [
        (merge, "#12", BOB.name),
        (change, "#12", BOB.name),
    ]
    assert (seen.total, seen.rewritten) == (2, False)
    alone = await mirrors.history(remote, "", new)
    assert ([one.sha for one in alone.revisions], alone.total, alone.rewritten) == ([merge], 1, False)
    assert (await mirrors.history(remote, new, new)).revisions == ()


async def test_a_long_history_lists_the_newest_and_counts_all(mirrors: Mirrors, repo: Repo) -> None:
    old = repo.commit({"a.yaml": "0"})
    tree = repo.git("rev-parse", "main^{tree}")
    sha = old
    for number in range(260):
        sha = repo.git("commit-tree", tree, "-p", sha, "-m", f"number {number}")
    repo.branch("main", at=sha)
    remote, new = await fetched(mirrors, repo)
    seen = await mirrors.history(remote, old, new)
    assert (len(seen.revisions), seen.total) == (250, 260)
    assert (seen.revisions[0].subject, seen.revisions[-1].subject) == ("number 259", "number 10")


async def test_what_a_forge_adds_below_a_long_message_is_read(mirrors: Mirrors, repo: Repo) -> None:
    old = repo.commit({"a.yaml": "1"})
    described = f"Add a thing\n\n{'Why it is there. ' * 40}\n" + "- one more reason\n" * 400
    repo.commit(
        {"a.yaml": "2"}, message=f"{described}\nSee merge request org/repo!12\n\nMerged-by: Cleo <c@x>"
    )
    remote, new = await fetched(mirrors, repo)
    (found,) = (await mirrors.history(remote, old, new)).revisions
    assert (found.subject, found.pull_request, found.merged_by) == ("Add a thing", "!12", "Cleo")


async def test_a_rewritten_history_is_said_to_be(mirrors: Mirrors, repo: Repo) -> None:
    base = repo.commit({"a.yaml": "1"})
    old = repo.commit({"a.yaml": "2"})
    remote, _ = await fetched(mirrors, repo)
    repo.branch("main", at=base)
    new = repo.commit({"a.yaml": "3"}, message="Instead")
    await fetched(mirrors, repo)
    seen = await mirrors.history(remote, old, new)
    assert ([one.sha for one in seen.revisions], seen.total, seen.rewritten) == ([new], 1, True)
    back = await mirrors.history(remote, old, base)
    assert [(one.sha, one.taken_back) for one in back.revisions] == [(base, False), (old, True)]
    assert (back.total, back.rewritten) == (2, True)


async def test_of_a_merged_pull_request_is_known_who_wrote_its_newest_commit(
    mirrors: Mirrors, repo: Repo
) -> None:
    repo.commit({"a.yaml": "1"})
    repo.branch("feature")
    repo.commit({"a.yaml": "2"}, branch="feature", author=BOB)
    repo.commit({"a.yaml": "3"}, branch="feature", author=gitrepo.ALICE)
    merge = repo.merge_pull_request(12, "feature", merged_by=BOB)
    remote, _ = await fetched(mirrors, repo)
    seen = await mirrors.revision(remote, merge)
    assert (seen.author.name, seen.writer.name, seen.merged_by) == (BOB.name, gitrepo.ALICE.name, BOB.name)


async def test_a_commit_of_its_own_is_written_by_its_author(mirrors: Mirrors, repo: Repo) -> None:
    sha = repo.commit({"a.yaml": "1"}, message="Squashed (#3)", author=BOB, committer=gitrepo.FORGE)
    remote, _ = await fetched(mirrors, repo)
    seen = await mirrors.revision(remote, sha)
    assert (seen.writer.name, seen.merged_by) == (BOB.name, "")


@pytest.mark.parametrize("known", [True, False])
async def test_an_unrelated_history_lists_the_head_alone(
    mirrors: Mirrors, repo: Repo, *, known: bool
) -> None:
    old = repo.commit({"a.yaml": "1"})
    if known:
        await fetched(mirrors, repo)
    new = repo.rewrite({"b.yaml": "2"})
    remote, _ = await fetched(mirrors, repo)
    seen = await mirrors.history(remote, old, new)
    assert ([one.sha for one in seen.revisions], seen.total, seen.rewritten) == ([new], 1, True)


async def test_what_was_fetched_stays_readable_after_a_forced_push(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"a.yaml": "kept\n"})
    remote, old = await fetched(mirrors, repo)
    repo.rewrite({"b.yaml": "new"})
    await fetched(mirrors, repo)
    (entry,) = await mirrors.entries(remote, old, ".")
    assert (await mirrors.blobs(remote, [entry.sha]))[entry.sha] == b"kept\n"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere", Reason.PATH_NOT_FOUND),
        ("a.yaml", Reason.PATH_NOT_FOUND),
        ("a.yaml/x", Reason.PATH_NOT_FOUND),
        ("sub", Reason.PATH_NOT_FOUND),
        ("link", Reason.SYMLINK_REFUSED),
        ("link/deep", Reason.SYMLINK_REFUSED),
        ("dangling", Reason.SYMLINK_REFUSED),
        ("to-file", Reason.SYMLINK_REFUSED),
        ("a\nb", Reason.PATH_NOT_FOUND),
        ("*", Reason.PATH_NOT_FOUND),
        (":(top)folder", Reason.PATH_NOT_FOUND),
    ],
)
async def test_a_path_that_is_no_folder_is_refused(
    mirrors: Mirrors, repo: Repo, path: str, reason: Reason
) -> None:
    repo.commit(
        {
            "a.yaml": "a",
            "folder/deep/b.yaml": "b",
            "link": gitrepo.Entry("120000", "folder"),
            "dangling": gitrepo.Entry("120000", "/etc"),
            "to-file": gitrepo.Entry("120000", "a.yaml"),
            "sub": gitrepo.Entry("160000", "1" * 40),
        }
    )
    remote, sha = await fetched(mirrors, repo)
    with pytest.raises(SourceError) as raised:
        await mirrors.entries(remote, sha, path)
    assert raised.value.reason == reason
    assert raised.value.message.isprintable()


async def test_names_that_are_no_utf8_are_listed(mirrors: Mirrors, repo: Repo) -> None:
    blob = repo.git("hash-object", "-w", "--stdin")
    line = f"100644 blob {blob}\tcaf\udce9.yaml\0".encode(errors="surrogateescape")
    await stored(repo, "mktree", line)
    remote, sha = await fetched(mirrors, repo)
    (entry,) = await mirrors.entries(remote, sha, ".")
    assert entry.path == "caf\udce9.yaml"


@pytest.mark.parametrize(
    "names", [("..",), (".git",), (".GIT",), ("a/b",), ("a", "a"), (".",), ("b", "a"), (".git ",)]
)
async def test_a_tree_that_gits_own_check_refuses_never_arrives(
    mirrors: Mirrors, repo: Repo, names: Sequence[str]
) -> None:
    repo.commit({"a.yaml": "a"})
    blob = bytes.fromhex(repo.git("rev-parse", "main:a.yaml"))
    sha = await stored(repo, "tree", b"".join(b"100644 " + name.encode() + b"\0" + blob for name in names))
    for _ in range(2):
        with pytest.raises(SourceError) as raised:
            await fetched(mirrors, repo)
        assert raised.value.reason == Reason.GIT_OBJECT_INVALID
    with pytest.raises(SourceError):
        await mirrors.entries(Remote(url=repo.url), sha, ".")


async def test_old_sloppy_objects_are_taken(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"a.yaml": "a"})
    blob = bytes.fromhex(repo.git("rev-parse", "main:a.yaml"))
    await stored(repo, "tree", b"0100644 a.yaml\0" + blob)
    remote, sha = await fetched(mirrors, repo)
    assert [entry.path for entry in await mirrors.entries(remote, sha, ".")] == ["a.yaml"]


async def test_blobs_that_are_not_there_are_an_error_and_none_need_no_git(
    mirrors: Mirrors, repo: Repo
) -> None:
    repo.commit({"a.yaml": "a"})
    remote, _ = await fetched(mirrors, repo)
    assert await mirrors.blobs(remote, []) == {}
    with pytest.raises(SourceError) as raised:
        await mirrors.blobs(remote, ["1" * 40])
    assert raised.value.reason == Reason.GIT_UNAVAILABLE


async def test_asking_for_what_was_never_fetched_costs_the_mirror_nothing(
    mirrors: Mirrors, repo: Repo
) -> None:
    repo.commit({"a.yaml": "a"})
    remote, sha = await fetched(mirrors, repo)
    with pytest.raises(SourceError) as raised:
        await mirrors.entries(remote, "1" * 40, ".")
    assert raised.value.reason == Reason.GIT_UNAVAILABLE
    assert (await mirrors.revision(remote, sha)).sha == sha


async def test_only_an_object_id_is_taken_for_one(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"a.yaml": "a"})
    remote, sha = await fetched(mirrors, repo)
    for odd in ("--output=/tmp/x", "HEAD", sha[:7], f"{sha}\n"):
        with pytest.raises(ValueError, match="object id"):
            await mirrors.revision(remote, odd)
