"""Whatever happens to a source, nothing is deleted because it could not be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Entry, Repo
from e2e.harness.gitserver import Fault, GitServer
from e2e.harness.operator import Operator, Operators
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import broken_sources, head_lookups, managed_objects, manifests
from e2e.scenes.broken_sources import Breakage, Steps

AT_ONCE = 6
"""How many sources break at the same time: most of each course is waiting."""

CASES: tuple[tuple[Breakage, str, str], ...] = (
    (broken_sources.all_files_are_removed, "PruneBlocked", "SourceEmpty"),
    (broken_sources.the_folder_is_removed, "PathNotFound", "deploy"),
    (broken_sources.the_path_is_mistyped, "PathNotFound", "deplyo"),
    (broken_sources.the_branch_is_deleted, "RefNotFound", "main"),
    (broken_sources.a_file_does_not_parse, "BuildFailed", "deploy/kept.yaml"),
    (broken_sources.a_file_declares_no_kind, "BuildFailed", "deploy/more.yaml"),
    (broken_sources.an_object_is_declared_twice, "BuildFailed", "DuplicateObject"),
    (broken_sources.a_symlink_leads_out_of_the_repository, "SymlinkRefused", "deploy/more.yaml"),
    (broken_sources.a_file_is_larger_than_any_object, "BuildFailed", "deploy/large.yaml"),
    (broken_sources.a_few_trees_hold_endless_paths, "SourceTooLarge", "deploy/bomb/"),
    (broken_sources.the_folder_asks_for_helm, "BuildFailed", "--helm"),
    (broken_sources.the_server_answers_500, "GitUnavailable", "500"),
    (broken_sources.the_server_hangs, "GitTimeout", "http"),
    (broken_sources.the_server_is_down, "GitUnavailable", "http"),
    (broken_sources.the_answers_are_cut_in_half, "GitUnavailable", "http"),
    (broken_sources.the_server_wants_a_password, "AuthenticationFailed", "spec.secretRef"),
    (broken_sources.the_repository_is_gone_from_the_server, "AuthenticationFailed", "spec.url"),
)
NAMES = tuple(breakage.__name__ for breakage, _, _ in CASES)


@pytest.fixture(scope="module")
def courses(
    operators: Operators, plane: ControlPlane, cluster: Cluster, git_server: GitServer
) -> Iterator[Mapping[str, Future[Steps]]]:
    """What happens to each source, by the name of its breakage."""
    operators.shared()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            breakage.__name__: pool.submit(
                broken_sources.course, breakage, reason, cluster, git_server, plane.audit
            )
            for breakage, reason, _ in CASES
        }


@pytest.mark.parametrize("name", NAMES)
def test_a_source_that_broke_deletes_and_writes_nothing_until_it_is_mended(
    name: str, courses: Mapping[str, Future[Steps]]
) -> None:
    course = courses[name].result()
    assert course.writes == []
    assert course.broken == course.mended == course.good


@pytest.mark.parametrize(("breakage", "reason", "told"), CASES, ids=NAMES)
def test_a_source_that_broke_says_why_and_which_commit_is_still_live(
    breakage: Breakage, reason: str, told: str, courses: Mapping[str, Future[Steps]]
) -> None:
    course = courses[breakage.__name__].result()
    status = course.status
    conditions = {one["type"]: one for one in status["conditions"]}
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == ("False", reason)
    assert told in json.dumps([conditions, status.get("failures"), status.get("blocked")])
    assert status["commit"]["applied"] == course.applied


def test_a_commit_that_cannot_be_read_leaves_one_failed_record_however_often_it_is_tried(
    courses: Mapping[str, Future[Steps]],
) -> None:
    course = courses["a_file_does_not_parse"].result()
    assert [record["status"]["outcome"] for record in course.records] == ["Succeeded", "Failed"]
    failed = course.records[-1]
    assert failed["spec"]["to"] == course.status["commit"]["attempted"]
    assert "deploy/kept.yaml" in json.dumps(failed["status"]["failures"])


def test_one_of_50_files_that_does_not_parse_holds_back_the_whole_commit(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    names = [f"settings-{number:02}" for number in range(50)]
    good = repo.commit(manifests.config_maps(names, colour="blue"))
    repository = git_repository()
    repository.until_ready(good)
    before = managed_objects.config_maps(cluster, repository)
    mark = audit.mark()
    broken = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-49\ndata:\n  colour: [red\n"
    mixed = {**manifests.config_maps(names[:20], colour="red"), "settings-49.yaml": broken}
    bad = repo.commit({**mixed, **dict.fromkeys(manifests.config_maps(names[20:25]))})
    status = repository.until_reason("BuildFailed")
    (failure,) = status["failures"]
    assert (failure["file"], failure["commit"]) == ("settings-49.yaml", bad)
    assert failure["line"] in (6, 7)
    assert status["commit"] == {"observed": bad, "attempted": bad, "applied": good, "healthy": good}
    assert managed_objects.writes(audit, mark, repository) == []
    fixed = repo.commit(manifests.config_maps(["settings-49"], colour="red"))
    repository.until_ready(fixed)
    after = managed_objects.config_maps(cluster, repository)
    assert set(after) == {*names[:20], *names[25:]}
    assert {name for name in after if after[name] != before[name]} == {*names[:20], "settings-49"}


def test_a_new_source_that_declares_nothing_says_so_until_it_does(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repo.commit({"README.md": "Nothing yet"})
    repository = git_repository()
    repository.until_reason("SourceEmpty")
    repository.until_ready(repo.commit(manifests.config_maps(["first"])))


def test_a_source_of_nothing_but_a_submodule_says_that_it_is_not_read(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repo.commit({"vendor/base": Entry("160000", "1" * 40)})
    repository = git_repository()
    repository.until_reason("SourceEmpty")
    assert "submodules are not read (vendor/base is one)" in repository.condition()["message"]
    assert [line for line in operator.log() if "vendor/base" in json.dumps(dict(line))]


def test_a_head_that_is_gone_before_it_could_be_fetched_is_looked_up_again_long_before_the_interval(
    operator: Operator, git_server: GitServer, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repo.commit(manifests.config_maps(["lost"]))
    with git_server.failing(repo.path.stem, Fault.NO_PACKS):
        repository = git_repository(interval="1h")
        repository.until_reason("GitUnavailable")
        sha = repo.rewrite(manifests.config_maps(["kept"]))
        repo.git("reflog", "expire", "--expire=now", "--all")
        repo.git("gc", "--quiet", "--prune=now")
    repository.until_ready(sha)


def test_a_commit_that_git_refuses_is_not_fetched_again_at_each_interval(
    operator: Operator, git_server: GitServer, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    good = repo.commit(manifests.config_maps(["kept"]))
    repository = git_repository(interval="1s")
    repository.until_ready(good)
    tree = repo.git("mktree", stdin=f"100644 blob {repo.git('rev-parse', 'main:kept.yaml')}\t.git\n")
    bad = repo.git("commit-tree", tree, "-p", good, "-m", "Hide something")
    before = head_lookups.fetches(git_server, repo)
    repo.branch("main", at=bad)
    repository.until_reason("GitObjectInvalid")
    head_lookups.wait(git_server, repo, 16)
    assert repository.condition()["reason"] == "GitObjectInvalid"
    tries = head_lookups.fetches(git_server, repo) - before
    assert tries < 7, "it was tried again after 1, 2, 4 … s only"
    repository.annotate(reconcile="now")
    eventually(lambda: head_lookups.fetches(git_server, repo) - before > tries, message="another try")
    repo.branch("main", at=good)
    repository.until_ready(repo.commit(manifests.config_maps(["next"])))


def test_an_operator_that_starts_while_the_git_server_is_away_changes_nothing(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    first = private_operator()
    first.start()
    sha = repo.commit(broken_sources.GOOD)
    repository = git_repository(path="deploy")
    repository.until_ready(sha)
    first.kill()
    before = managed_objects.config_maps(cluster, repository)
    mark = audit.mark()
    with git_server.failing(repo.path.stem, Fault.DOWN):
        private_operator().start()
        repository.until_reason("GitUnavailable")
    repository.until_ready(repo.sha(), deadline=head_lookups.CAP)
    assert managed_objects.writes(audit, mark, repository) == []
    assert managed_objects.config_maps(cluster, repository) == before
