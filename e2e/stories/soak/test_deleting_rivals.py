"""A writer that deletes, or deletes and creates, the same objects again and again costs those objects, and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress

from kubernetes.dynamic.exceptions import ConflictError

from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import killed_syncs, managed_objects, manifests
from e2e.scenes.drift import rival_writers
from e2e.scenes.drift.rival_writers import Rival
from e2e.soak.effort import Effort

MOST = 7
"""Writes to one object before its fight is called one: five repairs in a minute are nothing unusual."""

PAUSE = 1.0
DEADLINE = 180.0

Rivalry = Callable[[Cluster, str, str], None]


def deletes(cluster: Cluster, namespace: str, name: str) -> None:
    """Delete an object."""
    cluster.delete("v1", "ConfigMap", name, namespace)


def replaces(cluster: Cluster, namespace: str, name: str) -> None:
    """Delete an object and create another one of its name, unless the operator was quicker."""
    deletes(cluster, namespace, name)
    with suppress(ConflictError):
        cluster.create(manifests.config_map(name, namespace, colour="theirs"))


def test_rivals_that_delete_and_create_are_named_and_other_objects_are_repaired(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    effort: Effort,
) -> None:
    names = [f"fought-over-{number}" for number in range(effort.size)]
    app = git_repository()
    app.until_ready(repo.commit(manifests.config_maps([*names, "other"], colour="blue")))
    mark, chance = audit.mark(), effort.chance()
    with effort.point(names, counts=effort.size), ExitStack() as rivals:
        fighting = {
            name: rivals.enter_context(fight(cluster, app, name, chance.choice(RIVALRIES))) for name in names
        }
        app.until(lambda status: contested(status) == len(names), "a fight for each", DEADLINE)
        before = {name: rival.writes for name, rival in fighting.items()}
        cluster.patch("v1", "ConfigMap", "other", app.namespace, {"data": {"colour": "theirs"}})
        eventually(lambda: colours(cluster, app).get("other") == "blue", deadline=30, message="the other")
        eventually(
            lambda: all(rival.writes > before[name] + 3 for name, rival in fighting.items()), deadline=60
        )
        written = writes(audit, mark, app)
        assert written.pop("other") == 1
        assert set(written) == set(names)
        assert max(written.values()) <= MOST
    assert [event.name for event in managed_objects.writes(audit, mark, app) if event.verb == "delete"] == []
    sha = repo.commit(manifests.config_maps([*names, "other"], colour="red"))
    app.until_applied(sha, deadline=DEADLINE)
    assert colours(cluster, app) == dict.fromkeys([*names, "other"], "red")
    killed_syncs.check_history(cluster.kubectl, app)


RIVALRIES: tuple[Rivalry, ...] = (deletes, replaces)


def fight(cluster: Cluster, app: Repository, name: str, rivalry: Rivalry) -> AbstractContextManager[Rival]:
    return rival_writers.fighting(lambda _: rivalry(cluster, app.namespace, name), pause=PAUSE)


def contested(status: Object) -> int:
    return sum(one["reason"] == "Contested" for one in status.get("failures", ()))


def colours(cluster: Cluster, app: Repository) -> dict[str, str]:
    return {name: body["data"]["colour"] for name, body in managed_objects.config_maps(cluster, app).items()}


def writes(audit: AuditLog, mark: Mark, app: Repository) -> Counter[str]:
    """Return how often the operator wrote each ConfigMap."""
    return Counter(
        event.name for event in managed_objects.writes(audit, mark, app) if event.resource == "configmaps"
    )
