"""What people with `edit` in one namespace can write on objects makes none of them count as ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from towline.model import ObjectRef

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests, owner_stamps
from e2e.scenes.owner_stamps import OWNER

pytestmark = pytest.mark.usefixtures("operator")

LABEL = "towline.dev/repository"
RANDOM = "0123456789abcdef" * 2


@pytest.fixture
def app(repo: Repo, git_repository: Callable[..., Repository]) -> Repository:
    found = git_repository()
    found.until_ready(repo.commit(manifests.config_maps(["kept", "leaves"])))
    return found


def claim(name: str, namespace: str) -> Object:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def forge(cluster: Cluster, app: Repository, body: Object, end: str) -> Object:
    """Apply an object with all marks of a repository, with its field manager; `end` stands for the stamp."""
    metadata = app.cluster.get("v1", "ConfigMap", "kept", app.namespace)["metadata"]
    owner = f"{app.read()['metadata']['uid']}:{owner_stamps.ref_of(body)}{end}"
    marks = {"labels": metadata["labels"], "annotations": {**metadata["annotations"], OWNER: owner}}
    marked = {**body, "metadata": {**body["metadata"], **marks}}
    return owner_stamps.forged(cluster, marked, f"towline:{app.namespace}/app")


@pytest.mark.parametrize("end", ["", f":{RANDOM}"], ids=["no stamp", "wrong stamp"])
def test_twenty_forged_objects_and_a_claim_block_no_prune_and_are_neither_deleted_nor_counted(
    app: Repository, cluster: Cluster, repo: Repo, elsewhere: str, end: str
) -> None:
    bodies = [manifests.config_map(f"forged-{number}", elsewhere) for number in range(20)]
    made = [forge(cluster, app, body, end) for body in (*bodies, claim("forged", elsewhere))]
    status = app.until_ready(repo.commit({"leaves.yaml": None}))
    assert cluster.find("v1", "ConfigMap", "leaves", app.namespace) is None
    assert status.get("blocked") is None
    assert status["objects"]["declared"] == 1
    assert app.records()[-1]["status"]["counts"]["pruned"] == 1
    app.delete()
    app.until_gone()
    assert [now(cluster, body) for body in made] == [body["metadata"]["resourceVersion"] for body in made]


def test_an_object_of_one_repository_that_is_labelled_for_another_is_not_deleted_with_that(
    app: Repository,
    cluster: Cluster,
    repo: Repo,
    git_server: GitServer,
    git_repository: Callable[..., Repository],
) -> None:
    theirs = git_server.create(f"{app.namespace}-theirs")
    other = git_repository("other", url=theirs.url, drift="Report")
    other.until_ready(theirs.commit(manifests.config_maps(["taken"])))
    taken = cluster.get("v1", "ConfigMap", "taken", app.namespace)
    metadata = taken["metadata"]
    body = manifests.config_map("taken", app.namespace, **taken.get("data", {}))
    body["metadata"]["annotations"] = metadata["annotations"]
    body["metadata"]["labels"] = {LABEL: f"{app.namespace}.app"}
    owner_stamps.forged(cluster, body, f"towline:{app.namespace}/app")
    status = app.until_ready(repo.commit({"leaves.yaml": None}))
    assert status.get("blocked") is None
    assert cluster.get("v1", "ConfigMap", "taken", app.namespace)["metadata"]["uid"] == metadata["uid"]


def test_forged_marks_of_another_repository_keep_nobody_from_an_object(
    cluster: Cluster, repo: Repo, namespace: str, git_repository: Callable[..., Repository]
) -> None:
    ref = ObjectRef("", "ConfigMap", namespace, "wanted")
    body = manifests.config_map("wanted", namespace, colour="red")
    body["metadata"]["labels"] = {LABEL: "some.body"}
    body["metadata"]["annotations"] = {OWNER: f"{RANDOM}:{ref}:{RANDOM}", "towline.dev/digest": "x"}
    owner_stamps.forged(cluster, body, "towline:some/body")
    app = git_repository()
    app.until_ready(repo.commit(manifests.config_maps(["wanted"], colour="blue")))
    assert cluster.get("v1", "ConfigMap", "wanted", namespace)["data"] == {"colour": "blue"}


def test_a_stamp_that_a_person_removes_comes_back(app: Repository, cluster: Cluster) -> None:
    body = cluster.get("v1", "ConfigMap", "kept", app.namespace)
    owner_stamps.without_stamp(cluster, body)

    def is_back() -> bool:
        return owner_stamps.owner_of(cluster.get("v1", "ConfigMap", "kept", app.namespace)) == (
            owner_stamps.owner_of(body)
        )

    eventually(is_back, deadline=40, message="the stamp")
    assert (
        "towline.dev/adopted"
        not in (cluster.get("v1", "ConfigMap", "kept", app.namespace)["metadata"]["annotations"])
    )


def test_objects_labelled_for_repositories_that_do_not_exist_cost_no_requests(
    app: Repository, cluster: Cluster, audit: AuditLog, repo: Repo, elsewhere: str
) -> None:
    mark = audit.mark()
    for number in range(200):
        body = manifests.config_map(f"stray-{number}", elsewhere)
        body["metadata"]["labels"] = {LABEL: f"nobody.at-home-{number}"}
        cluster.create(body)
    app.until_ready(repo.commit(manifests.config_maps(["kept"], colour="green")))
    asked = [
        event
        for event in audit.since(mark)
        if event.user_agent.startswith("towline") and "at-home" in event.name
    ]
    assert asked == []


def now(cluster: Cluster, body: Object) -> str:
    metadata = body["metadata"]
    found = cluster.get(body["apiVersion"], body["kind"], metadata["name"], metadata["namespace"])
    version: str = found["metadata"]["resourceVersion"]
    return version
