"""Deletions that look like an accident, or that Git cannot bring back, wait until a person confirms them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import head_lookups, managed_objects, manifests

NAMES = tuple(f"settings-{number:02}" for number in range(20))
LEAVING, STAYING = NAMES[:12], NAMES[12:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A repository of twenty ConfigMaps after a commit that removes twelve, changes one and adds one."""

    repository: Repository
    repo: Repo
    applied: str
    commit: str
    mark: Mark

    @property
    def token(self) -> str:
        """The token that the status asks for."""
        return str(self.repository.status().get("blocked", {}).get("confirm", ""))

    def deleted(self, audit: AuditLog) -> set[str]:
        """Return the names of the objects whose deletion was asked for since that commit."""
        return {
            event.name
            for event in managed_objects.writes(audit, self.mark, self.repository)
            if _deletes(event)
        }


@pytest.fixture
def loss(operator: Operator, audit: AuditLog, repo: Repo, git_repository: Callable[..., Repository]) -> Loss:
    """The loss, blocked."""
    applied = repo.commit(manifests.config_maps(NAMES, colour="blue"))
    repository = git_repository()
    repository.until_ready(applied)
    mark = audit.mark()
    changed = manifests.config_maps([STAYING[0], "added"], colour="red")
    commit = repo.commit({**dict.fromkeys(manifests.config_maps(LEAVING)), **changed})
    repository.until_reason("PruneBlocked")
    return Loss(repository=repository, repo=repo, applied=applied, commit=commit, mark=mark)


def test_the_loss_of_most_objects_is_blocked_and_listed_with_its_token(loss: Loss, audit: AuditLog) -> None:
    status = loss.repository.status()
    assert loss.deleted(audit) == set()
    whole = {"applied": loss.applied, "healthy": loss.applied}
    assert status["commit"] == {"observed": loss.commit, "attempted": loss.commit, **whole}
    blocked = status["blocked"]
    assert blocked["prunesTotal"] == 12
    named = {prune["object"].rpartition("/")[2] for prune in blocked["prunes"]}
    assert len(named) == 10
    assert named < set(LEAVING)
    assert {prune["reason"] for prune in blocked["prunes"]} == {"PruneBlocked"}
    ready = loss.repository.condition()
    assert ready["status"] == "False"
    assert f"towline.dev/confirm-prune={blocked['confirm']}" in ready["message"]


def test_creates_and_updates_of_a_commit_are_written_while_its_prunes_wait(
    loss: Loss, cluster: Cluster
) -> None:
    live = managed_objects.config_maps(cluster, loss.repository)
    assert set(live) == {*NAMES, "added"}
    assert {name for name, body in live.items() if managed_objects.origin(body)[0] == loss.commit} == {
        "added",
        STAYING[0],
    }
    record = loss.repository.records()[-1]
    counts = record["status"]["counts"]
    assert record["status"]["outcome"] == "Partial"
    assert (counts["created"], counts["updated"], counts["pruned"], counts["blocked"]) == (1, 1, 0, 12)


def test_blocked_prunes_that_wait_cost_no_further_writes_and_no_further_records(
    loss: Loss, audit: AuditLog, git_server: GitServer
) -> None:
    head_lookups.wait(
        git_server, loss.repo, times=2
    )  # the pass that follows the creates counts what is owned anew
    assert loss.repository.condition()["message"].startswith(
        "Waiting for you: 12 of 20 objects would be deleted"
    )
    mark, records = audit.mark(), loss.repository.records()
    version = loss.repository.read()["metadata"]["resourceVersion"]
    head_lookups.wait(git_server, loss.repo, times=3)
    assert managed_objects.writes(audit, mark, loss.repository) == []
    assert loss.repository.records() == records
    assert loss.repository.read()["metadata"]["resourceVersion"] == version


def test_the_token_confirms_the_whole_list_also_what_is_not_shown(
    loss: Loss, cluster: Cluster, audit: AuditLog
) -> None:
    loss.repository.confirm_prune()
    status = loss.repository.until_ready(loss.commit)
    assert not status.get("blocked")
    assert loss.deleted(audit) == set(LEAVING)
    assert set(managed_objects.config_maps(cluster, loss.repository)) == {*STAYING, "added"}
    record = loss.repository.records()[-1]
    assert record["spec"]["trigger"] == "Manual"
    assert (record["status"]["outcome"], record["status"]["counts"]["pruned"]) == ("Succeeded", 12)


