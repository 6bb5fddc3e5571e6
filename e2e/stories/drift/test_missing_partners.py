"""What the control plane removes at once, because its partner is missing, is not something that somebody deleted."""

from __future__ import annotations

from collections.abc import Callable

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

ACCOUNT: Object = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}
TOKEN: Object = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/service-account-token",
    "metadata": {"name": "a-token", "annotations": {"kubernetes.io/service-account.name": "web"}},
}


def test_a_token_that_goes_right_after_its_write_is_written_again_although_drift_is_only_reported(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    files = {"account.yaml": manifests.text(ACCOUNT), "token.yaml": manifests.text(TOKEN)}
    sha = repo.commit(files)
    repository = git_repository(drift="Report", interval="1h")
    repository.until_ready(sha)
    first = cluster.get("v1", "Secret", "a-token", repository.namespace)["metadata"]["uid"]

    cluster.delete("v1", "Secret", "a-token", repository.namespace)

    def is_back() -> bool:
        found = cluster.find("v1", "Secret", "a-token", repository.namespace)
        return found is not None and found["metadata"]["uid"] != first

    eventually(is_back, deadline=10.0, message="the token")
    repository.until(lambda status: not status.get("drift"), "no drift")
    assert repository.condition("Drifted")["status"] == "False"


def test_a_token_whose_account_nobody_declares_is_not_left_missing_with_ready_true(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    repo.commit({"token.yaml": manifests.text(TOKEN)})
    repository = git_repository(drift="Report", interval="1h")

    status = repository.until(lambda status: status.get("failures"), "the refusal", deadline=60.0)

    (failure,) = status["failures"]
    assert failure["reason"] == "Contested"
    assert f"Declare ServiceAccount {repository.namespace}/web" in failure["message"]
    assert repository.condition("Ready")["status"] == "False"
