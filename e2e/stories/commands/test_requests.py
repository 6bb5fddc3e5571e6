"""Commands ask for something as their user: the API server's rights hold, and records name who asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from click.testing import CliRunner, Result
from towline.__main__ import main

from e2e.harness.cluster import Cluster, Kubectl
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import RESOURCE, Repository
from e2e.harness.waiting import eventually
from e2e.scenes import cluster_limits, managed_objects, manifests

READS = {"apiGroups": ["towline.dev"], "resources": ["gitrepositories"], "verbs": ["get"]}
ASKS = {**READS, "verbs": ["get", "patch"]}
ALICE = {"user": "alice", "claimed": True}


def test_who_asks_by_command_is_named_in_the_record_and_held_to_their_rights(
    operator: Operator,
    cluster: Cluster,
    kubectl: Kubectl,
    plane: ControlPlane,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    def towline(*arguments: str, user: str = "alice") -> Result:
        environment = {**kubectl.environment(), "KUBECONFIG": str(plane.kubeconfig(user))}
        return CliRunner().invoke(main, [*arguments, "-n", namespace], env=environment)

    def until_may(verb: str) -> None:
        review = ("auth", "can-i", verb, RESOURCE, "-n", namespace, "--as", "alice", "--quiet")
        eventually(lambda: kubectl(*review) == "", message=f"the right to {verb}")

    def requested_by() -> Any:
        return repository.records()[-1]["spec"].get("requestedBy")

    first = repo.commit(manifests.config_maps(["settings"], colour="blue"))
    repository = git_repository(interval="1h")
    repository.until_ready(first)
    with cluster_limits.rights(cluster, namespace, "alice", [READS]):
        until_may("get")
        refused = towline("sync", "app")
        assert (refused.exit_code, "you may not patch gitrepositories" in refused.stderr) == (2, True)
    with cluster_limits.rights(cluster, namespace, "alice", [ASKS]):
        until_may("patch")
        second = repo.commit(manifests.config_maps(["settings", "more"], colour="red"))
        synced = towline("sync", "app", "--wait", "-o", "json")
        assert (synced.exit_code, json.loads(synced.stdout)["commit"]) == (0, second)
        assert requested_by() == ALICE
        suspended = towline("suspend", "app", "--until", "3h", "--reason", "freeze, by=eve", "--wait")
        assert suspended.exit_code == 0, suspended.output
        told = repository.status()["suspension"]
        assert (told["by"], told["reason"]) == ("alice", "freeze, by=eve")
        assert towline("sync", "app").exit_code == 1
        assert towline("resume", "app", "--wait").exit_code == 0
        repo.clear()
        blocked = towline("sync", "app", "--wait")
        assert (blocked.exit_code, "Waiting for you" in blocked.stdout) == (1, True)
        confirmed = towline("confirm-prune", "app", "--yes", "--wait")
        assert confirmed.exit_code == 0, confirmed.output
        assert "ConfigMap" in confirmed.stdout
    assert managed_objects.config_maps(cluster, repository) == {}
    assert requested_by() == ALICE
    back = towline("rollback", "app", first, "--repo", str(repo.path), "-o", "json", user="admin")
    assert (back.exit_code, len(json.loads(back.stdout)["reverts"])) == (0, 2)
    cluster.create(manifests.config_map("by-hand", namespace=namespace))
    orphans = json.loads(towline("orphans", "-o", "json", user="admin").stdout)["orphans"]
    named = {each["object"]: each["kind"] for each in orphans}
    assert named == {f"ConfigMap/{namespace}/by-hand": "Unexplained"}
