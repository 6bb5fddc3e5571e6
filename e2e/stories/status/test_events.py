"""kubectl shows what happened as events: one for each sync, one for each new failure, none for anything else."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import Fault, GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import RESOURCE, Repository
from e2e.harness.waiting import eventually
from e2e.scenes import cluster_limits, head_lookups, manifests, stopped_halfway

ELSEWHERE = manifests.text(manifests.config_map("far", "this-namespace-does-not-exist"))
"""A refusal that time may mend: it is tried again after a second, two, four."""


def test_each_sync_is_one_event_that_names_the_commit_and_its_author(
    operator: Operator,
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    shas = [repo.commit(manifests.config_maps(["settings"], colour="blue"), message="Paint it blue")]
    repository = git_repository()
    repository.until_ready(shas[0])
    head_lookups.wait(git_server, repo, times=2)
    shas.append(repo.commit(manifests.config_maps(["settings"], colour="red"), message="Paint it red"))
    repository.until_ready(shas[1])
    head_lookups.wait(git_server, repo, times=2)
    told = _told(cluster, repository, "Normal")
    assert [(event["reason"], event["count"]) for event in told] == [("Succeeded", 1)] * 2
    for event, sha, colour in zip(told, shas, ("blue", "red"), strict=True):
        assert sha[:7] in event["message"]
        assert f"Paint it {colour}" in event["message"]
        assert "Alice Author" in event["message"]
    assert _told(cluster, repository, "Warning") == []


def test_a_failure_is_one_event_however_often_it_is_tried(
    operator: Operator,
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    repo.commit({"far.yaml": ELSEWHERE})
    repository = git_repository()
    repository.until(lambda status: "Tried 3 times" in str(status), "three tries")
    (event,) = _told(cluster, repository, "Warning")
    assert (event["reason"], event["count"]) == ("ApplyFailed", 1)
    assert "far.yaml:1" in event["message"]
    assert "this-namespace-does-not-exist" in event["message"]


def test_a_prune_that_is_refused_is_one_event_and_one_record_however_often_it_is_tried(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit(manifests.config_maps(["kept", "pinned"]))
    repository = git_repository()
    repository.until_ready(first)
    with cluster_limits.undeletable(cluster, repository.namespace, "pinned", "not on my watch"):
        sha = repo.commit({"pinned.yaml": None})
        status = repository.until(lambda status: "Tried 3 times" in str(status), "three tries")
        (event,) = _told(cluster, repository, "Warning")
        assert (event["reason"], event["count"]) == ("PruneFailed", 1)
        assert "not on my watch" in event["message"]
        assert [failure["reason"] for failure in status["failures"]] == ["AdmissionDenied"]
        assert [record["status"]["outcome"] for record in repository.records()] == ["Succeeded", "Failed"]
    repository.until_ready(sha)
    assert repository.records()[-1]["status"]["counts"]["pruned"] == 1


def test_a_sync_that_a_newer_commit_cut_short_is_an_event_too(
    operator: Operator,
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    with stopped_halfway.prepared(cluster, repo.path.stem) as half_way:
        repo.commit(half_way.files(colour="blue"))
        repository = git_repository()
        half_way.reached(repository)
        sha = repo.commit(half_way.files(colour="red"))
        head_lookups.wait(git_server, repo, times=1)
        half_way.settle()
        repository.until_ready(sha)
        eventually(lambda: len(_told(cluster, repository, "Normal")) == 2, deadline=30, message="two events")
    assert {event["reason"] for event in _told(cluster, repository, "Normal")} == {"Progressing", "Succeeded"}


def test_each_new_failure_is_an_event_of_its_own(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repo.commit({"far.yaml": ELSEWHERE})
    repository = git_repository()
    repository.until_reason("ApplyFailed")
    repo.commit({"far.yaml": "kind: ["})
    repository.until_reason("BuildFailed")
    repository.change(path="nowhere")
    repository.until_reason("PathNotFound")
    eventually(lambda: len(_told(cluster, repository, "Warning")) == 3, deadline=30, message="three events")
    reasons = {(event["reason"], event["count"]) for event in _told(cluster, repository, "Warning")}
    assert reasons == {("ApplyFailed", 1), ("BuildFailed", 1), ("PathNotFound", 1)}


def test_a_git_server_that_stays_away_is_one_event(
    operator: Operator,
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository()
    repository.until_ready(sha)
    with git_server.failing(repo.path.stem, Fault.ERROR):
        repository.until_reason("GitUnavailable")
        head_lookups.wait(git_server, repo, times=3)
        (event,) = _told(cluster, repository, "Warning")
    assert (event["reason"], event["count"]) == ("GitUnavailable", 1)


def test_a_suspended_repository_is_no_warning(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"]))
    repository = git_repository(suspend=True)
    repository.until_reason("Suspended", kind="Suspended")
    repository.change(suspend=False)
    repository.until_ready(sha)
    eventually(lambda: _told(cluster, repository, "Normal"), deadline=30, message="the event of the sync")
    assert _told(cluster, repository, "Warning") == []


def test_kubectl_describe_shows_the_events_of_a_repository(
    operator: Operator,
    cluster: Cluster,
    kubectl: Kubectl,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(["settings"]), message="Begin")
    repository = git_repository()
    repository.until_ready(sha)
    eventually(lambda: _told(cluster, repository, "Normal"), deadline=30, message="the event of the sync")
    shown = kubectl("describe", RESOURCE, repository.name, "-n", repository.namespace)
    _, _, events = shown.partition("\nEvents:")
    assert "Normal" in events
    assert f'Applied {sha[:7]} "Begin" by Alice Author' in events


def _told(cluster: Cluster, repository: Repository, kind: str) -> list[Object]:
    """Return the events of one type about a repository, oldest first."""
    found = cluster.list("v1", "Event", repository.namespace)
    about = [event for event in found if event["involvedObject"]["name"] == repository.name]
    mine = [event for event in about if event["type"] == kind and event["source"]["component"] == "towline"]
    return sorted(mine, key=lambda event: (event["firstTimestamp"], event["metadata"]["creationTimestamp"]))
