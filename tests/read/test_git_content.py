"""Git content comes from the clone that is named, from the current folder, or from a mirror of the user's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from towline.errors import Reason, SourceError
from towline.read.git import git_search
from towline.read.git.cache_mirror import CacheMirror
from towline.read.git.git_content import GitContent
from towline.read.git.git_search import GitSearch
from towline.read.git.same_repository import is_same_repository

from e2e.harness import gitserver
from e2e.harness.gitrepo import BOB, Repo
from e2e.harness.gitserver import Fault, GitServer

SHOP = "https://git.example.com/team/shop"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with gitserver.serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def repo(server: GitServer) -> Repo:
    return server.create(f"shop-{len(list(server.folder.iterdir()))}")


@pytest.fixture
def user(tmp_path: Path) -> Mapping[str, str]:
    (tmp_path / "home").mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}


def cloned(repo: Repo, folder: Path, remote: str) -> Path:
    subprocess.run(["git", "clone", "--quiet", str(repo.path), str(folder)], check=True)
    git(folder, "remote", "set-url", "origin", remote)
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


def search(url: str, tmp_path: Path, user: Mapping[str, str], *commits: str, **more: object) -> GitSearch:
    asked: dict[str, object] = {"folder": tmp_path, "repo": None, **more}
    return GitSearch(url=url, cache=tmp_path / "cache", environment=user, commits=commits, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        "https://git.example.com/team/shop.git",
        "https://user:password@GIT.example.com/team/shop/",
        "git@git.example.com:team/shop.git",
        "git.example.com:team/shop",
        "ssh://git@git.example.com/team/shop",
        "ssh://git@git.example.com:2222/team/shop.git",
        "https://git.example.com:443/team//shop",
        "http://git.example.com/team/shop",
        "https://git.example.com/team/sh%6Fp",
    ],
)
def test_urls_of_one_repository_are_the_same_however_they_are_written(other: str) -> None:
    assert is_same_repository(SHOP, other)
    assert is_same_repository(other, SHOP)


@pytest.mark.parametrize(
    "other",
    [
        "https://git.example.com/team/shop2",
        "https://git.example.com/other/shop",
        "https://git.example.com.evil.example/team/shop",
        "https://git.example.com:8443/team/shop",
        "https://git.example.com@evil.example/team/shop",
        "/srv/git/team/shop.git",
        "file:///team/shop",
        "ext::sh -c git.example.com/team/shop",
        "",
    ],
)
def test_urls_of_other_repositories_are_not_the_same(other: str) -> None:
    assert not is_same_repository(SHOP, other)


async def test_the_current_folder_is_read_where_a_remote_of_it_is_the_repository(
    repo: Repo, tmp_path: Path, user: Mapping[str, str], server: GitServer
) -> None:
    sha = repo.commit({"a.yaml": "a: 1\n"})
    folder = cloned(repo, tmp_path / "clone", "git@git.example.com:team/shop.git")
    below = folder / "below"
    below.mkdir()
    found = await git_search.find(search(SHOP, tmp_path, user, sha, folder=below))
    assert found.content is not None
    assert (found.missing, await found.content.file(sha, "a.yaml")) == ("", b"a: 1\n")
    assert not server.requests(repo.path.stem)


async def test_a_second_remote_and_a_rewritten_one_count_too(
    repo: Repo, tmp_path: Path, user: Mapping[str, str]
) -> None:
    sha = repo.commit({"a.yaml": "a: 1\n"})
    folder = cloned(repo, tmp_path / "clone", "https://git.example.com/fork/shop")
    git(folder, "remote", "add", "upstream", "work:team/shop")
    (Path(user["HOME"]) / ".gitconfig").write_text(
        '[url "ssh://git@git.example.com/"]\n\tinsteadOf = work:\n'
    )
    found = await git_search.find(search(SHOP, tmp_path, user, sha, folder=folder, offline=True))
    assert found.content is not None


async def test_a_mirror_is_fetched_once_and_again_for_what_it_lacks(
    repo: Repo, tmp_path: Path, user: Mapping[str, str], server: GitServer
) -> None:
    first = repo.commit({"a.yaml": "a: 1\n"})
    name = repo.path.stem
    found = await git_search.find(search(repo.url, tmp_path, user, first))
    asked = len(server.requests(name))
    again = await git_search.find(search(repo.url, tmp_path, user, first))
    assert (found.missing, again.missing, len(server.requests(name))) == ("", "", asked)
    second = repo.commit({"a.yaml": "a: 2\n"})
    newer = await git_search.find(search(repo.url, tmp_path, user, second))
    assert newer.content is not None
    assert await newer.content.file(second, "a.yaml") == b"a: 2\n"
    rewritten = repo.rewrite({"a.yaml": "a: 3\n"})
    newest = await git_search.find(search(repo.url, tmp_path, user, rewritten, fresh=True))
    assert newest.content is not None
    assert await newest.content.resolve("main") == rewritten


async def test_a_commit_that_no_branch_has_any_more_is_fetched_by_its_id(
    repo: Repo, tmp_path: Path, user: Mapping[str, str]
) -> None:
    lost = repo.commit({"a.yaml": "a: 1\n"})
    repo.rewrite({"a.yaml": "a: 2\n"})
    found = await git_search.find(search(repo.url, tmp_path, user, lost))
    assert found.content is not None
    assert (found.missing, await found.content.has(lost)) == ("", True)


async def test_the_user_s_own_configuration_gives_the_credentials(
    repo: Repo, tmp_path: Path, user: Mapping[str, str], server: GitServer
) -> None:
    sha = repo.commit({"a.yaml": "a: 1\n"})
    server.require(repo.path.stem, "Basic dXNlcjpwYXNzd29yZA==")
    refused = await git_search.find(search(repo.url, tmp_path, user, sha))
    assert refused.content is None or not await refused.content.has(sha)
    assert "cannot be fetched by your git" in refused.missing
    assert "--repo" in refused.missing
    helper = "!f() { echo username=user; echo password=password; }; f"
    (Path(user["HOME"]) / ".gitconfig").write_text(f'[credential]\n\thelper = "{helper}"\n')
    found = await git_search.find(search(repo.url, tmp_path, user, sha))
    assert found.content is not None
    assert await found.content.has(sha)


async def test_a_server_that_does_not_answer_is_given_up_at_the_deadline(
    repo: Repo, tmp_path: Path, user: Mapping[str, str], server: GitServer
) -> None:
    repo.commit({"a.yaml": "a: 1\n"})
    mirror = CacheMirror(url=repo.url, cache=tmp_path / "cache", environment=user, seconds=0.5)
    with (
        server.failing(repo.path.stem, Fault.HANG),
        pytest.raises(SourceError, match="git fetch did not end"),
    ):
        await mirror.fetched()


@pytest.mark.parametrize(
    "url",
    [
        "--upload-pack=touch /tmp/pwned",
        "ext::sh -c touch% /tmp/pwned",
        "file:///etc",
        "https://-oProxyCommand=x/y",
    ],
)
async def test_a_url_that_is_none_of_a_repository_never_reaches_git(
    url: str, tmp_path: Path, user: Mapping[str, str]
) -> None:
    found = await git_search.find(search(url, tmp_path, user, "0" * 40))
    assert found.content is None
    assert "spec.url" in found.missing
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "ref", ["--upload-pack=x", "refs/heads/../../x", "main:refs/heads/x", "refs/x y", "HEAD"]
)
async def test_a_ref_that_is_none_is_refused(ref: str, tmp_path: Path, user: Mapping[str, str]) -> None:
    with pytest.raises(SourceError, match="full name of a ref"):
        await CacheMirror(url=SHOP, cache=tmp_path, environment=user).with_ref(ref)


async def test_the_ref_of_a_pull_request_is_fetched_by_its_name(
    repo: Repo, tmp_path: Path, user: Mapping[str, str]
) -> None:
    repo.commit({"a.yaml": "a: 1\n"})
    proposed = repo.commit({"a.yaml": "a: 2\n"}, branch="proposal")
    repo.git("update-ref", "refs/pull/7/head", proposed)
    mirror = CacheMirror(url=repo.url, cache=tmp_path / "cache", environment=user)
    assert await mirror.with_ref("refs/pull/7/head") == proposed
    with pytest.raises(SourceError, match="refs/pull/8/head"):
        await mirror.with_ref("refs/pull/8/head")


async def test_a_folder_that_is_no_clone_is_told(tmp_path: Path, user: Mapping[str, str]) -> None:
    with pytest.raises(SourceError, match="is not in a clone"):
        await git_search.find(search(SHOP, tmp_path, user, repo=tmp_path))
    with pytest.raises(SourceError, match="is not a folder"):
        await git_search.find(search(SHOP, tmp_path, user, repo=tmp_path / "gone"))


async def test_a_clone_that_lacks_the_commit_says_what_to_do(
    repo: Repo, tmp_path: Path, user: Mapping[str, str]
) -> None:
    repo.commit({"a.yaml": "a: 1\n"})
    folder = cloned(repo, tmp_path / "clone", SHOP)
    later = repo.commit({"a.yaml": "a: 2\n"})
    found = await git_search.find(search(SHOP, tmp_path, user, later, repo=folder))
    assert found.content is not None
    assert found.missing == f"the clone {folder} does not have commit {later[:7]}: run git fetch in {folder}"


@pytest.mark.skipif(os.getuid() != 0, reason="gives a folder to another user")
async def test_a_folder_of_another_user_is_explained(
    repo: Repo, tmp_path: Path, user: Mapping[str, str]
) -> None:
    repo.commit({"a.yaml": "a: 1\n"})
    folder = cloned(repo, tmp_path / "clone", SHOP)
    for path in (folder, folder / ".git"):
        shutil.chown(path, 12345, 12345)
    with pytest.raises(SourceError) as raised:
        await git_search.find(search(SHOP, tmp_path, user, repo=folder))
    assert raised.value.reason is Reason.ACCESS_DENIED
    assert f"git config --global --add safe.directory {folder}" in raised.value.message
    near = await git_search.find(search(SHOP, tmp_path, user, folder=folder, offline=True))
    assert "safe.directory" in near.missing


async def test_a_folder_that_runs_programs_when_it_is_read_runs_none(
    repo: Repo, tmp_path: Path, user: Mapping[str, str]
) -> None:
    sha = repo.commit({"a.yaml": "a: 1\n", ".gitattributes": "*.yaml diff=x\n"})
    folder = cloned(repo, tmp_path / "clone", SHOP)
    touched = tmp_path / "touched"
    program = f"touch {touched}; cat"
    for name in ("core.fsmonitor", "diff.x.textconv", "core.pager", "diff.external", "gpg.program"):
        git(folder, "config", name, program)
    git(folder, "config", "log.showSignature", "true")
    content = await git_search.clone(folder, user)
    assert [line.sha for line in (await content.blame(sha, "a.yaml")).values()] == [sha]
    assert len(await content.log(sha)) == 1
    assert await content.resolve("main") == sha
    assert not touched.exists()


async def test_a_partial_clone_says_what_it_lacks_and_asks_no_server(
    repo: Repo, tmp_path: Path, user: Mapping[str, str], server: GitServer
) -> None:
    sha = repo.commit({"a.yaml": "a: 1\n"})
    repo.git("config", "uploadpack.allowFilter", "true")
    folder = tmp_path / "partial"
    repo.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", repo.url, str(folder))
    asked = len(server.requests(repo.path.stem))
    content = await git_search.clone(folder, user)
    for reading in (content.file(sha, "a.yaml"), content.blame(sha, "a.yaml")):
        with pytest.raises(SourceError, match="partial clone"):
            await reading
    assert len(server.requests(repo.path.stem)) == asked
    assert await content.has(sha)


async def opened(repo: Repo, user: Mapping[str, str]) -> GitContent:
    return await git_search.clone(repo.path, user)


async def test_the_blame_of_a_file_follows_its_renames(repo: Repo, user: Mapping[str, str]) -> None:
    text = "".join(f"line{number}: 1\n" for number in range(8))
    first = repo.commit({"old name.yaml": text})
    repo.rename("old name.yaml", 'new "näme".yaml')
    last = repo.commit({'new "näme".yaml': text.replace("line2: 1", "line2: 2")}, author=BOB)
    lines = await (await opened(repo, user)).blame(last, 'new "näme".yaml')
    assert [lines[number].sha for number in range(1, 9)] == [first, first, last, *[first] * 5]
    assert (lines[1].file, lines[3].file, lines[8].line) == ("old name.yaml", 'new "näme".yaml', 8)


async def test_a_log_lists_a_range_by_path_and_commits_name_their_pull_request(
    repo: Repo, user: Mapping[str, str]
) -> None:
    first = repo.commit({"a.yaml": "a: 1\n"})
    second = repo.commit({"b*.yaml": "b: 1\n"})
    third = repo.commit({"a.yaml": "a: 2\n"}, message="Raise a (#7)", author=BOB)
    content = await opened(repo, user)
    assert [each.sha for each in await content.log(third, since=first)] == [third, second]
    assert [each.sha for each in await content.log(third, paths=("b*.yaml",))] == [second]
    assert [each.sha for each in await content.log(third, paths=("a.yaml",), most=1)] == [third]
    assert (await content.revisions([third]))[third].pull_request == "#7"


@pytest.mark.parametrize("name", ["--all", "main..other", "main:a.yaml", "", "main^{/x}", ":/Change", "a b"])
async def test_what_is_no_name_of_a_commit_resolves_to_nothing(
    name: str, repo: Repo, user: Mapping[str, str]
) -> None:
    repo.commit({"a.yaml": "a: 1\n"})
    assert await (await opened(repo, user)).resolve(name) == ""


async def test_names_ids_and_their_starts_resolve_to_commits(repo: Repo, user: Mapping[str, str]) -> None:
    first = repo.commit({"a.yaml": "a: 1\n"})
    second = repo.commit({"a.yaml": "a: 2\n"})
    repo.tag("v1", at=first, message="One")
    content = await opened(repo, user)
    assert [await content.resolve(name) for name in ("main", "v1", "main~1", first[:9])] == [
        second,
        first,
        first,
        first,
    ]


_BLAMES = """
import asyncio, os, sys
from pathlib import Path
from towline.read.git import git_search
async def main():
    content = await git_search.clone(Path(sys.argv[1]), dict(os.environ))
    print(len(await content.blame(sys.argv[2], "gr\\xf6\\xdfe.yaml")))
