"""A commit becomes a changed cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.harness import identity
from e2e.harness.audit import AuditEvent, AuditLog
from e2e.harness.cluster import Cluster, Kubectl, Object
from e2e.harness.gitrepo import ALICE, BOB, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import RESOURCE, Repository
from e2e.scenes import manifests, shop_app
from e2e.scenes.shop_app import Shop


@pytest.fixture
def shop(cluster: Cluster, namespace: str) -> Iterator[Shop]:
    """An application of which nothing exists yet."""
    with shop_app.opened(cluster, namespace) as opened:
        yield opened


def _dependents_first(shop: Shop) -> dict[str, str]:
    return {f"{number}.yaml": manifests.text(body) for number, body in enumerate(shop.objects)}


def _dependents_last(shop: Shop) -> dict[str, str]:
    return {f"{number}.yaml": manifests.text(body) for number, body in enumerate(shop.objects[::-1])}


def _in_one_file(shop: Shop) -> dict[str, str]:
    return {"all.yaml": manifests.text(*shop.objects)}


@pytest.mark.parametrize("layout", [_dependents_first, _dependents_last, _in_one_file])
def test_a_commit_of_everything_in_any_order_is_applied_in_one_pass(
    layout: Callable[[Shop], dict[str, str]],
    operator: Operator,
    cluster: Cluster,
    kubectl: Kubectl,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    shop: Shop,
) -> None:
    sha = repo.commit(layout(shop))
    mark = audit.mark()
    repository = git_repository()
    _wait_for_commit(kubectl, repository, sha)
    assert len(shop.live(cluster)) == 10
    written = [event for event in audit.writes(mark, identity.OPERATOR) if _of(shop, event)]
    assert sorted(map(_created, written)) == sorted(map(_declared, shop.objects))
    (record,) = repository.records()
    assert (record["status"]["outcome"], record["status"]["counts"]["created"]) == ("Succeeded", 10)


def test_the_status_says_which_commit_is_live_and_who_wrote_it(
    operator: Operator, kubectl: Kubectl, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    repo.commit(manifests.config_maps(["first"]), message="Begin", author=BOB)
    sha = repo.commit(manifests.config_maps(["second"]), message="Add the second\n\nAt last.", author=ALICE)
    repository = git_repository()
    status = repository.until_ready(sha)
    assert status["commit"] == dict.fromkeys(("observed", "attempted", "applied", "healthy"), sha)
    applied = status["applied"]
    assert (applied["short"], applied["author"]) == (sha[:7], ALICE.name)
    assert applied["subject"] == "Add the second"
    assert status["objects"] == {"declared": 2, "synced": 2, "failed": 0, "healthy": 2}
    shown = kubectl("get", "tgr", repository.name, "-n", repository.namespace, "-o", "wide")
    assert all(word in shown for word in (sha[:7], ALICE.name, "Add the second", repo.url))


def test_every_condition_has_a_reason_when_all_is_well(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    status = git_repository().until_ready(repo.commit(manifests.config_maps(["first"])))
    assert {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]} == {
        "Ready": ("True", "Succeeded"),
        "Reconciling": ("False", "Idle"),
        "Stalled": ("False", "Idle"),
        "Synced": ("True", "Succeeded"),
        "Healthy": ("True", "Succeeded"),
        "Drifted": ("False", "NoDrift"),
        "Suspended": ("False", "Idle"),
    }


def _wait_for_commit(kubectl: Kubectl, repository: Repository, sha: str) -> None:
    kubectl(
        *("wait", f"{RESOURCE}/{repository.name}", "-n", repository.namespace),
        *(f"--for=jsonpath={{.status.commit.applied}}={sha}", "--timeout=60s"),
    )


def _of(shop: Shop, event: AuditEvent) -> bool:
    return event.namespace == shop.namespace or event.name in (shop.namespace, f"widgets.{shop.group}")


def _created(event: AuditEvent) -> tuple[str, str, int]:
    return event.resource, event.name, event.code


def _declared(body: Object) -> tuple[str, str, int]:
    return f"{body['kind'].lower()}s", body["metadata"]["name"], 201
