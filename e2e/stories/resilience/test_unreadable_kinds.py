"""A kind that cannot be read holds up its own objects alone, and is named."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import managed_objects, manifests
from e2e.scenes.drift import custom_kinds

REFUSED, SILENT = "https://127.0.0.1:1/convert", "https://192.0.2.1/convert"


def webhook(url: str) -> Object:
    """Convert by a webhook that nobody answers for."""
    return {
        "strategy": "Webhook",
        "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"url": url}},
    }


def is_named(repository: Repository, kind: str) -> bool:
    """Tell whether Ready is Unknown because of the kind."""
    ready = repository.condition()
    found = (ready["status"], ready["reason"]) == ("Unknown", "ClusterUnavailable")
    return found and kind in ready["message"]


@pytest.mark.parametrize("url", [REFUSED, SILENT])
def test_a_dead_conversion_webhook_holds_up_the_objects_of_its_kind_alone(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
    url: str,
) -> None:
    group = f"{namespace}.example.com"
    kind, name = f"Widget.{group}", f"widgets.{group}"
    with custom_kinds.defined(cluster, custom_kinds.definition(custom_kinds.widget(group))):
        thing = {**custom_kinds.widget(group).declare("first"), "metadata": {"name": "first"}}
        extra = {**thing, "metadata": {"name": "extra"}}
        files = {"thing.yaml": manifests.text(thing), "extra.yaml": manifests.text(extra)}
        repository = git_repository()
        repository.until_ready(repo.commit({**files, **manifests.config_maps(["stays", "goes"])}))

        cluster.patch(*custom_kinds.CRDS, name, "", {"spec": {"conversion": webhook(url)}})
        began = time.monotonic()
        eventually(lambda: is_named(repository, kind), deadline=20, message="the kind in the status")
        assert time.monotonic() - began < 8  # 5 on a machine that does nothing else

        sha = repo.commit({"goes.yaml": None, **manifests.config_maps(["stays"], colour="red")})
        repository.until_applied(sha, deadline=15)
        assert is_named(repository, kind)
        assert {
            one["metadata"]["name"]: one["data"]
            for one in managed_objects.config_maps(cluster, repository).values()
        } == {"stays": {"colour": "red"}}

        late = repo.commit(
            {"extra.yaml": None, "stays.yaml": None, "new.yaml": manifests.text(manifests.config_map("new"))}
        )
        repository.until(lambda status: status["commit"]["attempted"] == late, "attempted")
        eventually(
            lambda: "new" in managed_objects.config_maps(cluster, repository), message="the new object"
        )
        assert repository.commit("applied") == sha

        repository.delete()
        eventually(
            lambda: "Deletion waits" in repository.condition()["message"] and is_named(repository, kind),
            deadline=8,
            message="what the deletion waits for",
        )
        none = {"strategy": "None", "webhook": None}
        cluster.patch(*custom_kinds.CRDS, name, "", {"spec": {"conversion": none}})
        repository.until_gone(deadline=40)
        assert cluster.list(f"{group}/v1", "Widget", namespace) == []