def test_a_token_does_not_confirm_a_list_that_grew(
    loss: Loss, audit: AuditLog, git_server: GitServer
) -> None:
    stale = loss.token
    more = loss.repo.commit({f"{STAYING[1]}.yaml": None})
    loss.repository.until(lambda status: status["commit"]["attempted"] == more, f"attempted {more}")
    eventually(lambda: loss.token not in ("", stale), message="another token")
    loss.repository.annotate(confirm_prune=stale)
    head_lookups.wait(git_server, loss.repo, times=2)
    loss.repository.until_reason("PruneBlocked")
    assert loss.deleted(audit) == set()
    loss.repository.confirm_prune()
    loss.repository.until_ready(more)
    assert loss.deleted(audit) == {*LEAVING, STAYING[1]}


def test_a_token_that_confirms_nothing_is_answered_in_ready_and_by_an_event(
    loss: Loss, cluster: Cluster, audit: AuditLog
) -> None:
    loss.repository.annotate(confirm_prune="of-last-week")
    answer = 'the token "of-last-week" in towline.dev/confirm-prune does not confirm this list'
    loss.repository.until(lambda _: answer in loss.repository.condition()["message"], "an answer")
    assert f"confirm-prune={loss.token}" in loss.repository.condition()["message"]
    eventually(
        lambda: any(
            answer in event["message"] for event in cluster.list("v1", "Event", loss.repository.namespace)
        ),
        message="an Event with the answer",
    )
    assert loss.deleted(audit) == set()


