"""The records of a repository tell its whole story: every sync, how it ended, and by which commits it came about."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from towline.records import chain, signed_chain

from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness import identity, repositories
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Kubectl, KubectlError, Object
from e2e.harness.gitrepo import ALICE, BOB, FORGE, Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import head_lookups, managed_objects, manifests, stopped_halfway
from e2e.scenes.stopped_halfway import Standstill

PLANTED = ("hunter2-hunter2", "correct-horse-battery", "xyzzy-plugh-xyzzy")


@pytest.fixture
def half_way(cluster: Cluster, namespace: str) -> Iterator[Standstill]:
    """Files whose sync stands still when half of them are written."""
    with stopped_halfway.prepared(cluster, namespace) as prepared:
        yield prepared


@pytest.fixture
def archive(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A namespace for records."""
    name = f"{namespace}-archive"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.delete("v1", "Namespace", name)


def test_each_sync_leaves_one_record_and_a_look_that_finds_nothing_leaves_none(
    operator: Operator, git_server: GitServer, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repository = git_repository()
    shas = []
    for colour in ("blue", "red", "green"):
        shas.append(repo.commit(manifests.config_maps(["settings"], colour=colour)))
        repository.until_ready(shas[-1])
        head_lookups.wait(git_server, repo, times=2)
    records = repository.records()
    assert [record["spec"]["sequence"] for record in records] == [1, 2, 3]
    assert [record["spec"]["to"] for record in records] == shas
    assert [(older["spec"]["to"], newer["spec"]["from"]) for older, newer in pairwise(records)] == [
        (sha, sha) for sha in shas[:2]
    ]
    assert {record["status"]["outcome"] for record in records} == {"Succeeded"}
    assert repository.status()["lastRecord"] == records[-1]["metadata"]["name"]
    assert chain.verify(records) == ()


def test_a_record_is_open_from_before_the_first_write_until_after_the_last(
    operator: Operator, audit: AuditLog, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["first", "second"]))
    repository = git_repository()
    repository.until_ready(sha)
    mark = audit.mark()
    files = {**manifests.config_maps(["first"], colour="red"), "second.yaml": None}
    repository.until_ready(repo.commit({**files, **manifests.config_maps(["third"])}))
    order = [
        (event.resource, event.subresource)
        for event in audit.writes(mark, identity.OPERATOR)
        if event.namespace == repository.namespace and event.resource in {"syncrecords", "configmaps"}
    ]
    written = [("configmaps", "")] * 3
    assert order == [("syncrecords", ""), *written, ("syncrecords", "status")]


