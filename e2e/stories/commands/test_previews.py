"""`towline diff` tells what a sync would do, by dry runs alone and with the rights of the user."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result
from towline.__main__ import main

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]
PLANTED = "correct-horse-battery"


class Preview(NamedTuple):
    """Runs `towline diff` as a user, with a cache folder for Git of its own."""

    plane: ControlPlane
    home: Path
    repository: Repository

    def diff(self, *flags: str, user: str = "admin") -> Result:
        variables = {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home),
            "KUBECONFIG": str(self.plane.kubeconfig(user)),
        }
        named = (self.repository.name, "-n", self.repository.namespace)
        return CliRunner().invoke(main, ["diff", *named, *flags], env=variables)

    def json(self, *flags: str, user: str = "admin") -> dict[str, Any]:
        told = self.diff(*flags, "-o", "json", user=user)
        assert told.exit_code == 1, told.output
        found: dict[str, Any] = json.loads(told.stdout)
        return found


@pytest.fixture
def applied(
    operator: Operator,
    plane: ControlPlane,
    repo: Repo,
    git_repository: GitRepositories,
    tmp_path: Path,
) -> Preview:
    """A repository that is applied, and then suspended; its branch `next` changes everything.

    Of two others, one owns what that branch declares, too, and one declares what it leaves.
    """
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
    shared = repo.commit(manifests.config_maps(["shared"], colour="red"), branch="theirs")
    repo.commit(manifests.config_maps(["old"], colour="red"), branch="wanted")
    theirs = git_repository("theirs", ref={"branch": "theirs"})
    wanted = git_repository("wanted", ref={"branch": "wanted"})
    theirs.until_applied(shared)
    wanted.until(lambda status: status.get("failures"), "the object is refused")
    repo.commit(
        {
            **manifests.config_maps(["settings", "shared"], colour="blue"),
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
    return Preview(plane, tmp_path, repository)


def test_what_a_revision_would_do_is_told_by_dry_runs_alone_as_far_as_the_user_may_ask(
    applied: Preview, cluster: Cluster, audit: AuditLog, repo: Repo
) -> None:
    assert applied.diff().exit_code == 0
    mark = audit.mark()
    found = applied.json("--revision", "next")
    agents = [each for each in audit.since(mark) if each.user_agent.startswith("towline/")]
    asked = [each for each in agents if each.user == "admin"]
    assert any(each.dry_run for each in asked)
    assert [str(each) for each in asked if each.writes] == []

    assert _actions(found) == {
        "settings": "update",
        "new": "create",
        "old": "release",
        "web": "restart",
        "credentials": "update",
        "migrate": "replace",
    }
    settings = next(each for each in found["changes"] if each["object"].endswith("/settings"))
    assert settings["fields"] == [{"path": "/data/colour", "old": "red", "new": "blue"}]
    assert (settings["file"], settings["line"]) == ("settings.yaml", 6)
    taken, refused = sorted(found["refused"], key=lambda each: str(each["reason"]))
    assert (taken["reason"], taken["file"]) == ("OwnedByAnother", "shared.yaml")
    assert f"{applied.repository.namespace}/theirs" in taken["message"]
    assert (refused["reason"], refused["file"]) == ("UnknownField", "service.yaml")
    assert refused["field"].endswith("/prot")
    assert PLANTED not in json.dumps(found)
    assert found["revision"] == repo.sha("next")

    by_number = applied.diff("--pr", "7", "-o", "markdown")
    assert by_number.exit_code == 1
    assert by_number.stdout.startswith(f"<!-- towline-diff: {applied.repository.namespace}/app -->\n")
    assert "restart Deployment" in by_number.stdout

    # Alice may read ConfigMaps and the GitRepository, write nothing, and see neither Secrets nor the rest
    _allow(cluster, applied.repository.namespace)
    seen = applied.json("--revision", "next", user="alice")
    told = _actions(seen)
    assert (told["settings"], told["web"], told["old"]) == ("update", "restart", "release")
    assert (told["new"], told["credentials"]) == ("create", "update")
    notes = " ".join(seen["notes"])
    assert "you may not patch ConfigMap/" in notes
    assert "Secret" in notes
    assert "you may not list GitRepositories in all namespaces" in notes
    assert PLANTED not in json.dumps(seen)


def _actions(found: dict[str, Any]) -> dict[str, str]:
    return {each["object"].rpartition("/")[2]: each["action"] for each in found["changes"]}


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
    metadata = {"name": "reader", "namespace": namespace}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata}
    cluster.create({**role, "kind": "Role", "rules": rules})
    cluster.create(
        {
            **role,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}],
        }
    )
