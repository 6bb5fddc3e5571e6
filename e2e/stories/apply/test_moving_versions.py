"""A custom resource moves in one commit to a version that the same commit brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests
from e2e.scenes.drift import custom_kinds


@pytest.fixture
def group(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A group whose CRD is deleted in the end: no GitRepository does that."""
    name = f"{namespace}.example.com"
    yield name
    cluster.delete(*custom_kinds.CRDS, f"widgets.{name}")


def crd(group: str, *served: str, storage: str, kept: str = "") -> str:
    """Declare the CRD of Widget, served in some versions, which knows another one, too."""
    body = custom_kinds.definition(custom_kinds.widget(group))
    version = body["spec"]["versions"][0]
    names = [*served, kept] if kept else served
    body["spec"]["versions"] = [
        {**version, "name": name, "served": name != kept, "storage": name == storage} for name in names
    ]
    return manifests.text(body)


def widget(group: str, version: str, colour: str) -> str:
    """Declare a Widget in a version."""
    spec: Object = {"colour": colour, "shape": "round"}
    return manifests.text(
        {"apiVersion": f"{group}/{version}", "kind": "Widget", "metadata": {"name": "first"}, "spec": spec}
    )


@pytest.mark.parametrize("preflight", [True, False])
@pytest.mark.parametrize("retires", [False, True])
def test_an_object_moves_to_a_version_that_the_same_commit_brings(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
    group: str,
    *,
    retires: bool,
    preflight: bool,
) -> None:
    repository = git_repository(preflight=preflight)
    before = {"crd.yaml": crd(group, "v1", storage="v1"), "first.yaml": widget(group, "v1", "blue")}
    repository.until_ready(repo.commit(before))
    uid = cluster.get(f"{group}/v1", "Widget", "first", namespace)["metadata"]["uid"]

    definition = (
        crd(group, "v2", storage="v2", kept="v1") if retires else crd(group, "v1", "v2", storage="v2")
    )
    after = {"crd.yaml": definition, "first.yaml": widget(group, "v2", "green")}
    repository.until_ready(repo.commit(after))

    found = cluster.get(f"{group}/v2", "Widget", "first", namespace)
    assert (found["metadata"]["uid"], found["spec"]["colour"]) == (uid, "green")
    assert [each["status"]["outcome"] for each in repository.records()] == ["Succeeded", "Succeeded"]

    repository.until_ready(repo.commit({"first.yaml": None}))
    assert cluster.list(f"{group}/v2", "Widget", namespace) == []


def test_an_object_that_was_made_by_hand_moves_to_a_version_that_comes_with_its_definition(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
    group: str,
) -> None:
    sha = repo.commit({"crd.yaml": crd(group, "v1", storage="v1")})
    repository = git_repository()
    repository.until_ready(sha)
    body: Object = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "first"}}
    cluster.create({**body, "metadata": {"name": "first", "namespace": namespace}, "spec": {"colour": "red"}})

    after = {"crd.yaml": crd(group, "v1", "v2", storage="v2"), "first.yaml": widget(group, "v2", "green")}
    repository.until_ready(repo.commit(after))

    assert cluster.get(f"{group}/v2", "Widget", "first", namespace)["spec"]["colour"] == "green"


def test_a_version_that_nobody_brings_is_refused_with_those_that_are_served(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
    group: str,
) -> None:
    repository = git_repository()
    files = {"crd.yaml": crd(group, "v1", storage="v1"), "first.yaml": widget(group, "v1", "blue")}
    repository.until_ready(repo.commit(files))

    repo.commit({"first.yaml": widget(group, "v3", "green")})

    failures = repository.until_reason("ApplyFailed")["failures"]
    assert [each["reason"] for each in failures] == ["UnknownKind"]
    assert f"write apiVersion: {group}/v1" in failures[0]["message"]
    assert cluster.get(f"{group}/v1", "Widget", "first", namespace)["spec"]["colour"] == "blue"