def test_the_first_record_lists_the_head_alone(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    for number in range(3):
        repo.commit({"README.md": f"Version {number}"})
    sha = repo.commit(manifests.config_maps(["settings"]), message="Begin")
    repository = git_repository()
    repository.until_ready(sha)
    (record,) = repository.records()
    assert [commit["sha"] for commit in record["spec"]["commits"]] == [sha]
    assert "from" not in record["spec"]


def test_a_record_names_every_commit_since_the_last_sync_with_its_people_and_pull_request(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository()
    repository.until_ready(first)
    repository.change(suspend=True)
    repository.until_reason("Suspended", kind="Suspended")
    plain = repo.commit(manifests.config_maps(["a"]), message="Add a", author=BOB)
    squashed = repo.commit(manifests.config_maps(["b"]), message="Add b (#34)", author=BOB, committer=FORGE)
    repo.branch("topic")
    topic = repo.commit(manifests.config_maps(["c"]), message="Add c", branch="topic")
    merged = repo.merge_pull_request(56, "topic", title="Add c", merged_by=ALICE)
    repository.change(suspend=None)
    repository.until_ready(merged)
    record = repository.records()[-1]["spec"]
    assert (record["from"], record["to"], record["commitsTotal"]) == (first, merged, 4)
    told = [
        (each["sha"], each["author"]["name"], each.get("pullRequest"), each.get("mergedBy"))
        for each in record["commits"]
    ]
    assert told == [
        (merged, ALICE.name, "#56", ALICE.name),
        (topic, ALICE.name, "#56", ALICE.name),
        (squashed, BOB.name, "#34", None),
        (plain, BOB.name, None, None),
    ]
    assert record["commits"][2]["committer"] == {"name": FORGE.name, "email": FORGE.email}


def test_the_record_after_a_failed_one_reaches_back_to_the_commit_that_was_live(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    good = repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository = git_repository()
    repository.until_ready(good)
    bad = repo.commit({"broken.yaml": "kind: ["})
    status = repository.until_reason("BuildFailed")
    assert status["lastRecord"] == repository.records()[-1]["metadata"]["name"]
    fixed = repo.commit({"broken.yaml": None, **manifests.config_maps(["settings"], colour="red")})
    repository.until_ready(fixed)
    outcomes = [
        (each["spec"]["from"], each["spec"]["to"], each["status"]["outcome"]) for each in _later(repository)
    ]
    assert outcomes == [(good, bad, "Failed"), (good, fixed, "Succeeded")]
    assert [commit["sha"] for commit in repository.records()[-1]["spec"]["commits"]] == [fixed, bad]


@pytest.mark.parametrize("way_back", ["revert", "force-push"])
def test_a_return_to_what_is_applied_closes_a_failure_with_a_record_of_no_changes(
    way_back: str,
    operator: Operator,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    good = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository()
    repository.until_ready(good)
    bad = repo.commit({"broken.yaml": "kind: ["})
    repository.until_reason("BuildFailed")
    if way_back == "revert":
        back = repo.commit({"broken.yaml": None})
    else:
        back = good
        repo.branch("main", at=good)
    repository.until_ready(back)
    head_lookups.wait(git_server, repo, times=2)
    failed, returned = _later(repository)
    assert (failed["spec"]["to"], failed["status"]["outcome"]) == (bad, "Failed")
    assert (returned["spec"]["to"], returned["status"]["outcome"]) == (back, "Succeeded")
    assert returned["spec"]["trigger"] == "Commit"
    assert not returned["spec"].get("changes")
    assert repository.status()["lastRecord"] == returned["metadata"]["name"]
    assert chain.verify(repository.records()) == ()


def test_a_head_that_moves_during_a_sync_supersedes_it(
    operator: Operator,
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
    half_way: Standstill,
) -> None:
    first = repo.commit(half_way.files(colour="blue"))
    repository = git_repository()
    half_way.reached(repository)
    second = repo.commit(half_way.files(colour="red"))
    head_lookups.wait(git_server, repo, times=1)
    half_way.settle()
    repository.until_ready(second)
    superseded, finished = repository.records()
    assert (superseded["spec"]["to"], superseded["status"]["outcome"]) == (first, "Superseded")
    assert superseded["status"]["counts"]["created"] == 21
    assert (finished["spec"]["to"], finished["status"]["outcome"]) == (second, "Succeeded")
    assert finished["spec"]["from"] == first
    assert [commit["sha"] for commit in finished["spec"]["commits"]] == [second]
    found = managed_objects.config_maps(cluster, repository)
    assert {name: body["data"]["colour"] for name, body in found.items()} == dict.fromkeys(
        half_way.early | half_way.late, "red"
    )
    assert {managed_objects.origin(body)[0] for body in found.values()} == {second}


def test_a_history_that_was_rewritten_is_flagged(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository = git_repository()
    repository.until_ready(sha)
    sha = repo.rewrite(manifests.config_maps(["settings"], colour="red"))
    repository.until_ready(sha)
    assert repository.records()[-1]["spec"]["flags"] == ["HistoryRewritten"]


def test_a_record_says_whether_a_commit_the_spec_or_a_start_was_the_cause(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    files = {"one/a.yaml": manifests.text(manifests.config_map("a"))}
    sha = repo.commit({**files, "two/b.yaml": manifests.text(manifests.config_map("b"))})
    repository = git_repository(path="one")
    repository.until_ready(sha)
    repository.change(path=".")
    repository.until_ready(sha)
    operator.stop()
    cluster.delete("v1", "ConfigMap", "a", repository.namespace)
    operator.start()
    repository.until(lambda _: cluster.find("v1", "ConfigMap", "a", repository.namespace), "the object again")
    assert [record["spec"]["trigger"] for record in repository.until_closed()] == ["Commit", "Spec", "Start"]


def test_what_is_secret_is_recorded_as_changed_and_shown_nowhere(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    log = operator.mark()
    repository = git_repository()
    for word in PLANTED:
        sha = repo.commit({"all.yaml": manifests.text(*_with_secrets(word))})
        repository.until_ready(sha)
    changed = {
        (change["object"].partition("/")[0], field["path"]): (field["old"], field["new"])
        for change in repository.records()[-1]["spec"]["changes"]
        for field in change["fields"]
    }
    environment = "/spec/template/spec/containers/0/env/0/value"
    assert {
        ("Secret", "/data/word"),
        ("Deployment.apps", environment),
        ("ConfigMap", "/data/api-token"),
    } == set(changed)
    assert all(
        old != new and old.startswith("***") and new.startswith("***") for old, new in changed.values()
    )
    told = json.dumps([repository.records(), repository.read(), *map(dict, operator.log(log))])
    told += json.dumps(cluster.list("v1", "Event", repository.namespace))
    assert [word for word in PLANTED if word in told] == []


def test_an_administrator_can_rewrite_neither_the_intent_nor_the_outcome_of_a_sync(
    operator: Operator, kubectl: Kubectl, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository()
    repository.until_ready(sha)
    (before,) = repository.records()
    place = ("patch", "syncrecord", before["metadata"]["name"], "-n", repository.namespace, "--type=merge")
    with pytest.raises(KubectlError, match="the intent of a sync never changes"):
        kubectl(*place, "-p", json.dumps({"spec": {"to": "0" * 40}}))
    for status in (None, {"outcome": "Failed"}):
        with pytest.raises(KubectlError, match="closed once"):
            kubectl(*place, "--subresource=status", "-p", json.dumps({"status": status}))
    (after,) = repository.records()
    assert (after["spec"], after["status"]) == (before["spec"], before["status"])


def test_records_in_a_namespace_of_their_own_outlive_repository_and_namespace(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    kubectl: Kubectl,
    repo: Repo,
    git_repository: Callable[..., Repository],
    archive: str,
) -> None:
    private_operator("--records-namespace", archive).start()
    repository = git_repository()
    elsewhere = manifests.config_map("kept-elsewhere", archive)
    repository.until_ready(repo.commit({"all.yaml": manifests.text(manifests.config_map(), elsewhere)}))
    assert repository.records() == []
    kubectl("delete", "namespace", repository.namespace, "--timeout=60s", deadline=70)
    records = cluster.list(repositories.API, "SyncRecord", archive)
    told = sorted((each["spec"]["sequence"], each["spec"]["trigger"]) for each in records)
    assert (told[0], told[-1][1]) == ((1, "Commit"), "Delete")
    assert {each["spec"]["repository"]["namespace"] for each in records} == {repository.namespace}
    assert chain.verify(records) == ()


def _later(repository: Repository) -> list[Object]:
    """Return all records but the first."""
    return repository.records()[1:]


def _with_secrets(word: str) -> tuple[Object, ...]:
    """Declare objects that hold a secret in three places, one of them a Secret."""
    web = manifests.deployment()
    (container,) = web["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "DB_PASSWORD", "value": word}]
    config = manifests.config_map("settings")
    config["data"] = {"api-token": word}
    return web, config, manifests.secret(word=word)


def test_what_others_write_while_a_sync_looks_at_an_object_is_no_change_of_that_sync(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"], colour="blue"))
    app = git_repository()
    app.until_ready(sha)
    gate = proxy.hold(0, acted=False, about=_dry_run_of_a_config_map)
    sha = repo.commit(manifests.config_maps(["settings"], colour="red"))
    assert gate.reached()
    theirs = {"metadata": {"annotations": {"example.com/revision": "1"}}, "data": {"size": "small"}}
    cluster.patch("v1", "ConfigMap", "settings", app.namespace, theirs)
    proxy.mend()
    app.until_ready(sha)
    (change,) = app.records()[-1]["spec"]["changes"]
    (field,) = change["fields"]
    assert (field["path"], field["old"], field["new"]) == ("/data/colour", "blue", "red")


def _dry_run_of_a_config_map(request: Request) -> bool:
    return "dryRun" in request.query and request.of("configmaps")


def test_a_checkpoint_of_the_status_proves_what_the_records_hold(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repository = git_repository()
    repository.until_ready(repo.commit(manifests.config_maps(["a"])))
    repository.until_ready(repo.commit(manifests.config_maps(["b"])))
    signed = repository.until(
        lambda status: status.get("checkpoint", {}).get("sequence") == 2, "a checkpoint of both records"
    )["checkpoint"]
    records = repository.until_closed()
    found = signed_chain.verify(records, [signed], {signed["publicKey"]})
    assert (found.problems, found.checked) == ((), 1)
    (cut,) = signed_chain.verify(records[:1], [signed], {signed["publicKey"]}).problems
    assert "the records 2 to 2 after it are missing" in cut.message
    assert signed["keyId"] in [
        line["keyId"] for line in operator.log() if line.get("event") == "checkpoint key"
    ]
