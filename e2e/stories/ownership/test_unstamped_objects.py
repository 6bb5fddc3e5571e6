"""Objects from before there were stamps, and from before a key was lost, stay what they were."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from towline.model import Stamp

from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import managed_objects, manifests, owner_stamps
from e2e.scenes.owner_stamps import KEYS

NAMES = ("changes", "leaves", "stays")


@pytest.fixture
def home(private_operator: Callable[..., Operator], namespace: str) -> Operator:
    """An operator with keys of its own, which runs."""
    operator = private_operator(environment={"POD_NAMESPACE": namespace})
    operator.start()
    return operator


@pytest.fixture
def app(home: Operator, repo: Repo, git_repository: Callable[..., Repository]) -> Repository:
    """A repository with three ConfigMaps; its operator has ended."""
    found = git_repository()
    found.until_ready(repo.commit(manifests.config_maps(NAMES)))
    home.stop()
    return found


def stamps(cluster: Cluster, app: Repository) -> dict[str, Stamp]:
    """Return what the stamp of each object proves."""
    known = owner_stamps.stamps(cluster, app.namespace)
    return {
        name: known.read(owner_stamps.owner_of(body), owner_stamps.ref_of(body))[1]
        for name, body in managed_objects.config_maps(cluster, app).items()
    }


def as_before_stamps(cluster: Cluster, app: Repository, operator: Operator) -> None:
    """Leave objects, Secret and data folder as an operator without stamps does."""
    unstamped(cluster, app)
    without = {"data": {"owner": None, "owner.since": None, "checkpoint": None}}
    cluster.patch("v1", "Secret", KEYS, app.namespace, without)
    for name in ("owner.key", "checkpoint.key"):
        Path(operator.data_folder / name).unlink()


def unstamped(cluster: Cluster, app: Repository) -> None:
    for body in managed_objects.config_maps(cluster, app).values():
        owner_stamps.as_before_stamps(cluster, body)


def without_records(cluster: Cluster, app: Repository) -> None:
    cluster.kubectl("delete", "syncrecords", "--all", "-n", app.namespace)


def passed(app: Repository, asked: str) -> None:
    """Wait until a pass has ended that began after this."""
    app.annotate(reconcile=asked)
    app.until(lambda status: status.get("lastHandledReconcile") == asked, "a pass")


def written(audit: AuditLog, mark: Mark, app: Repository) -> list[AuditEvent]:
    found = managed_objects.writes(audit, mark, app)
    return [event for event in found if event.resource == "configmaps"]


@pytest.mark.parametrize("key", ["new", "known"])
def test_an_upgrade_writes_nothing_by_itself_and_stamps_what_it_writes_next(
    home: Operator, app: Repository, cluster: Cluster, audit: AuditLog, repo: Repo, key: str
) -> None:
    if key == "new":
        as_before_stamps(cluster, app, home)
    else:
        unstamped(cluster, app)
    mark = audit.mark()
    home.start()
    passed(app, "once")
    assert written(audit, mark, app) == []

    sha = repo.commit({"leaves.yaml": None, **manifests.config_maps(["changes"], colour="red")})
    app.until_ready(sha)
    assert stamps(cluster, app) == {"changes": Stamp.VALID, "stays": Stamp.NONE}
    home.restart()
    mark = audit.mark()
    passed(app, "twice")
    assert written(audit, mark, app) == []
    app.delete()
    app.until_gone()
    assert managed_objects.config_maps(cluster, app) == {}


def test_what_no_record_names_any_more_waits_for_a_confirmation_when_it_leaves_git(
    home: Operator, app: Repository, cluster: Cluster, audit: AuditLog, repo: Repo
) -> None:
    as_before_stamps(cluster, app, home)
    without_records(cluster, app)
    mark = audit.mark()
    home.start()
    passed(app, "once")
    assert written(audit, mark, app) == []

    sha = repo.commit({"leaves.yaml": None})
    (waits,) = app.until_reason("PruneBlocked")["blocked"]["prunes"]
    assert (waits["object"], waits["reason"]) == (f"ConfigMap/{app.namespace}/leaves", "Inherited")
    app.confirm_prune()
    app.until_ready(sha)
    assert set(managed_objects.config_maps(cluster, app)) == {"changes", "stays"}


def test_after_the_loss_of_the_key_declared_objects_are_stamped_anew_and_others_wait(
    home: Operator, app: Repository, cluster: Cluster, repo: Repo
) -> None:
    before = managed_objects.config_maps(cluster, app)
    cluster.delete("v1", "Secret", KEYS, app.namespace)
    shutil.rmtree(home.data_folder)
    sha = repo.commit({"leaves.yaml": None})
    home.start()
    (waits,) = app.until_reason("PruneBlocked")["blocked"]["prunes"]
    assert (waits["object"], waits["reason"]) == (f"ConfigMap/{app.namespace}/leaves", "Inherited")
    assert stamps(cluster, app) == {"changes": Stamp.VALID, "leaves": Stamp.WRONG, "stays": Stamp.VALID}
    after = managed_objects.config_maps(cluster, app)
    for name in ("changes", "stays"):
        assert managed_objects.origin(after[name]) == managed_objects.origin(before[name])
        assert after[name]["metadata"]["uid"] == before[name]["metadata"]["uid"]
    app.confirm_prune()
    app.until_ready(sha)
    assert set(managed_objects.config_maps(cluster, app)) == {"changes", "stays"}


def test_a_deleted_secret_comes_back_from_the_data_folder_and_no_stamp_is_lost(
    home: Operator, app: Repository, cluster: Cluster, audit: AuditLog, repo: Repo
) -> None:
    before = cluster.get("v1", "Secret", KEYS, app.namespace)["data"]
    cluster.delete("v1", "Secret", KEYS, app.namespace)
    mark = audit.mark()
    home.start()
    passed(app, "once")
    assert cluster.get("v1", "Secret", KEYS, app.namespace)["data"] == before
    assert written(audit, mark, app) == []
    app.until_ready(repo.commit({"leaves.yaml": None}))
    assert set(managed_objects.config_maps(cluster, app)) == {"changes", "stays"}


def test_the_key_and_the_stamps_are_in_no_log(home: Operator, app: Repository, cluster: Cluster) -> None:
    home.start()
    passed(app, "once")
    secret = cluster.get("v1", "Secret", KEYS, app.namespace)["data"]["owner"].encode()
    said = home.log_file.read_bytes()
    assert secret.rstrip(b"=") not in said
    for body in managed_objects.config_maps(cluster, app).values():
        assert owner_stamps.owner_of(body).rpartition(":")[2].encode() not in said
