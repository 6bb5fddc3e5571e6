"""The example of an admission policy in docs/examples keeps tenants to the repositories of their namespace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.harness.cluster import Cluster, KubectlError
from e2e.harness.waiting import eventually
from e2e.scenes import cluster_limits

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "gitrepositories-of-tenants.yaml"
URLS = "towline.example.com/urls"
TENANT = "tenant"
GOOD = "https://git.example.com/team-a/shop.git"

Attempt = Callable[..., str]


@pytest.fixture
def attempt(cluster: Cluster, namespace: str) -> Iterator[Attempt]:
    """Try to write a GitRepository, as somebody who may do so; returns why it was refused, empty where it was not."""
    cluster.kubectl("apply", "-f", str(EXAMPLE))
    try:
        with cluster_limits.rights(cluster, namespace, TENANT, [cluster_limits.OWN_KINDS]):

            def write(*flags: str, name: str = "shop", **spec: Any) -> str:
                body = {
                    "apiVersion": "towline.dev/v1alpha1",
                    "kind": "GitRepository",
                    "metadata": {"name": name, "namespace": namespace},
                    "spec": {"url": GOOD, **spec},
                }
                given = flags or (f"--as={TENANT}",)
                try:
                    cluster.kubectl("apply", "--dry-run=server", "-f", "-", *given, stdin=json.dumps(body))
                except KubectlError as error:
                    return str(error)
                return ""

            eventually(
                lambda: "Forbidden" in write() or "forbidden" in write(), deadline=30, message="the policy"
            )
            yield write
    finally:
        cluster.kubectl("delete", "-f", str(EXAMPLE))


def allow(cluster: Cluster, namespace: str, urls: str) -> None:
    cluster.patch("v1", "Namespace", namespace, "", {"metadata": {"annotations": {URLS: urls}}})


def test_who_may_have_which_repository_is_said_by_the_example_policy(
    attempt: Attempt, cluster: Cluster, namespace: str
) -> None:
    assert "a prefix that an administrator has written into the annotation" in attempt()
    assert attempt("--as-group=system:masters", "--as=root") == ""
    allow(
        cluster, namespace, "https://git.example.com/team-a/ ssh://git@git.example.com/team-a/ https://half"
    )
    eventually(lambda: attempt() == "", deadline=30, message="the annotation to be seen")
    assert attempt(url="ssh://git@git.example.com/team-a/app.git") == ""
    refused = {
        "another host": attempt(url="https://evil.example/team-a/shop.git"),
        "another team": attempt(url="https://git.example.com/team-b/shop.git"),
        "a longer name": attempt(url="https://git.example.com/team-ab/shop.git"),
        "a detour": attempt(url="https://git.example.com/team-a/%2e%2e/team-b/shop.git"),
        "a prefix without a path": attempt(url="https://half.example/shop.git"),
        "another namespace": attempt(defaultNamespace="kube-system"),
        "another Secret": attempt(secretRef={"name": "database"}),
    }
    assert [name for name, said in refused.items() if "forbidden" not in said.lower()] == []
    assert "https://git.example.com/team-a/ or ssh://git@git.example.com/team-a/" in refused["another host"]
    assert attempt(defaultNamespace=namespace, secretRef={"name": "git-read"}) == ""


def test_what_exists_is_asked_again_only_when_its_spec_changes(
    attempt: Attempt, cluster: Cluster, namespace: str
) -> None:
    cluster.create(
        {
            "apiVersion": "towline.dev/v1alpha1",
            "kind": "GitRepository",
            "metadata": {"name": "old", "namespace": namespace},
            "spec": {"url": "https://elsewhere.example/old.git", "suspend": True},
        }
    )
    tenant = ("--dry-run=server", f"--as={TENANT}", "-n", namespace)
    cluster.kubectl("annotate", "gitrepositories.towline.dev/old", "towline.dev/reconcile=now", *tenant)
    assert "forbidden" in attempt(name="old", url="https://elsewhere.example/new.git").lower()
