"""`towline diff` tells what a sync would do, by dry runs alone and with the rights of the user."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]
PLANTED = "correct-horse-battery"


class Told(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class Desk(NamedTuple):
    """Runs `towline diff` as a user, with an empty cache folder for Git."""

    plane: ControlPlane
    home: Path
    repository: Repository

    def diff(self, *flags: str, user: str = "admin") -> Told:
        command = (
            sys.executable,
            "-m",
            "towline",
            "diff",
            self.repository.name,
            "-n",
            self.repository.namespace,
        )
        variables = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "KUBECONFIG": str(self.plane.kubeconfig(user)),
        }
        done = subprocess.run(
            [*command, *flags],
            cwd=self.home,
            env=variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Told(done.returncode, done.stdout, done.stderr)

    def json(self, *flags: str, user: str = "admin") -> dict[str, Any]:
        told = self.diff(*flags, "-o", "json", user=user)
        assert told.code == 1, told
        found: dict[str, Any] = json.loads(told.out)
        return found


@pytest.fixture
def applied(
    operator: Operator,
    plane: ControlPlane,
    repo: Repo,
    git_repository: GitRepositories,
    tmp_path: Path,
) -> Desk:
    """A repository that is applied, and then suspended; its branch `next` changes everything."""
    repo.commit(
        {
            **manifests.config_maps(["settings", "old", "kept"], colour="red"),
            "web.yaml": manifests.text(manifests.deployment(image="web:1")),
            "secret.yaml": manifests.text(manifests.secret(word="before")),
            "job.yaml": manifests.text(manifests.job(force="Enabled")),
            "service.yaml": manifests.text(manifests.service()),
        },
        message="Add the shop",
    )
    repository = git_repository(prune=True, healthTimeout="1s")
    repository.until_applied(repo.sha())
    repository.change(suspend=True)
    repo.branch("next")
    repo.commit(
        {
            **manifests.config_maps(["settings"], colour="blue"),
            **manifests.config_maps(["new"], colour="green"),
            "old.yaml": None,
            "web.yaml": manifests.text(manifests.deployment(image="web:2")),
            "secret.yaml": manifests.text(manifests.secret(word=PLANTED)),
            "job.yaml": manifests.text(manifests.job(image="migrate:2", force="Enabled")),
            "service.yaml": manifests.text(_misspelled(manifests.service())),
        },
        branch="next",
        message="Change the shop",
    )
    repo.git("update-ref", "refs/pull/7/head", repo.sha("next"))
    return Desk(plane, tmp_path, repository)


def test_what_a_revision_would_do_is_told_by_dry_runs_alone(
    applied: Desk, audit: AuditLog, repo: Repo
) -> None:
    assert applied.diff().code == 0
    mark = audit.mark()
    found = applied.json("--revision", "next")
    asked = [
        event
        for event in audit.since(mark)
        if event.user_agent.startswith("towline/") and event.user == "admin"
    ]
    assert any(event.dry_run for event in asked)
    assert [str(event) for event in asked if event.writes] == []

    actions = {each["object"].rpartition("/")[2]: each["action"] for each in found["changes"]}
    assert actions == {
        "settings": "update",
        "new": "create",
        "old": "delete",
        "web": "restart",
        "credentials": "update",
        "migrate": "replace",
    }
    settings = next(each for each in found["changes"] if each["object"].endswith("/settings"))
    assert settings["fields"] == [{"path": "/data/colour", "old": "red", "new": "blue"}]
    assert (settings["file"], settings["line"]) == ("settings.yaml", 6)
    (refused,) = found["refused"]
    assert (refused["reason"], refused["file"]) == ("UnknownField", "service.yaml")
    assert refused["field"].endswith("/prot")
    assert PLANTED not in json.dumps(found)
    assert found["revision"] == repo.sha("next")

    by_number = applied.diff("--pr", "7", "-o", "markdown")
    assert by_number.code == 1
    assert by_number.out.startswith(f"<!-- towline-diff: {applied.repository.namespace}/app -->\n")
    assert "restart Deployment" in by_number.out
    none = applied.diff("--pr", "8")
    assert none.code == 2
    assert "--revision" in none.err


def test_what_the_user_may_not_ask_is_compared_with_what_is_applied_and_named(
    applied: Desk, cluster: Cluster
) -> None:
    """Alice may read ConfigMaps and the GitRepository, write nothing, and see neither Secrets nor the rest."""
    _allow(cluster, applied.repository.namespace)
    found = applied.json("--revision", "next", user="alice")
    actions = {each["object"].rpartition("/")[2]: each["action"] for each in found["changes"]}
    assert actions["settings"] == "update"
    assert (actions["web"], actions["old"], actions["new"]) == ("restart", "delete", "create")
    assert actions["credentials"] == "update"
    told = " ".join(found["notes"])
    assert "you may not patch ConfigMap/" in told
    assert "Secret" in told
    assert PLANTED not in json.dumps(found)


def _misspelled(service: Object) -> Object:
    service["spec"]["ports"][0]["prot"] = 81
    return service


def _allow(cluster: Cluster, namespace: str) -> None:
    rules = [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
        {
            "apiGroups": ["towline.dev"],
            "resources": ["gitrepositories", "syncrecords"],
            "verbs": ["get", "list"],
        },
    ]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "reader", "namespace": namespace},
    }
    cluster.create({**role, "kind": "Role", "rules": rules})
    cluster.create(
        {
            **role,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}],
        }
    )
