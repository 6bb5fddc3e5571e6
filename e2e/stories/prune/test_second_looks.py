"""What becomes another's between the plan and the DELETE waits for a person, as if the plan had seen it."""

from __future__ import annotations

from collections.abc import Callable

from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import managed_objects, manifests, owner_stamps

OTHER = "77f0a1d2-0000-4a52-9c8e-3f1d2b7a9e10"


def test_an_object_that_becomes_inherited_right_before_its_delete_waits_for_a_confirmation(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    app = git_repository()
    app.until_ready(repo.commit(manifests.config_maps(["leaves", "stays"])))
    gate = proxy.hold(0, acted=False, about=_deletion)
    sha = repo.commit({"leaves.yaml": None})
    assert gate.reached()
    leaves = cluster.get("v1", "ConfigMap", "leaves", app.namespace)
    owner = owner_stamps.stamps(cluster).owner(OTHER, owner_stamps.ref_of(leaves))
    touch = {"metadata": {"annotations": {"towline.dev/owner": owner}}}
    cluster.patch("v1", "ConfigMap", "leaves", app.namespace, touch)
    proxy.mend()

    blocked = app.until_reason("PruneBlocked")["blocked"]["prunes"]
    assert [each["reason"] for each in blocked] == ["Inherited"]
    assert set(managed_objects.config_maps(cluster, app)) == {"leaves", "stays"}
    told = [each for record in app.records() for each in record["status"].get("failures", ())]
    assert [each["reason"] for each in told] == ["Inherited"]
    assert OTHER in told[0]["message"]

    app.confirm_prune()
    app.until_ready(sha)
    assert set(managed_objects.config_maps(cluster, app)) == {"stays"}
    behind.program.check()


def _deletion(request: Request) -> bool:
    return request.verb == "DELETE" and request.writes and request.of("configmaps")
