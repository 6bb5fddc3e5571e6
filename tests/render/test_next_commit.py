"""What is read of a commit that follows one that was read, against a real Git server."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from towline.api.gitrepository import Spec
from towline.model import GroupKind
from towline.plan import scope
from towline.render import declared, formats, links
from towline.render.cache import Cache
from towline.render.declared import DeclaredFiles
from towline.render.documents import YamlLimits
from towline.render.next_commit import CommitPair, NextCommit, NextCommitReader
from towline.render.rendered import Reading
from towline.source import access, selection
from towline.source.mirror import Mirrors
from towline.source.selection import SourceLimits

from e2e.harness import gitrepo
from e2e.harness.gitrepo import Content, Repo
from e2e.scenes import manifests
from tests.api.test_gitrepository import specify

SCOPES = {GroupKind("", "ConfigMap"): True, GroupKind("", "Namespace"): False}
LIMITS = SourceLimits()


class Desk:
    """CommitPair to a repository, and reads them whole or by what differs."""

    def __init__(self, mirrors: Mirrors, repo: Repo, path: str = ".", **spec: object) -> None:
        self.repo = repo
        self.spec: Spec = specify(url=repo.url, path=path, **spec)
        self.remote = access.remote(self.spec, None, allow_http=True)
        self.cache = Cache()
        self.mirrors = mirrors
        self.reader = NextCommitReader(mirrors=mirrors, cache=self.cache, limits=LIMITS, yaml=YamlLimits())

    async def fetched(self) -> str:
        sha = self.repo.sha()
        await self.mirrors.fetch(self.remote, "refs/heads/main", sha, 30)
        return sha

    async def whole(self, sha: str) -> DeclaredFiles:
        entries = await self.mirrors.entries(self.remote, sha, self.spec.path)
        listed = links.Links(entries, links.Listing((), {}), LIMITS.entries)
        selected = selection.select(listed, self.spec.path, formats.MARKERS, self.spec.exclude, LIMITS)
        assert not selected.failures
        files = [(entry.path, entry.sha, entry.size) for entry in selected.files]
        raw = await self.cache.render(
            files, lambda shas: self.mirrors.blobs(self.remote, shas), Reading(YamlLimits())
        )
        placed, failures = scope.place(raw, SCOPES, self.spec.default_namespace)
        assert not failures
        scopes = {ref: SCOPES[ref] for ref in {one.ref.group_kind for one in placed}}
        sizes = {path: size for path, _, size in files}
        return declared.declared(sizes, placed, scopes, len(entries))

    async def next(self, old: str, new: str, before: DeclaredFiles) -> NextCommit | None:
        commits = CommitPair(remote=self.remote, spec=self.spec, old=old, new=new)
        return await self.reader.read(commits, before, before.scopes)

    async def after(self, first: dict[str, Content], then: dict[str, Content | None]) -> NextCommit | None:
        """Return what is read of a second commit."""
        self.repo.commit(first)
        old = await self.fetched()
        before = await self.whole(old)
        self.repo.commit(then)
        return await self.next(old, await self.fetched(), before)


def maps(*names: str, colour: str = "blue") -> str:
    return manifests.text(*(manifests.config_map(name, colour=colour) for name in names))


def many(count: int) -> dict[str, Content]:
    return {f"{number:05}.yaml": maps(f"map-{number}") for number in range(count)}


@pytest.mark.parametrize("count", [10, 1000])
async def test_of_a_commit_that_changes_one_file_one_is_read_however_many_there_are(
    mirrors: Mirrors, repo: Repo, count: int
) -> None:
    found = await Desk(mirrors, repo).after(many(count), {"00003.yaml": maps("map-3", colour="red")})
    assert found
    assert [one.ref.name for one in found.read] == ["map-3"]
    assert len(found.files.manifests) == count


@pytest.mark.parametrize("seed", range(4))
async def test_reading_what_differs_gives_what_reading_it_whole_gives(
    mirrors: Mirrors, repo: Repo, seed: int
) -> None:
    desk, chance = Desk(mirrors, repo, "deploy", exclude=["/left-out/"]), random.Random(seed)  # noqa: S311  to be played again
    shas = [await _commit(desk, _drawn(chance, first=True))]
    shas += [await _commit(desk, _drawn(chance)) for _ in range(6)]
    for old, new in pairwise(shas):
        found = await desk.next(old, new, await desk.whole(old))
        expected = await desk.whole(new)
        assert found
        assert (found.files, list(found.files.files)) == (expected, list(expected.files))


async def _commit(desk: Desk, files: dict[str, Content | None]) -> str:
    desk.repo.commit(files)
    return await desk.fetched()


def _drawn(chance: random.Random, *, first: bool = False) -> dict[str, Content | None]:
    """Draw some files, objects of which belong to one file each; some go, and some are no manifests."""
    files: dict[str, Content | None] = {"deploy/fixed.yaml": maps("fixed")} if first else {}
    files["README.md"] = chance.randbytes(4).hex()
    for number in chance.sample(range(12), 12 if first else 3):
        names = [f"map-{number}-{index}" for index in range(chance.randint(1, 3))]
        content = maps(*names, colour=chance.choice(["red", "blue"]))
        folder = chance.choice(["a/", ""]) if first else ""
        is_gone = not first and chance.random() < 0.3
        files[f"deploy/{folder}{number}.yaml"] = None if is_gone else content
        if folder == "" and not first:
            files[f"deploy/a/{number}.yaml"] = None
    files[f"deploy/{chance.randint(0, 3)}.txt"] = "no manifest"
    files["deploy/left-out/x.yaml"] = chance.choice(["a: [", "b: ["])
    return files


@pytest.mark.parametrize(
    "then",
    [
        {"link.yaml": gitrepo.Entry("120000", "a.yaml")},
        {"sub": gitrepo.Entry("160000", "1" * 40)},
        {"web/kustomization.yaml": "resources: []"},
        {"b.yaml": "a: ["},
        {"b.yaml": maps("a")},
        {"b.yaml": maps("b", "b")},
        {"b.yaml": manifests.text(manifests.namespace("shop"))},
        {"b.yaml": manifests.text(manifests.widgets("example.com"))},
        {"a.yaml": None, "c.yaml": None},
    ],
    ids=[
        "a symlink",
        "a submodule",
        "another format",
        "an error",
        "an object of another file",
        "an object twice",
        "another kind",
        "a CRD",
        "nothing is left",
    ],
)
async def test_what_only_the_whole_commit_can_tell_is_left_to_it(
    mirrors: Mirrors, repo: Repo, then: dict[str, Content | None]
) -> None:
    first: dict[str, Content] = {"a.yaml": maps("a"), "c.yaml": maps("c")}
    assert await Desk(mirrors, repo).after(first, then) is None


async def test_an_object_may_move_to_another_file(mirrors: Mirrors, repo: Repo) -> None:
    first: dict[str, Content] = {"a.yaml": maps("a"), "c.yaml": maps("c")}
    found = await Desk(mirrors, repo).after(first, {"a.yaml": None, "b.yaml": maps("a")})
    assert found
    assert sorted(one.origin.file for one in found.files.manifests.values()) == ["b.yaml", "c.yaml"]


async def test_where_the_old_commit_is_gone_the_new_one_is_read_whole(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"a.yaml": maps("a")})
    desk = Desk(mirrors, repo)
    sha = await desk.fetched()
    assert await desk.next("1" * 40, sha, await desk.whole(sha)) is None
