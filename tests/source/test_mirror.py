"""Looking and fetching, against a real Git server."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from towline.api.gitrepository import Ref, RefKind
from towline.errors import Reason, SourceError
from towline.source import disk
from towline.source.access import Remote
from towline.source.mirror import Mirrors
from towline.source.selection import Kind, SourceLimits

from e2e.harness import gitrepo
from e2e.harness.gitrepo import ALICE, Repo
from e2e.harness.gitserver import GitServer
from tests.source.passes import MAIN, SECONDS, fetched


def asked(server: GitServer, repo: Repo) -> int:
    return len(server.requests(repo.path.stem))


async def test_a_commit_is_looked_up_fetched_and_read(mirrors: Mirrors, repo: Repo) -> None:
    sha = repo.commit(
        {"deploy/a.yaml": "a: 1\n", "deploy/sub/b.yml": "b: 2\n", "README.md": "hi"}, message="Begin\n\nx"
    )
    remote, found = await fetched(mirrors, repo)
    revision = await mirrors.revision(remote, sha)
    assert (found, revision.sha, revision.subject, revision.author.name) == (sha, sha, "Begin", ALICE.name)
    entries = await mirrors.entries(remote, sha, "deploy")
    assert [(entry.path, entry.kind, entry.size) for entry in entries] == [
        ("deploy/a.yaml", Kind.FILE, 5),
        ("deploy/sub/b.yml", Kind.FILE, 5),
    ]
    assert await mirrors.blobs(remote, [entry.sha for entry in entries]) == {
        entries[0].sha: b"a: 1\n",
        entries[1].sha: b"b: 2\n",
    }
    assert [entry.path for entry in await mirrors.entries(remote, sha, ".")] == [
        "README.md",
        "deploy/a.yaml",
        "deploy/sub/b.yml",
    ]


async def test_looks_at_the_same_time_share_one_request(
    mirrors: Mirrors, repo: Repo, server: GitServer
) -> None:
    repo.commit({"a.yaml": "a"})
    await mirrors.look(Remote(url=repo.url), SECONDS)
    one = asked(server, repo)
    seen = await asyncio.gather(*(mirrors.look(Remote(url=repo.url), SECONDS) for _ in range(20)))
    assert asked(server, repo) == 2 * one
    assert all(refs_ == seen[0] for refs_ in seen)


async def test_the_next_look_sees_what_was_pushed_since(mirrors: Mirrors, repo: Repo) -> None:
    first = repo.commit({"a.yaml": "a"})
    assert (await mirrors.look(Remote(url=repo.url), SECONDS)).names[MAIN] == first
    second = repo.commit({"a.yaml": "b"})
    assert (await mirrors.look(Remote(url=repo.url), SECONDS)).names[MAIN] == second


async def test_an_answer_that_is_young_enough_is_shared(
    mirrors: Mirrors, repo: Repo, server: GitServer
) -> None:
    repo.commit({"a.yaml": "a"})
    remote = Remote(url=repo.url)
    first = await mirrors.look(remote, SECONDS, age=60.0)
    before = asked(server, repo)
    newer = repo.commit({"a.yaml": "b"})
    assert await mirrors.look(remote, SECONDS, age=60.0) == first
    assert asked(server, repo) == before
    assert (await mirrors.look(remote, SECONDS)).names[MAIN] == newer
    assert (await mirrors.look(remote, SECONDS, age=60.0)).names[MAIN] == newer


async def test_a_commit_that_is_there_is_not_asked_for_again(
    mirrors: Mirrors, repo: Repo, server: GitServer
) -> None:
    repo.commit({"a.yaml": "a"})
    remote, sha = await fetched(mirrors, repo)
    before = asked(server, repo)
    await mirrors.fetch(remote, MAIN, sha, SECONDS)
    assert asked(server, repo) == before


async def test_a_restarted_process_finds_its_mirror_again(
    mirrors: Mirrors, repo: Repo, server: GitServer, tmp_path: Path
) -> None:
    repo.commit({"a.yaml": "a"})
    remote, sha = await fetched(mirrors, repo)
    await mirrors.aclose()
    before = asked(server, repo)
    restarted = Mirrors(tmp_path / "data")
    await restarted.fetch(remote, MAIN, sha, SECONDS)
    assert (await restarted.revision(remote, sha)).sha == sha
    assert asked(server, repo) == before


@pytest.mark.parametrize(
    ("ref", "wanted"),
    [
        (Ref(kind=RefKind.BRANCH, value="feature/x"), "feature/x"),
        (Ref(kind=RefKind.TAG, value="v1.0.0"), "v1.0.0"),
        (Ref(kind=RefKind.TAG, value="light"), "light"),
        (Ref(kind=RefKind.SEMVER, value="1.x"), "v1.0.0"),
        (Ref(kind=RefKind.NAME, value="refs/notes/x"), "refs/notes/x"),
    ],
)
async def test_every_kind_of_ref_is_fetched(mirrors: Mirrors, repo: Repo, ref: Ref, wanted: str) -> None:
    repo.commit({"a.yaml": "main"})
    repo.tag("light")
    repo.commit({"a.yaml": "tagged"})
    repo.tag("v1.0.0", message="A release")
    repo.commit({"a.yaml": "x"}, branch="feature/x")
    repo.git("update-ref", "refs/notes/x", repo.sha("feature/x"))
    remote, sha = await fetched(mirrors, repo, ref)
    assert sha == repo.sha(wanted)
    assert (await mirrors.revision(remote, sha)).sha == sha


async def test_a_commit_that_is_no_tip_is_fetched_by_its_id(mirrors: Mirrors, repo: Repo) -> None:
    old = repo.commit({"a.yaml": "old"})
    repo.commit({"a.yaml": "new"})
    remote, sha = await fetched(mirrors, repo, Ref(kind=RefKind.COMMIT, value=old))
    assert [entry.size for entry in await mirrors.entries(remote, sha, ".")] == [3]


async def test_a_commit_that_the_remote_lacks_is_not_found(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"a.yaml": "a"})
    for unknown in ("1" * 40, "1" * 64):
        with pytest.raises(SourceError) as raised:
            await fetched(mirrors, repo, Ref(kind=RefKind.COMMIT, value=unknown))
        assert raised.value.reason == Reason.REF_NOT_FOUND


async def test_an_id_of_something_that_is_no_commit_is_not_found(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"a.yaml": "a"})
    repo.tag("v1", message="One")
    for kind, name in (("blob", "main:a.yaml"), ("tree", "main:"), ("tag", "v1")):
        for _ in range(2):
            with pytest.raises(SourceError, match=f"is a {kind}, not a commit") as raised:
                await fetched(mirrors, repo, Ref(kind=RefKind.COMMIT, value=repo.git("rev-parse", name)))
            assert raised.value.reason == Reason.REF_NOT_FOUND


async def test_a_repository_with_long_object_ids_is_read(
    mirrors: Mirrors, server: GitServer, tmp_path: Path
) -> None:
    repo = server.create("long-ids")
    made = tmp_path / "made.git"
    repo.git(
        "init", "--quiet", "--bare", "--object-format=sha256", f"--initial-branch={gitrepo.MAIN}", str(made)
    )
    repo.path.rename(tmp_path / "unused.git")
    made.rename(repo.path)
    repo.commit({"a.yaml": "a: 1\n"})
    remote, sha = await fetched(mirrors, repo)
    (entry,) = await mirrors.entries(remote, sha, ".")
    assert (len(sha), await mirrors.blobs(remote, [entry.sha])) == (64, {entry.sha: b"a: 1\n"})


async def test_an_empty_remote_has_no_ref(mirrors: Mirrors, repo: Repo) -> None:
    with pytest.raises(SourceError) as raised:
        await fetched(mirrors, repo)
    assert raised.value.reason == Reason.REF_NOT_FOUND


async def test_a_deleted_branch_is_not_found_and_a_returned_one_is(mirrors: Mirrors, repo: Repo) -> None:
    first = repo.commit({"a.yaml": "a"})
    remote, _ = await fetched(mirrors, repo)
    repo.branch("other")
    repo.delete_branch("main")
    with pytest.raises(SourceError) as raised:
        await fetched(mirrors, repo, Ref(kind=RefKind.BRANCH, value="main"))
    assert raised.value.reason == Reason.REF_NOT_FOUND
    assert (await mirrors.revision(remote, first)).sha == first
    again = repo.commit({"b.yaml": "b"})
    assert (await fetched(mirrors, repo))[1] == again


async def test_a_moved_tag_is_followed(mirrors: Mirrors, repo: Repo) -> None:
    tag = Ref(kind=RefKind.TAG, value="live")
    for text in ("one", "two"):
        repo.commit({"a.yaml": text})
        repo.tag("live", message=text)
        remote, sha = await fetched(mirrors, repo, tag)
        assert (await mirrors.revision(remote, sha)).sha == repo.sha("main")


async def test_branches_that_cannot_exist_together_are_fetched_one_after_the_other(
    mirrors: Mirrors, repo: Repo
) -> None:
    repo.commit({"a.yaml": "1"}, branch="x")
    await fetched(mirrors, repo, Ref(kind=RefKind.BRANCH, value="x"))
    repo.delete_branch("x")
    deeper = repo.commit({"a.yaml": "2"}, branch="x/y")
    assert (await fetched(mirrors, repo, Ref(kind=RefKind.BRANCH, value="x/y")))[1] == deeper


async def test_two_credentials_never_share_a_mirror(mirrors: Mirrors, repo: Repo, tmp_path: Path) -> None:
    repo.commit({"a.yaml": "a"})
    remote, sha = await fetched(mirrors, repo)
    stranger = Remote(url=remote.url, token="another")
    with pytest.raises(SourceError):
        await mirrors.revision(stranger, sha)
    await mirrors.fetch(stranger, MAIN, sha, SECONDS)
    assert len(list((tmp_path / "data" / "mirrors").iterdir())) == 2


async def test_a_mirror_that_nobody_uses_gives_back_its_disk(
    mirrors: Mirrors, server: GitServer, tmp_path: Path
) -> None:
    used, unused = server.create("used"), server.create("unused")
    for repo in (used, unused):
        repo.commit({"a.yaml": "a"})
        await fetched(mirrors, repo)
    (tmp_path / "data" / "mirrors" / "discarded.1").mkdir()
    (tmp_path / "data" / "mirrors" / "discarded.2").touch()
    await mirrors.retain([Remote(url=used.url)])
    assert [folder.name for folder in (tmp_path / "data" / "mirrors").iterdir()] == [
        f"{disk.name(Remote(url=used.url).identity, b'')}.40"
    ]
    assert (await mirrors.revision(Remote(url=used.url), used.sha())).sha == used.sha()
    await fetched(mirrors, unused)


async def test_a_mirror_that_was_in_use_a_moment_ago_is_kept_although_nobody_claims_it_yet(
    mirrors: Mirrors, repo: Repo, tmp_path: Path
) -> None:
    repo.commit({"a.yaml": "a"})
    remote, sha = await fetched(mirrors, repo)
    await mirrors.retain([], idle=60.0)
    assert (await mirrors.revision(remote, sha)).sha == sha
    restarted = Mirrors(tmp_path / "data")
    await restarted.retain([], idle=60.0)
    assert packs(tmp_path)
    await restarted.retain([])
    assert not packs(tmp_path)


async def test_a_mirrors_name_gives_no_hold_to_guess_a_credential_by(repo: Repo, tmp_path: Path) -> None:
    sha = repo.commit({"a.yaml": "a"})
    remote = Remote(url=repo.url, username="ada", password="hunter2")
    names = []
    for key in (b"one", b"two"):
        folder = tmp_path / key.decode()
        await Mirrors(folder, key=key).fetch(remote, "refs/heads/main", sha, SECONDS)
        names += [found.name for found in (folder / "mirrors").iterdir()]
    assert len(set(names)) == 2
    assert not any(remote.identity in name for name in names)


def packs(folder: Path) -> list[Path]:
    return list(folder.rglob("*.pack"))


async def test_many_small_packs_are_joined(repo: Repo, tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path / "data", SourceLimits(packs=3))
    first = repo.commit({"a.yaml": "first"})
    for number in range(6):
        repo.commit({"a.yaml": f"{number}\n"})
        await fetched(mirrors, repo)
    assert len(packs(tmp_path)) <= 4
    assert (await mirrors.history(Remote(url=repo.url), first, repo.sha())).total == 6


def noise(seed: int, size: int) -> bytes:
    """Bytes that no compression makes fewer."""
    return random.Random(seed).randbytes(size)  # noqa: S311  no secret


async def test_forced_pushes_of_large_files_do_not_pile_up(repo: Repo, tmp_path: Path) -> None:
    mirrors = Mirrors(tmp_path / "data", SourceLimits(slack_bytes=100_000))
    for number in range(12):
        repo.rewrite({"large.bin": noise(number, 200_000), "a.yaml": str(number)})
        await fetched(mirrors, repo)
    remote, sha = await fetched(mirrors, repo)
    assert sum(pack.stat().st_size for pack in packs(tmp_path)) < 4 * 200_000
    (manifest,) = [entry for entry in await mirrors.entries(remote, sha, ".") if entry.path == "a.yaml"]
    assert await mirrors.blobs(remote, [manifest.sha]) == {manifest.sha: b"11"}


async def test_a_branch_that_others_follow_survives_the_forced_pushes_of_another(
    repo: Repo, tmp_path: Path
) -> None:
    mirrors = Mirrors(tmp_path / "data", SourceLimits(slack_bytes=0))
    calm = repo.commit({"a.yaml": "calm"}, branch="calm")
    ref = Ref(kind=RefKind.BRANCH, value="calm")
    remote, _ = await fetched(mirrors, repo, ref)
    for number in range(6):
        repo.rewrite({"large.bin": noise(number, 50_000)})
        await fetched(mirrors, repo)
    repo.delete_branch("calm")
    await mirrors.fetch(remote, "refs/heads/calm", calm, SECONDS)
    assert (await mirrors.revision(remote, calm)).sha == calm


@pytest.mark.parametrize("name", ["tree", "blob"])
async def test_a_tag_that_is_no_commit_is_said_to_be_none(mirrors: Mirrors, repo: Repo, name: str) -> None:
    repo.commit({"a.yaml": "a"})
    repo.git("tag", "-a", "-m", "Odd", name, {"tree": "main^{tree}", "blob": "main:a.yaml"}[name])
    with pytest.raises(SourceError, match=f"is a {name}, not a commit") as raised:
        await fetched(mirrors, repo, Ref(kind=RefKind.TAG, value=name))
    assert raised.value.reason == Reason.REF_NOT_FOUND
