"""Which commit made an object what it is, on real histories; a walk by checking out each commit is the oracle."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from towline.model import ObjectRef
from towline.render import plain
from towline.render.documents import YamlLimits
from towline.render.file_versions import Versions
from towline.render.written import written_object
from towline.source.access import Remote
from towline.source.authorship import blame
from towline.source.authorship.blame import Blamed
from towline.source.authorship.walk import Wanted
from towline.source.mirror import Mirrors

from e2e.harness.gitrepo import Entry, Repo
from e2e.harness.gitserver import GitServer
from tests.source.passes import MAIN, SECONDS, fetched


def config_map(name: str, value: object) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: 'v{value}'\n"


def several(*objects: tuple[str, object]) -> str:
    return "---\n".join(config_map(name, value) for name, value in objects)


def wanted(file: str, text: str) -> tuple[Wanted, ...]:
    manifests, failures = plain.manifests(file, "", text.encode(), YamlLimits())
    assert not failures
    return tuple(Wanted(*written_object.identity(one.content), file) for one in manifests)


async def blamed(
    mirrors: Mirrors, remote: Remote, head: str, files: Mapping[str, str], base: str = ""
) -> dict[str, Blamed]:
    objects = [one for file, text in files.items() for one in wanted(file, text)]
    since = (await mirrors.history(remote, base, head)).revisions if base else ()
    span = tuple((each.sha, *each.parents) for each in since)
    found = await mirrors.blame(remote, head, span, objects, Versions(YamlLimits()).declared)
    return {one.ref.name: each for one, each in found.items()}


async def blamed_at_head(mirrors: Mirrors, repo: Repo, *files: str, base: str = "") -> dict[str, Blamed]:
    remote, head = await fetched(mirrors, repo)
    return await blamed(
        mirrors, remote, head, {file: repo.git("show", f"{head}:{file}") for file in files}, base
    )


async def test_it_is_the_commit_that_changed_the_file_not_the_one_that_was_pushed_last(
    mirrors: Mirrors, repo: Repo
) -> None:
    repo.commit({"web.yaml": config_map("web", 1)})
    changed = repo.commit({"web.yaml": config_map("web", 2)})
    repo.commit({"README.md": "words", ".github/ci.yaml": "on: push"})
    found = await blamed_at_head(mirrors, repo, "web.yaml")
    assert (found["web"].sha, found["web"].file) == (changed, "web.yaml")


async def test_in_a_file_of_many_each_object_has_the_commit_that_changed_it(
    mirrors: Mirrors, repo: Repo
) -> None:
    first = repo.commit({"all.yaml": several(("a", 1), ("b", 1), ("c", 1))})
    second = repo.commit({"all.yaml": several(("a", 1), ("b", 2), ("c", 1))})
    third = repo.commit({"all.yaml": several(("new", 1), ("a", 1), ("b", 2), ("c", 1))})
    found = await blamed_at_head(mirrors, repo, "all.yaml")
    assert {name: one.sha for name, one in found.items()} == {
        "a": first,
        "b": second,
        "c": first,
        "new": third,
    }


async def test_through_a_merge_it_is_the_commit_of_the_pull_request(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"a.yaml": config_map("a", 1), "b.yaml": config_map("b", 1)})
    repo.branch("feature")
    change = repo.commit({"a.yaml": config_map("a", 2)}, branch="feature")
    repo.merge_pull_request(7, "feature")
    assert (await blamed_at_head(mirrors, repo, "a.yaml"))["a"].sha == change


async def test_a_merge_that_settles_a_conflict_by_content_of_its_own_is_the_commit(
    mirrors: Mirrors, repo: Repo
) -> None:
    repo.commit({"a.yaml": several(("a", 1), ("b", 1))})
    repo.branch("feature")
    theirs = repo.commit({"a.yaml": several(("a", 1), ("b", 2))}, branch="feature")
    repo.commit({"a.yaml": several(("a", 2), ("b", 1))})
    merge = repo.commit({"a.yaml": several(("a", 3), ("b", 2))}, merge_of="feature")
    found = await blamed_at_head(mirrors, repo, "a.yaml")
    assert {name: one.sha for name, one in found.items()} == {"a": merge, "b": theirs}


async def test_a_branch_that_changed_a_file_and_put_it_back_did_not_change_it(
    mirrors: Mirrors, repo: Repo
) -> None:
    first = repo.commit({"a.yaml": config_map("a", 1)})
    repo.branch("feature")
    repo.commit({"a.yaml": config_map("a", 2)}, branch="feature")
    repo.commit({"a.yaml": config_map("a", 1)}, branch="feature")
    repo.merge_pull_request(7, "feature")
    assert (await blamed_at_head(mirrors, repo, "a.yaml"))["a"].sha == first


async def test_a_renamed_file_is_followed_and_the_source_is_its_path_in_that_commit(
    mirrors: Mirrors, repo: Repo
) -> None:
    first = repo.commit({"old/a.yaml": config_map("a", 1), "b.yaml": config_map("b", 1)})
    repo.rename("old/a.yaml", "new/a.yaml")
    repo.commit({"new/a.yaml": "# a comment\n" + config_map("a", 1)})
    found = (await blamed_at_head(mirrors, repo, "new/a.yaml"))["a"]
    assert (found.sha, found.file) == (first, "old/a.yaml")
    assert repo.git("show", f"{found.sha}:{found.file}") == config_map("a", 1).rstrip("\n")


async def test_a_repository_that_was_merged_in_as_a_folder_keeps_its_history(
    mirrors: Mirrors, repo: Repo
) -> None:
    shops = {f"shop-{number:03}.yaml": config_map(f"shop-{number:03}", 1) for number in range(250)}
    began = repo.commit({**shops, "a.yaml": config_map("a", 1)}, branch="other")
    changed = repo.commit({"a.yaml": config_map("a", 2)}, branch="other")
    main = repo.commit({"README.md": "words"})
    moved = {f"other/{file}": text for file, text in shops.items()}
    taken_in = repo.commit({**moved, "other/a.yaml": config_map("a", 2)})
    merge = repo.git(
        "commit-tree", f"{taken_in}^{{tree}}", "-p", main, "-p", changed, "-m", "Take it in"
    ).strip()
    repo.git("update-ref", "refs/heads/main", merge)
    files = ("other/a.yaml", *(f"other/{file}" for file in shops))
    found = await blamed_at_head(mirrors, repo, *files)
    assert (found["a"].sha, found["a"].file) == (changed, "a.yaml")
    assert {one.sha for name, one in found.items() if name != "a"} == {began}


async def test_an_object_that_moves_to_a_file_of_its_own_keeps_its_commit(
    mirrors: Mirrors, repo: Repo
) -> None:
    first = repo.commit({"all.yaml": several(("a", 1), ("b", 1))})
    repo.commit({"all.yaml": config_map("a", 1), "b.yaml": config_map("b", 1)})
    found = await blamed_at_head(mirrors, repo, "all.yaml", "b.yaml")
    assert (found["b"].sha, found["b"].file, found["a"].sha) == (first, "all.yaml", first)


@pytest.mark.parametrize("text", ["# why\n{}", "{}\n# why\n", "\n\n{}"])
async def test_comments_and_blank_lines_are_no_change(mirrors: Mirrors, repo: Repo, text: str) -> None:
    first = repo.commit({"a.yaml": config_map("a", 1)})
    repo.commit({"a.yaml": text.replace("{}", config_map("a", 1))})
    assert (await blamed_at_head(mirrors, repo, "a.yaml"))["a"].sha == first


async def test_a_return_to_an_older_content_is_the_commit_that_returned(mirrors: Mirrors, repo: Repo) -> None:
    repo.commit({"a.yaml": config_map("a", 1)})
    repo.commit({"a.yaml": config_map("a", 2)})
    back = repo.commit({"a.yaml": config_map("a", 1)})
    assert (await blamed_at_head(mirrors, repo, "a.yaml"))["a"].sha == back


async def test_of_several_commits_since_the_applied_one_it_is_the_one_that_touched_it(
    mirrors: Mirrors, repo: Repo
) -> None:
    base = repo.commit({"a.yaml": config_map("a", 1), "b.yaml": config_map("b", 1)})
    first = repo.commit({"a.yaml": config_map("a", 2)})
    second = repo.commit({"b.yaml": config_map("b", 2)})
    repo.commit({"c.txt": "words"})
    found = await blamed_at_head(mirrors, repo, "a.yaml", "b.yaml", base=base)
    assert (found["a"].sha, found["b"].sha) == (first, second)


async def test_what_did_not_change_since_the_applied_commit_is_found_behind_it(
    mirrors: Mirrors, repo: Repo
) -> None:
    first = repo.commit({"a.yaml": config_map("a", 1)})
    base = repo.commit({"b.yaml": config_map("b", 1)})
    repo.commit({"b.yaml": config_map("b", 2)})
    assert (await blamed_at_head(mirrors, repo, "a.yaml", base=base))["a"].sha == first


async def test_behind_many_versions_it_is_the_newest_commit_that_touched_the_file(
    mirrors: Mirrors, repo: Repo
) -> None:
    made = [
        repo.commit({"all.yaml": several(("a", 1), ("counter", number))})
        for number in range(blame.VERSIONS + 2)
    ]
    found = await blamed_at_head(mirrors, repo, "all.yaml")
    assert found["a"].sha == made[-1]


async def test_a_history_that_was_not_fetched_whole_names_no_commit_at_its_end(
    mirrors: Mirrors, repo: Repo, tmp_path: Path
) -> None:
    repo.commit({"a.yaml": config_map("a", 1)})
    cut = repo.commit({"b.yaml": config_map("b", 1)})
    changed = repo.commit({"b.yaml": config_map("b", 2)})
    remote, head = await fetched(mirrors, repo)
    (mirror,) = (tmp_path / "data" / "mirrors").glob("*")
    (mirror / "shallow").write_text(f"{cut}\n")
    files = {"a.yaml": config_map("a", 1), "b.yaml": config_map("b", 2)}
    found = await blamed(mirrors, remote, head, files)
    assert {name: one.sha for name, one in found.items()} == {"b": changed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one commit of a random history holds: for each object its file and value, and comments of files."""

    sha: str
    parents: tuple[str, ...]
    objects: Mapping[str, tuple[str, int]]
    comments: Mapping[str, int]

    def text(self, file: str) -> str | None:
        found = [(name, value) for name, (where, value) in sorted(self.objects.items()) if where == file]
        return f"# {self.comments.get(file, 0)}\n{several(*found)}" if found else None

    @property
    def files(self) -> dict[str, str]:
        names = {file for file, _ in self.objects.values()}
        return {file: text for file in names if (text := self.text(file))}


