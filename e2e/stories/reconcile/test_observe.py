"""`mode: Observe` shows what would be done, keeps that fresh, and writes nothing; then Enforce does just that."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness import identity
from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import KIND, Repository
from e2e.harness.waiting import eventually
from e2e.scenes import head_lookups, managed_objects, manifests

GitRepositories = Callable[..., Repository]
PLANTED = "correct-horse-battery"


def test_the_plan_is_shown_with_its_fields_and_nothing_is_written(
    operator: Operator, cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(mode="Observe", suspend=True)
    _exists(cluster, repository, manifests.config_map("settings", colour="red"))
    _exists(cluster, repository, manifests.secret("credentials", word="old"))
    mark = audit.mark()
    sha = repo.commit(
        {
            **manifests.config_maps(["settings", "fresh"], colour="blue"),
            "secret.yaml": manifests.text(manifests.secret("credentials", word=PLANTED)),
        },
        message="Paint it blue",
    )
    repository.change(suspend=None)
    status = repository.until_reason("Planned")
    assert managed_objects.writes(audit, mark, repository) == []
    assert "finalizers" not in repository.read()["metadata"]

    ready = repository.condition()
    assert ready["status"] == "True"
    assert repository.condition("Synced")["status"] == "False"
    assert ready["message"] == f'Would create 1, adopt 2: {sha[:7]} "Paint it blue" by Alice Author'
    assert status["commit"] == {"observed": sha, "attempted": sha}
    assert status["objects"] == {"declared": 3, "synced": 0, "failed": 0}
    plan = status["plan"]
    assert (plan["counts"], plan["changesTotal"]) == ({"adopt": 2, "create": 1}, 3)
    settings = _shown(status, f"ConfigMap/{repository.namespace}/settings")
    assert (settings["action"], settings["file"], settings["line"]) == ("adopt", "settings.yaml", 6)
    assert settings["fields"] == [{"path": "/data/colour", "old": "red", "new": "blue"}]

    (record,) = repository.records()
    assert record["status"]["outcome"] == "Planned"
    assert (record["status"]["counts"]["created"], record["status"]["counts"]["adopted"]) == (1, 2)
    assert {each["object"].split("/")[-1] for each in record["spec"]["changes"]} == {
        "settings",
        "fresh",
        "credentials",
    }
    assert PLANTED not in str(status) + str(record) + str(_events(cluster, repository))


def test_a_plan_that_stays_the_same_is_told_once_and_one_that_differs_is_told_again(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository = git_repository(mode="Observe")
    repository.until_reason("Planned")
    eventually(lambda: _events(cluster, repository), message="the event, which follows the status")
    mark = audit.mark()
    head_lookups.wait(git_server, repo, times=2)
    asked = [event for event in audit.since(mark) if event.user == identity.OPERATOR and not event.writes]
    assert [event for event in asked if event.resource == "configmaps" and event.verb != "watch"] == []
    assert _written(audit, mark, repository) == []
    repository.annotate(reconcile="again")
    repository.until(lambda status: status.get("lastHandledReconcile") == "again", "the look")
    head_lookups.wait(git_server, repo, times=2)
    assert [event.subresource for event in _written(audit, mark, repository)] == ["status"]
    assert len(repository.records()) == 1

    repo.commit({"README.md": "words"}, message="Explain")
    repository.until(lambda status: "Explain" in str(status["conditions"]), "the new commit in the message")
    assert len(repository.records()) == 1
    repo.commit(manifests.config_maps(["settings", "other"], colour="blue"))
    repository.until(lambda status: status["plan"]["changesTotal"] == 2, "a plan of two changes")
    assert [one["status"]["outcome"] for one in repository.records()] == ["Planned", "Planned"]
    assert managed_objects.writes(audit, mark, repository) == []


def test_enforce_applies_exactly_what_was_shown(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(mode="Observe", suspend=True)
    _exists(cluster, repository, manifests.config_map("settings", colour="red"))
    sha = repo.commit(manifests.config_maps(["settings", "fresh"], colour="blue"))
    repository.change(suspend=None)
    repository.until_reason("Planned")
    repository.change(mode="Enforce")
    status = repository.until_ready(sha)
    assert "plan" not in status
    planned, done = repository.records()
    assert done["status"]["outcome"] == "Succeeded"
    assert done["spec"]["changes"] == planned["spec"]["changes"]
    assert "towline.dev/finalizer" in repository.read()["metadata"]["finalizers"]
    assert [event for event in _events(cluster, repository) if event["type"] == "Warning"] == []


def test_enforce_says_first_what_has_changed_since_the_plan_was_shown(
    operator: Operator, cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(mode="Observe", suspend=True, preflight=False)
    _exists(cluster, repository, manifests.config_map("settings", colour="red"))
    sha = repo.commit(manifests.config_maps(["settings", "fresh"], colour="blue"))
    repository.change(suspend=None)
    repository.until_reason("Planned")
    _exists(cluster, repository, manifests.config_map("fresh", colour="blue"))
    cluster.patch("v1", "ConfigMap", "settings", repository.namespace, {"data": {"colour": "green"}})
    mark = audit.mark()
    repository.change(mode="Enforce")
    repository.until_ready(sha)
    (told,) = [event for event in _events(cluster, repository) if event["type"] == "Warning"]
    assert f"adopt instead of create: ConfigMap {repository.namespace}/fresh" in told["message"]
    assert f"adopt ConfigMap {repository.namespace}/settings (data.colour)" in told["message"]
    assert repository.records()[0]["metadata"]["name"] in told["message"]
    written = [event.resource for event in _written(audit, mark, repository)]
    assert written.index("events") < written.index("configmaps")


def test_waves_behind_a_gate_are_shown_and_are_no_difference_when_they_come_later(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    first, late = manifests.config_map("first"), manifests.config_map("late")
    first["metadata"]["annotations"] = {"towline.dev/wave-gate": "Healthy"}
    late["metadata"]["annotations"] = {"towline.dev/wave": "30"}
    sha = repo.commit({"all.yaml": manifests.text(first, late)})
    repository = git_repository(mode="Observe")
    assert repository.until_reason("Planned")["plan"]["counts"] == {"create": 2}
    repository.change(mode="Enforce")
    repository.until_ready(sha)
    assert set(managed_objects.config_maps(cluster, repository)) == {"first", "late"}
    assert [event for event in _events(cluster, repository) if event["type"] == "Warning"] == []


def test_a_failure_on_the_way_does_not_make_what_was_shown_forgotten(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(mode="Observe")
    repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository.until_reason("Planned")
    repo.commit({"broken.yaml": "a: b: c"})
    repository.until_reason("BuildFailed")
    repository.change(mode="Enforce")
    sha = repo.commit({"broken.yaml": None, **manifests.config_maps(["settings", "late"], colour="red")})
    repository.until_ready(sha)
    outcomes = [one["status"]["outcome"] for one in repository.records()]
    assert outcomes == ["Planned", "Failed", "Succeeded"]
    (told,) = [each for each in _events(cluster, repository) if "Differs" in each["message"]]
    assert f"new: create ConfigMap {repository.namespace}/late" in told["message"]
    assert f"other content: create ConfigMap {repository.namespace}/settings" in told["message"]


def test_what_waits_for_a_dependency_is_shown_before_that_is_ready(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit(manifests.config_maps(["settings"], colour="blue"))
    git_repository("base", mode="Observe").until_reason("Planned")
    repository = git_repository("shop", mode="Observe", dependsOn=[{"name": "base"}])
    repository.until_reason("Planned")
    repository.change(mode="Enforce")
    repository.until_reason("DependencyNotReady")


def test_back_under_observe_drift_and_commits_are_shown_and_deletion_releases(
    operator: Operator, cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository()
    space = f"{repository.namespace}-space"
    spaces = {"space.yaml": manifests.text(manifests.namespace(space))}
    files = manifests.config_maps(["settings", "other", "third"], colour="blue")
    repository.until_ready(repo.commit({**files, **spaces}))
    repository.change(mode="Observe")
    status = repository.until(lambda status: "Would change nothing" in str(status), "an empty plan")
    assert repository.condition()["status"] == "True"
    assert "plan" not in status

    mark = audit.mark()
    cluster.patch("v1", "ConfigMap", "settings", repository.namespace, {"data": {"colour": "by hand"}})
    status = repository.until_reason("Planned")
    assert status["plan"]["counts"] == {"repair": 1}
    shown = _shown(status, f"ConfigMap/{repository.namespace}/settings")
    assert shown["fields"] == [{"path": "/data/colour", "old": "by hand", "new": "blue"}]

    repo.commit({"third.yaml": None})
    status = repository.until(lambda status: status["plan"]["counts"].get("prune"), "a prune in the plan")
    assert status["plan"]["changes"][0]["object"] == f"ConfigMap/{repository.namespace}/third"
    assert managed_objects.writes(audit, mark, repository) == []
    repo.commit({"space.yaml": None})
    status = repository.until(lambda status: status["plan"]["counts"].get("blocked"), "a blocked prune")
    assert status["plan"]["counts"] == {"blocked": 2, "repair": 1}
    assert "waits for a confirmation" in status["plan"]["changes"][-1]["message"]
    assert repository.condition()["message"].startswith("Would repair 1, prune 2 once confirmed: ")
    record = repository.records()[-1]
    assert (record["status"]["counts"]["blocked"], record["status"]["counts"]["pruned"]) == (2, 0)
    assert len(record["spec"]["changes"]) == 3
    repository.confirm_prune()
    repository.until(lambda status: status["plan"]["counts"] == {"prune": 2, "repair": 1}, "confirmed prunes")
    assert managed_objects.writes(audit, mark, repository) == []

    repository.delete()
    repository.until_gone()
    assert managed_objects.config_maps(cluster, repository) == {}
    left = cluster.get("v1", "ConfigMap", "settings", repository.namespace)
    assert left["data"] == {"colour": "by hand"}
    assert "towline" not in str(cluster.get("v1", "Namespace", space))
    cluster.delete("v1", "Namespace", space)


def test_what_would_be_refused_is_told_with_its_place_and_tried_again(
    operator: Operator, cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(mode="Observe")
    mark = audit.mark()
    far = f"{repository.namespace}-far"
    files = manifests.config_maps(["settings"], colour="blue")
    sha = repo.commit({**files, "far.yaml": manifests.text(manifests.config_map("far", far))})
    status = repository.until_reason("Planned")
    (failure,) = status["failures"]
    assert (failure["object"], failure["reason"]) == (f"ConfigMap/{far}/far", "NamespaceNotFound")
    assert (failure["file"], failure["line"], failure["commit"]) == ("far.yaml", 1, sha)
    assert status["plan"]["counts"] == {"create": 1}
    said = repository.condition()["message"]
    assert f"would fail: far.yaml:1 ConfigMap {far}/far: Namespace {far} does not exist" in said
    assert "Would otherwise create 1" in said
    assert said.endswith(f"Declare Namespace {far} in Git, or create it")
    (record,) = repository.records()
    assert (record["status"]["counts"]["created"], record["status"]["counts"]["failed"]) == (1, 1)
    assert record["status"]["failures"][0]["reason"] == "NamespaceNotFound"

    cluster.create(manifests.namespace(far))
    repository.until(lambda status: status["plan"]["counts"] == {"create": 2}, "both in the plan")
    assert "failures" not in repository.status()
    cluster.delete("v1", "Namespace", far)
    assert managed_objects.writes(audit, mark, repository) == []


def test_an_observed_repository_that_never_wrote_goes_at_once_and_holds_nothing_back(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository(mode="Observe", suspend=True)
    _exists(cluster, repository, manifests.config_map("settings", colour="red"))
    repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository.change(suspend=None)
    repository.until_reason("Planned")
    repository.delete()
    assert cluster.find("towline.dev/v1alpha1", KIND, repository.name, repository.namespace) is None
    left = cluster.get("v1", "ConfigMap", "settings", repository.namespace)
    assert (left["data"], left["metadata"].get("labels")) == ({"colour": "red"}, None)


def _exists(cluster: Cluster, repository: Repository, body: Object) -> None:
    body["metadata"]["namespace"] = repository.namespace
    cluster.create(body)


def _shown(status: Object, name: str) -> Object:
    found: Object = next(each for each in status["plan"]["changes"] if each["object"] == name)
    return found


def _written(audit: AuditLog, mark: Mark, repository: Repository) -> list[AuditEvent]:
    """Return everything that the operator wrote in the namespace, also about itself."""
    written = audit.writes(mark, identity.OPERATOR)
    return [event for event in written if event.namespace == repository.namespace]


def _events(cluster: Cluster, repository: Repository) -> list[Object]:
    found = cluster.list("v1", "Event", repository.namespace)
    return [each for each in found if each["involvedObject"]["name"] == repository.name]