asyncio.run(main())
"""


def test_files_of_any_name_are_read_whatever_the_locale(
    repo: Repo, tmp_path: Path, user: Mapping[str, str]
) -> None:
    sha = repo.commit({"größe.yaml": "a: 1\nb: 2\n"})
    clone = cloned(repo, tmp_path / "clönë", SHOP)
    plain = {**user, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    told = subprocess.run(
        [sys.executable, "-c", _BLAMES, str(clone), sha],
        env=plain,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.stdout, told.stderr) == ("2\n", "")


async def test_what_a_clone_says_of_other_parents_is_not_followed(
    repo: Repo, user: Mapping[str, str], tmp_path: Path
) -> None:
    first, second, head = (repo.commit({"a.yaml": f"a: {each}"}) for each in range(3))
    folder = cloned(repo, tmp_path / "clone", SHOP)
    (folder / ".git" / "info" / "grafts").write_text(f"{head} {first}\n")
    git(folder, "-c", "advice.graftFileDeprecated=false", "replace", second, first)
    content = await git_search.clone(folder, user)
    assert [each.sha for each in await content.log(head)] == [head, second, first]
    assert await content.ancestry(head) == ((head, second), (second, first), (first,))
    assert (await content.revisions((second,)))[second].parents == (first,)


async def test_in_a_folder_of_a_submodule_paths_begin_at_its_root(
    repo: Repo, user: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = repo.commit({"apps/web/a.yaml": "a: 1"})
    folder = cloned(repo, tmp_path / "outer", SHOP)
    git(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo.path), "inner")
    monkeypatch.chdir(folder / "inner" / "apps")
    content = await git_search.clone(Path.cwd(), user)
    assert set(await content.blame(sha, "apps/web/a.yaml")) == {1}
    assert [each.path for each in await content.entries(sha, "apps")] == ["apps/web/a.yaml"]
    assert [each.sha for each in await content.log(sha, paths=("apps/web/a.yaml",))] == [sha]


@pytest.mark.parametrize("variable", ["GIT_LITERAL_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"])
async def test_variables_that_change_what_a_path_means_do_not_count(
    repo: Repo, user: Mapping[str, str], tmp_path: Path, variable: str
) -> None:
    first = repo.commit({"apps/a.yaml": "a: 1"})
    second = repo.commit({"Apps/a.yaml": "a: 2"})
    content = await git_search.clone(cloned(repo, tmp_path / "clone", SHOP), {**user, variable: "1"})
    place = content.place.folder
    for folders in ((), ("apps",)):
        steps = await content.reader.steps(place, await content.ancestry(second), folders)
        found = {step.sha: sorted(step.deltas[0]) for step in steps}
        assert found == {first: ["apps/a.yaml"], second: [] if folders else ["Apps/a.yaml"]}
