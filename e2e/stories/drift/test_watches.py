"""What others do is seen although the connection to the API server fails in any way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

NAMES = ("edited", "deleted", "unlabelled")
SILENCE = 75.0
"""Seconds in which a watch that is silently dead must have been noticed."""

AGAIN = 20.0
"""Seconds in which a watch that ended must have begun anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """Three ConfigMaps that an operator behind a proxy has applied."""

    cluster: Cluster
    namespace: str

    def disturb(self) -> None:
        """Change one, delete one, take our label off one."""
        self.cluster.patch("v1", "ConfigMap", "edited", self.namespace, {"data": {"colour": "theirs"}})
        self.cluster.delete("v1", "ConfigMap", "deleted", self.namespace)
        bare = {"metadata": {"labels": {"towline.dev/repository": None}}}
        self.cluster.patch("v1", "ConfigMap", "unlabelled", self.namespace, bare)

    def until_restored(self, deadline: float) -> None:
        """Wait until all are as they are declared, and labelled."""
        eventually(self._restored, deadline=deadline, message="the ConfigMaps as they are declared")

    def _restored(self) -> bool:
        found = self.cluster.list("v1", "ConfigMap", self.namespace, labels="towline.dev/repository")
        colours = {body["metadata"]["name"]: body["data"]["colour"] for body in found}
        return colours == dict.fromkeys(NAMES, "blue")


@pytest.fixture
def edited(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> Edited:
    """ConfigMaps of an operator whose every connection leads through the proxy."""
    sha = repo.commit(manifests.config_maps(NAMES, colour="blue"))
    repository = git_repository(interval="1h")
    repository.until_ready(sha)
    return Edited(cluster=cluster, namespace=repository.namespace)


def test_drift_is_seen_within_75_seconds_where_the_watch_is_silently_dead(
    edited: Edited, proxy: Proxy
) -> None:
    assert proxy.freeze_watches(_of_config_maps) == 1
    edited.disturb()
    edited.until_restored(SILENCE)


@pytest.mark.parametrize("status", [410, 500])
def test_what_happens_while_no_watch_can_begin_is_restored_when_one_can(
    edited: Edited, proxy: Proxy, status: int
) -> None:
    proxy.answer(status, about=_of_config_maps)
    assert proxy.end_watches(status, _of_config_maps) == 1
    edited.disturb()
    eventually(lambda: _refused(proxy, status) > 1, message="two refused watches")
    proxy.mend()
    edited.until_restored(AGAIN)


def test_what_happens_while_the_connection_is_cut_is_restored_when_it_is_mended(
    edited: Edited, proxy: Proxy
) -> None:
    proxy.cut()
    edited.disturb()
    proxy.mend()
    edited.until_restored(AGAIN)


def _of_config_maps(request: Request) -> bool:
    return request.watches and request.of("configmaps") and "labelSelector" in request.query


def _refused(proxy: Proxy, status: int) -> int:
    return sum(seen.status == status and _of_config_maps(seen.request) for seen in proxy.seen)