@dataclass(slots=True)
class RandomHistory:
    """Grows a history by random changes, renames, moves and merges."""

    repo: Repo
    random: Random
    commits: dict[str, Commit] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    number: itertools.count[int] = field(default_factory=itertools.count)

    def grow(self, steps: int) -> None:
        self._commit("main", (), {"a": ("one.yaml", 0), "b": ("one.yaml", 0), "c": ("c.yaml", 0)}, {})
        for _ in range(steps):
            branch = self.random.choice([*self.heads, "other"])
            if branch not in self.heads:
                self.repo.branch(branch)
                self.heads[branch] = self.heads["main"]
            other = next((name for name in self.heads if name != branch), branch)
            if self.heads[other] != self.heads[branch] and self.random.random() < 0.3:
                self._merge(branch, other)
            else:
                self._change(branch)
        if "other" in self.heads and self.heads["other"] != self.heads["main"]:
            self._merge("main", "other")

    def _change(self, branch: str) -> None:
        before = self.commits[self.heads[branch]]
        objects, comments = dict(before.objects), dict(before.comments)
        act: Callable[[dict[str, tuple[str, int]], dict[str, int]], None] = self.random.choice(
            [self._edit, self._edit, self._comment, self._rename, self._move, self._add, self._remove]
        )
        act(objects, comments)
        self._commit(branch, (before.sha,), objects, comments)

    def _edit(self, objects: dict[str, tuple[str, int]], _comments: dict[str, int]) -> None:
        name = self.random.choice([*objects])
        objects[name] = (objects[name][0], self.random.randrange(3))

    def _comment(self, objects: dict[str, tuple[str, int]], comments: dict[str, int]) -> None:
        comments[self.random.choice([*objects.values()])[0]] = next(self.number)

    def _rename(self, objects: dict[str, tuple[str, int]], _comments: dict[str, int]) -> None:
        old, new = self.random.choice([*objects.values()])[0], f"{next(self.number)}.yaml"
        for name, (file, value) in objects.items():
            objects[name] = (new if file == old else file, value)

    def _move(self, objects: dict[str, tuple[str, int]], _comments: dict[str, int]) -> None:
        name = self.random.choice([*objects])
        objects[name] = (self.random.choice([*objects.values()])[0], objects[name][1])

    def _add(self, objects: dict[str, tuple[str, int]], _comments: dict[str, int]) -> None:
        objects[f"new{next(self.number)}"] = (self.random.choice([*objects.values()])[0], 0)

    def _remove(self, objects: dict[str, tuple[str, int]], _comments: dict[str, int]) -> None:
        if len(objects) > 2:
            del objects[self.random.choice([*objects])]

    def _merge(self, branch: str, other: str) -> None:
        ours, theirs = self.commits[self.heads[branch]], self.commits[self.heads[other]]
        merged = {}
        for name in {**ours.objects, **theirs.objects}:
            side = self.random.choice([ours, theirs])
            if name in side.objects:
                merged[name] = side.objects[name]
        comments = self.random.choice([ours, theirs]).comments
        objects = merged or ours.objects
        self._commit(branch, (ours.sha, theirs.sha), objects, comments)

    def _commit(
        self,
        branch: str,
        parents: tuple[str, ...],
        objects: Mapping[str, tuple[str, int]],
        comments: Mapping[str, int],
    ) -> None:
        made = Commit(sha="", parents=parents, objects=objects, comments=comments)
        before = self.commits[parents[0]].files if parents else {}
        files = {**dict.fromkeys(before, None), **made.files}
        merge_of = parents[1] if len(parents) > 1 else ""
        message = f"number {next(self.number)}"
        sha = self.repo.commit(files, message=message, branch=branch, merge_of=merge_of)
        self.commits[sha] = Commit(sha=sha, parents=parents, objects=objects, comments=comments)
        self.heads[branch] = sha

    def oracle(self, sha: str, name: str) -> tuple[str, str]:
        """Compare whole checkouts, commit by commit."""
        commit = self.commits[sha]
        file, value = commit.objects[name]
        parents = [self.commits[parent] for parent in commit.parents]
        for parent in parents:
            if parent.text(file) == commit.text(file):
                return self.oracle(parent.sha, name)
        at_home = [each for each in parents if each.objects.get(name, ("", 0))[0] == file]
        for parent in at_home or parents:
            if parent.objects.get(name, ("", -1))[1] == value:
                return self.oracle(parent.sha, name)
        return sha, file


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(seed=st.integers(min_value=0, max_value=2**32), steps=st.integers(min_value=1, max_value=12))
def test_every_object_of_a_random_history_has_the_commit_that_comparing_checkouts_finds(
    server: GitServer, tmp_path_factory: pytest.TempPathFactory, seed: int, steps: int
) -> None:
    folder = tmp_path_factory.mktemp("random")
    repo = server.create(folder.name)
    history = RandomHistory(repo, Random(seed))  # noqa: S311  a test's history is no secret
    history.grow(steps)
    head = history.commits[history.heads["main"]]
    found = asyncio.run(_blamed(folder, repo, head))
    assert {name: (one.sha, one.file) for name, one in found.items()} == {
        name: history.oracle(head.sha, name) for name in head.objects
    }
    for name, one in found.items():
        shown = wanted(one.file, repo.git("show", f"{one.sha}:{one.file}"))
        ref = ObjectRef("", "ConfigMap", "", name)
        digests = {each.digest for each in shown if each.ref == ref}
        assert digests == {each.digest for each in wanted("", config_map(name, head.objects[name][1]))}