def test_what_holds_data_is_named_first_and_leaves_no_doubt_about_the_next_commit(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repository = git_repository()
    whole = {**manifests.config_maps(NAMES), "zz.yaml": manifests.text(manifests.claim("zz"))}
    repository.until_applied(repo.commit(whole))  # nobody here binds a claim
    seven = dict.fromkeys(manifests.config_maps(LEAVING[:7]))
    repo.commit({**seven, "zz.yaml": None})
    blocked = repository.until_reason("PruneBlocked")["blocked"]
    claim = f"PersistentVolumeClaim {repository.namespace}/zz"
    assert blocked["prunes"][0]["message"] == f"deleting {claim} loses data"
    assert repository.condition()["message"].startswith(
        f"Waiting for you: deleting {claim} loses data (and 7 more deletions of this commit)"
    )
    repository.until_applied(repo.commit({"zz.yaml": whole["zz.yaml"]}))
    assert set(managed_objects.config_maps(cluster, repository)) == set(NAMES[7:])


def test_a_token_does_not_confirm_the_same_loss_a_second_time(
    loss: Loss, audit: AuditLog, git_server: GitServer
) -> None:
    used = loss.token
    loss.repository.confirm_prune()
    loss.repository.until_ready(loss.commit)
    back = loss.repo.commit(manifests.config_maps(LEAVING, colour="blue"))
    loss.repository.until_ready(back)
    mark = audit.mark()
    loss.repo.commit(dict.fromkeys(manifests.config_maps(LEAVING)))
    loss.repository.until_reason("PruneBlocked")
    head_lookups.wait(git_server, loss.repo, times=2)
    assert managed_objects.writes(audit, mark, loss.repository) == []
    assert loss.token not in ("", used)


def test_a_token_that_came_too_late_for_a_loss_does_not_confirm_the_next_one(
    loss: Loss, audit: AuditLog, git_server: GitServer
) -> None:
    loss.repository.change(suspend=True)
    loss.repository.until_reason("Suspended", kind="Suspended")
    loss.repository.confirm_prune()
    back = loss.repo.commit(manifests.config_maps(LEAVING, colour="blue"))
    loss.repository.change(suspend=False)
    loss.repository.until_ready(back)
    loss.repo.commit(dict.fromkeys(manifests.config_maps(LEAVING)))
    loss.repository.until_reason("PruneBlocked")
    head_lookups.wait(git_server, loss.repo, times=2)
    assert loss.deleted(audit) == set()


def test_a_commit_that_brings_the_objects_back_lifts_the_block(
    loss: Loss, cluster: Cluster, audit: AuditLog
) -> None:
    back = loss.repo.commit(manifests.config_maps(LEAVING, colour="blue"))
    status = loss.repository.until_ready(back)
    assert not status.get("blocked")
    assert loss.deleted(audit) == set()
    assert set(managed_objects.config_maps(cluster, loss.repository)) == {*NAMES, "added"}


def test_a_loss_stays_blocked_when_what_the_same_commit_adds_makes_it_look_small(
    operator: Operator,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    mark = audit.mark()
    added = manifests.config_maps(f"added-{number:02}" for number in range(30))
    repo.commit({**dict.fromkeys(manifests.config_maps(LEAVING)), **added})
    repository.until_reason("PruneBlocked")
    head_lookups.wait(git_server, repo, times=2)
    repository.until_reason("PruneBlocked")
    assert [str(event) for event in managed_objects.writes(audit, mark, repository) if _deletes(event)] == []
    assert repository.status()["blocked"]["prunesTotal"] == 12


def test_an_emptied_source_is_pruned_once_that_is_confirmed(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["first", "second"]))
    repository = git_repository()
    repository.until_ready(sha)
    repo.clear()
    blocked = repository.until_reason("PruneBlocked")["blocked"]
    assert {prune["reason"] for prune in blocked["prunes"]} == {"SourceEmpty"}
    repository.confirm_prune()
    eventually(
        lambda: managed_objects.config_maps(cluster, repository) == {},
        deadline=30,
        message="the end of both objects",
    )


def test_prunes_stay_blocked_when_the_operator_is_killed_and_starts_again(
    private_operator: Callable[..., Operator],
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(NAMES))
    repository = git_repository()
    repository.until_ready(sha)
    repo.commit(dict.fromkeys(manifests.config_maps(LEAVING)))
    token = repository.until_reason("PruneBlocked")["blocked"]["confirm"]
    operator.kill()
    mark = audit.mark()
    operator.start()
    head_lookups.wait(git_server, repo, times=3)
    assert managed_objects.writes(audit, mark, repository) == []
    assert repository.until_reason("PruneBlocked")["blocked"]["confirm"] == token


DATA: tuple[tuple[str, Callable[[str, str], Object]], ...] = (
    ("Namespace", lambda namespace, _: manifests.namespace(f"{namespace}-data")),
    ("CustomResourceDefinition", lambda namespace, _: manifests.widgets(f"{namespace}.example.com")),
    ("PersistentVolumeClaim", lambda *_: manifests.claim()),
    ("GitRepository", lambda _, url: manifests.child(url)),
)


@pytest.mark.parametrize(("kind", "declare"), DATA, ids=[kind for kind, _ in DATA])
def test_what_git_cannot_bring_back_is_deleted_only_after_a_confirmation(
    kind: str,
    declare: Callable[[str, str], Object],
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    body = declare(repo.path.stem, repo.url)
    files = {"data.yaml": manifests.text(body), **manifests.config_maps(["leaving", "staying"])}
    repository = git_repository()
    repository.until_applied(repo.commit(files))  # nobody here binds a claim
    removed = repo.commit({"data.yaml": None, "leaving.yaml": None, **manifests.config_maps(["added"])})
    blocked = repository.until_reason("PruneBlocked")["blocked"]
    assert {prune["object"].partition("/")[0].partition(".")[0] for prune in blocked["prunes"]} == {
        kind,
        "ConfigMap",
    }
    assert not _leaves(cluster, repository, body)
    assert set(managed_objects.config_maps(cluster, repository)) == {"leaving", "staying", "added"}
    repository.confirm_prune()
    repository.until_ready(removed)
    assert set(managed_objects.config_maps(cluster, repository)) == {"staying", "added"}
    eventually(lambda: _leaves(cluster, repository, body), deadline=30, message=f"the end of the {kind}")


def _leaves(cluster: Cluster, repository: Repository, body: Object) -> bool:
    """Say whether an object is gone or going."""
    api_version, kind, name = body["apiVersion"], body["kind"], body["metadata"]["name"]
    namespace = repository.namespace if kind in ("PersistentVolumeClaim", "GitRepository") else ""
    found = cluster.find(api_version, kind, name, namespace)
    return found is None or "deletionTimestamp" in found["metadata"]


def _deletes(event: AuditEvent) -> bool:
    return event.verb in ("delete", "deletecollection")


def test_a_rename_of_everything_is_blocked_also_where_another_repository_reads_the_same_url(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    old, new = NAMES[:12], tuple(f"renamed-{name}" for name in NAMES[:12])
    sha = repo.commit(below("app", old) | below("other", ["neighbour"]))
    app, other = git_repository("app", path="app"), git_repository("other", path="other")
    app.until_ready(sha)
    other.until_ready(sha)
    renamed = repo.commit({**dict.fromkeys(below("app", old)), **below("app", new)})
    app.annotate(reconcile="now")
    app.until(
        lambda status: status["commit"]["attempted"] == renamed and _reason(status) != "Progressing",
        "a verdict",
    )
    assert set(managed_objects.config_maps(cluster, app)) == {*old, *new}
    assert app.condition()["reason"] == "PruneBlocked"
    app.confirm_prune()
    app.until_ready(renamed)
    assert set(managed_objects.config_maps(cluster, app)) == set(new)


def below(folder: str, names: Iterable[str]) -> dict[str, str]:
    return {f"{folder}/{file}": text for file, text in manifests.config_maps(names).items()}


def _reason(status: Object) -> str:
    return next(str(each["reason"]) for each in status["conditions"] if each["type"] == "Ready")
