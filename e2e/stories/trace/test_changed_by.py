"""Stamps, rollout history and records name the commit that changed an object, not the one that was pushed last."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import ALICE, BOB, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests


def stamps(cluster: Cluster, repository: Repository, name: str, kind: str = "ConfigMap") -> tuple[str, str]:
    """Return the commit and the file that a live object names."""
    version = "apps/v1" if kind == "Deployment" else "v1"
    live = cluster.get(version, kind, name, repository.namespace)
    notes = live["metadata"]["annotations"]
    return notes["towline.dev/commit"], notes["towline.dev/source"]


def test_rollout_history_names_the_commits_that_changed_each_deployment(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    def declared(name: str, image: str) -> str:
        return manifests.text(manifests.deployment(name, image=image))

    repo.commit({"web.yaml": declared("web", "web:1"), "api.yaml": declared("api", "api:1")}, message="Begin")
    repo.branch("release")
    bobs = repo.commit({"web.yaml": declared("web", "web:2")}, message="Web 2", author=BOB, branch="release")
    repo.merge_pull_request(3, "release", merged_by=ALICE)
    first = repo.commit({".github/ci.yaml": "on: push"}, message="Bump a CI action")
    repository = git_repository()
    repository.until_applied(first)
    api = repo.commit({"api.yaml": declared("api", "api:2")}, message="Api 2", author=BOB)
    repo.commit({"README.md": "words"}, message="Write")
    last = repo.commit({".github/ci.yaml": "on: pull"}, message="Bump a CI action again")
    repository.until_applied(last)

    def history(name: str) -> list[str]:
        told = cluster.kubectl("rollout", "history", f"deployment/{name}", "-n", repository.namespace)
        return [line.split(maxsplit=1)[1] for line in told.splitlines()[2:] if line]

    assert history("web") == [f"{bobs[:7]} Web 2 ({BOB.name})"]
    begun = repo.git("rev-list", "--max-parents=0", "main")
    assert history("api") == [f"{begun[:7]} Begin ({ALICE.name})", f"{api[:7]} Api 2 ({BOB.name})"]
    assert stamps(cluster, repository, "web", "Deployment") == (bobs, "web.yaml")


def test_of_several_commits_at_once_each_object_names_its_own_also_in_the_record(
    operator: Operator, repo: Repo, cluster: Cluster, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit(manifests.config_maps(["a", "b", "c"], colour="blue"))
    repository = git_repository()
    repository.until_ready(first)
    repository.change(suspend=True)
    repository.until_reason("Suspended", kind="Suspended")
    one = repo.commit(manifests.config_maps(["a"], colour="red"))
    two = repo.commit(manifests.config_maps(["b"], colour="red"))
    last = repo.commit({"README.md": "words"})
    repository.change(suspend=None)
    repository.until_ready(last)
    named = {name: stamps(cluster, repository, name)[0] for name in "abc"}
    assert named == {"a": one, "b": two, "c": first}
    changes = repository.records()[-1]["spec"]["changes"]
    assert {change["file"]: change["commit"] for change in changes} == {"a.yaml": one, "b.yaml": two}


def test_a_file_that_was_renamed_since_is_named_by_its_path_in_that_commit(
    operator: Operator, repo: Repo, cluster: Cluster, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit({"old/a.yaml": manifests.text(manifests.config_map("a", colour="blue"))})
    last = repo.rename("old/a.yaml", "new/a.yaml")
    repository = git_repository()
    repository.until_ready(last)
    commit, source = stamps(cluster, repository, "a")
    assert (commit, source) == (first, "old/a.yaml")
    assert "colour: blue" in repo.git("show", f"{commit}:{source}")


def test_a_deleted_object_comes_back_with_the_commit_that_declared_it(
    operator: Operator, repo: Repo, cluster: Cluster, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit(manifests.config_maps(["a"], colour="blue"))
    last = repo.commit(manifests.config_maps(["b"], colour="blue"))
    repository = git_repository()
    repository.until_ready(last)
    uid = cluster.get("v1", "ConfigMap", "a", repository.namespace)["metadata"]["uid"]
    cluster.delete("v1", "ConfigMap", "a", repository.namespace)
    repository.until(
        lambda _status: [one for one in repository.records()[1:] if one.get("status")],
        "a record of the repair",
    )
    live = cluster.get("v1", "ConfigMap", "a", repository.namespace)
    assert live["metadata"]["uid"] != uid
    assert stamps(cluster, repository, "a") == (first, "a.yaml")
    (change,) = repository.records()[-1]["spec"]["changes"]
    assert (change["commit"], change["file"], change["line"]) == (first, "a.yaml", 1)


def test_a_new_head_that_changes_nothing_leaves_every_stamp_as_it_is(
    operator: Operator, repo: Repo, cluster: Cluster, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit(manifests.config_maps(["a"], colour="blue"))
    repository = git_repository()
    repository.until_ready(first)
    version = cluster.get("v1", "ConfigMap", "a", repository.namespace)["metadata"]["resourceVersion"]
    commented = "# why\n" + manifests.text(manifests.config_map("a", colour="blue"))
    last = repo.commit({"a.yaml": commented, "README.md": "words"})
    repository.until_ready(last)
    live = cluster.get("v1", "ConfigMap", "a", repository.namespace)
    assert (live["metadata"]["resourceVersion"], stamps(cluster, repository, "a")[0]) == (version, first)


def test_a_switch_of_the_branch_is_recorded_as_a_change_of_the_spec_and_rewrites_no_history(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repo.commit(manifests.config_maps(["a"], colour="blue"))
    repo.branch("next")
    first = repo.commit(manifests.config_maps(["a"], colour="green"))
    second = repo.commit(manifests.config_maps(["a"], colour="red"), branch="next")
    repository = git_repository()
    repository.until_ready(first)
    repository.change(ref={"branch": "next"})
    repository.until_ready(second)
    record = repository.records()[-1]["spec"]
    assert (record["trigger"], record.get("flags")) == ("Spec", None)


def test_a_switch_of_the_path_is_recorded_as_a_change_of_the_spec(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit({f"{folder}/a.yaml": config_map(folder) for folder in ("one", "two")})
    repository = git_repository(path="one")
    repository.until_ready(sha)
    repository.change(path="two")
    repository.until(lambda _status: len(repository.records()) == 2, "a second record")
    assert repository.records()[-1]["spec"]["trigger"] == "Spec"


def test_a_rollback_lists_the_commits_that_it_takes_back(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    first = repo.commit(manifests.config_maps(["a"], colour="blue"))
    second = repo.commit(manifests.config_maps(["a"], colour="green"))
    third = repo.commit(manifests.config_maps(["a"], colour="red"))
    repository = git_repository()
    repository.until_ready(third)
    repository.change(ref={"commit": first})
    repository.until_ready(first)
    record = repository.records()[-1]["spec"]
    assert (record["trigger"], record["to"], record.get("flags")) == ("Spec", first, None)
    told = [(commit["sha"], commit.get("takenBack", False)) for commit in record["commits"]]
    assert told == [(first, False), (third, True), (second, True)]
    (change,) = record["changes"]
    assert change["commit"] == first


def config_map(colour: str) -> str:
    """Declare the ConfigMap `a`."""
    return manifests.text(manifests.config_map("a", colour=colour))