async def _blamed(folder: Path, repo: Repo, head: Commit) -> dict[str, Blamed]:
    mirrors = Mirrors(folder / "data")
    try:
        remote = Remote(url=repo.url)
        await mirrors.fetch(remote, MAIN, head.sha, SECONDS)
        return await blamed(mirrors, remote, head.sha, head.files)
    finally:
        await mirrors.aclose()


async def test_merges_of_three_links_submodules_and_values_that_come_back(
    mirrors: Mirrors, repo: Repo
) -> None:
    first = repo.commit(
        {
            "d/a.yaml": config_map("a", 1),
            "d/sub.yaml": Entry("160000", "1" * 40),
            "d/link.yaml": Entry("120000", "a.yaml"),
        }
    )
    sides = {}
    for name in ("left", "right"):
        repo.branch(name, at=first)
        sides[name] = repo.commit({f"d/{name}.yaml": config_map(name, 1)}, branch=name)
        repo.commit({f"d/{name}.yaml": config_map(name, 1)}, merge_of=name)
    octopus = ("commit-tree", "-m", "Octopus", "-p", first, "-p", sides["left"], "-p", sides["right"])
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    repo.branch("main", at=repo.git(*identity, *octopus, repo.git("rev-parse", "main^{tree}")))
    filed = repo.commit({"d/sub.yaml": config_map("sub", 1), "d/link.yaml": config_map("link", 1)})
    repo.branch("side")
    repo.commit({"d/a.yaml": config_map("a", 2)}, branch="side")
    resolved = repo.commit({"d/a.yaml": config_map("a", 3)}, merge_of="side", message="Resolve")
    repo.rename("d/left.yaml", "d/LEFT.yaml")
    repo.commit({}, message="Empty")
    _, _, again = (repo.commit({"d/right.yaml": config_map("right", value)}) for value in (5, 6, 5))
    files = ("d/a.yaml", "d/sub.yaml", "d/link.yaml", "d/LEFT.yaml", "d/right.yaml")
    found = await blamed_at_head(mirrors, repo, *files)
    assert {name: one.sha for name, one in found.items()} == {
        "a": resolved,
        "sub": filed,
        "link": filed,
        "left": sides["left"],
        "right": again,
    }
