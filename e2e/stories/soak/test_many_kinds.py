"""A hundred kinds of fifty objects each are applied, changed and pruned like one kind of one object."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import killed_syncs, managed_objects, manifests
from e2e.soak.effort import Effort

EACH = 50
PRUNED = 5
"""Of each kind: fewer than what would wait for a confirmation."""

DEADLINE = 600.0


@pytest.fixture
def groups(cluster: Cluster, namespace: str, effort: Effort) -> Iterator[list[str]]:
    """API groups of a kind each, whose CRDs go away at the end."""
    names = [f"kind-{number}.{namespace}.example" for number in range(effort.size)]
    yield names
    cluster.kubectl(
        "delete", "crd", "--ignore-not-found", *(f"widgets.{name}" for name in names), deadline=DEADLINE
    )


def test_every_object_of_many_kinds_is_applied_changed_and_pruned_once(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    groups: list[str],
    effort: Effort,
) -> None:
    mark = audit.mark()
    kinds = {f"kinds/{group}.yaml": manifests.text(manifests.widgets(group)) for group in groups}
    first = repo.commit({**kinds, **objects(groups, EACH, "blue")})
    app = git_repository(interval="1h")
    with effort.point("the first commit", counts=len(groups)):
        app.until_applied(first, deadline=DEADLINE)
        assert found(cluster, app, groups) == colours(groups, EACH, "blue")
        sha = repo.commit(objects(groups, EACH - PRUNED, "red"))
        app.annotate(reconcile=sha)
        app.until_ready(sha, deadline=DEADLINE)
        assert found(cluster, app, groups) == colours(groups, EACH - PRUNED, "red")
        assert app.status()["objects"]["declared"] == len(groups) * (1 + EACH - PRUNED)
    deleted = [event for event in managed_objects.writes(audit, mark, app) if event.verb == "delete"]
    assert len(deleted) == len({(event.group, event.name) for event in deleted}) == len(groups) * PRUNED
    killed_syncs.check_history(cluster.kubectl, app)


def objects(groups: list[str], each: int, colour: str) -> dict[str, str]:
    """Return one file of so many objects for each group."""
    return {
        f"objects/{group}.yaml": manifests.text(*(widget(group, number, colour) for number in range(each)))
        for group in groups
    }


def widget(group: str, number: int, colour: str) -> Object:
    return {**manifests.widget(group, name=f"widget-{number:02}"), "spec": {"colour": colour}}


def colours(groups: list[str], each: int, colour: str) -> dict[str, dict[str, str]]:
    return {group: {f"widget-{number:02}": colour for number in range(each)} for group in groups}


def found(cluster: Cluster, app: Repository, groups: list[str]) -> dict[str, dict[str, str]]:
    """Return the colours of the objects of each group that carry the label of a repository."""
    label = f"towline.dev/repository={app.namespace}.{app.name}"

    def of(group: str) -> dict[str, str]:
        bodies = cluster.list(f"{group}/v1", "Widget", app.namespace, labels=label)
        return {body["metadata"]["name"]: body["spec"]["colour"] for body in bodies}

    return {group: of(group) for group in groups}
