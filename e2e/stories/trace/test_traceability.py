"""Every object, every write and every record tells which commit, author and file it comes from."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import pytest
import yaml

from e2e.harness import identity
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import ALICE, BOB, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests, shop_app
from e2e.scenes.shop_app import Shop

PLANTED = ("correct-horse-battery-staple", "staple-battery-horse-correct")


@pytest.fixture
def shop(cluster: Cluster, namespace: str) -> Iterator[Shop]:
    """An application of which nothing exists yet."""
    with shop_app.opened(cluster, namespace) as opened:
        yield opened


def test_git_shows_each_object_at_the_commit_and_in_the_file_that_it_names(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    shop: Shop,
) -> None:
    files = {f"deploy/{number}.yaml": manifests.text(body) for number, body in enumerate(shop.objects)}
    sha = repo.commit({**files, "README.md": "Not a manifest"})
    git_repository(path="deploy").until_ready(sha)
    for live in shop.live(cluster):
        notes = live["metadata"]["annotations"]
        shown = repo.git("show", f"{notes['towline.dev/commit']}:{notes['towline.dev/source']}")
        declared = yaml.safe_load(shown)
        assert (declared["kind"], declared["metadata"]["name"]) == (live["kind"], live["metadata"]["name"])


def test_each_write_says_for_which_repository_commit_and_record_it_is(
    operator: Operator, audit: AuditLog, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    mark = audit.mark()
    sha = repo.commit(manifests.config_maps(["first", "second"]))
    repository = git_repository()
    status = repository.until_ready(sha)
    agents = {
        event.user_agent
        for event in audit.writes(mark, identity.OPERATOR)
        if (event.resource, event.namespace) == ("configmaps", repository.namespace)
    }
    (agent,) = agents
    key = f"{repository.namespace}/{repository.name}"
    assert agent.endswith(f" (repository={key}; commit={sha}; record={status['lastRecord']})")


def test_the_record_tells_who_changed_which_field_from_what_to_what(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit({"deploy.yaml": manifests.text(manifests.deployment(image="web:1"))})
    repository = git_repository()
    repository.until_ready(first)
    repo.branch("release")
    changed = {"deploy.yaml": manifests.text(manifests.deployment(image="web:2"))}
    bobs = repo.commit(changed, message="Release 2", author=BOB, branch="release")
    merged = repo.merge_pull_request(12, "release", merged_by=ALICE)
    repository.until_ready(merged)
    record = repository.records()[-1]["spec"]
    assert (record["trigger"], record["from"], record["to"]) == ("Commit", first, merged)
    assert [commit["sha"] for commit in record["commits"]] == [merged, bobs]
    merge, commit = record["commits"]
    assert (merge["pullRequest"], merge["author"]["name"]) == ("#12", ALICE.name)
    assert merge["mergedBy"] == ALICE.name
    assert (commit["author"], commit["subject"]) == ({"name": BOB.name, "email": BOB.email}, "Release 2")
    (change,) = record["changes"]
    assert (change["action"], change["file"], change["line"]) == ("update", "deploy.yaml", 16)
    assert change["commit"] == bobs
    shown = repo.git("show", f"{bobs}:deploy.yaml").splitlines()
    assert shown[change["line"] - 1].strip().endswith("image: registry.example/web:2")
    assert record["author"] == {"name": BOB.name, "email": BOB.email}
    image = "/spec/template/spec/containers/0/image"
    told = {field["path"]: (field["old"], field["new"]) for field in change["fields"]}
    assert told[image] == ("registry.example/web:1", "registry.example/web:2")


def test_the_status_names_who_wrote_the_pull_request_of_the_live_commit_and_who_merged_it(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repo.commit(manifests.config_maps(["first"]))
    repo.branch("more")
    repo.commit(manifests.config_maps(["second"]), author=BOB, branch="more")
    merged = repo.merge_pull_request(7, "more", title="Add the second", merged_by=ALICE)
    repository = git_repository()
    applied = repository.until_ready(merged)["applied"]
    assert (applied["short"], applied["pullRequest"]) == (merged[:7], "#7")
    assert (applied["author"], applied["mergedBy"]) == (BOB.name, ALICE.name)
    shown = cluster.kubectl("get", "tgr", repository.name, "-n", repository.namespace, "-o", "wide")
    head, row = shown.splitlines()
    assert row[head.index("AUTHOR") :].startswith(BOB.name)
    assert row[head.index("MERGED-BY") :].startswith(ALICE.name)
    records = cluster.kubectl("get", "syncrecords", "-n", repository.namespace).splitlines()
    assert records[-1][records[0].index("AUTHOR") :].startswith(BOB.name)


def test_the_record_says_that_history_was_rewritten(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit(manifests.config_maps(["first"], colour="blue"))
    repository = git_repository()
    repository.until_ready(first)
    second = repo.rewrite(manifests.config_maps(["first"], colour="red"))
    repository.until_ready(second)
    record = repository.records()[-1]["spec"]
    assert (record["from"], record["to"], record["flags"]) == (first, second, ["HistoryRewritten"])


def test_a_changed_secret_is_recorded_as_changed_and_its_values_appear_nowhere(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repository = git_repository()
    for word in PLANTED:
        sha = repo.commit({"secret.yaml": manifests.text(manifests.secret(word=word))})
        repository.until_ready(sha)
    live = cluster.get("v1", "Secret", "credentials", repository.namespace)
    assert base64.b64decode(live["data"]["word"]).decode() == PLANTED[1]
    (change,) = repository.records()[-1]["spec"]["changes"]
    (field,) = change["fields"]
    assert field["path"] == "/data/word"
    assert field["old"] != field["new"]
    told = json.dumps([repository.records(), repository.read(), *map(dict, operator.log())])
    told += json.dumps(cluster.list("v1", "Event", repository.namespace))
    assert [word for word in (*PLANTED, *map(_encoded, PLANTED)) if word in told] == []


def _encoded(word: str) -> str:
    return base64.b64encode(word.encode()).decode()
