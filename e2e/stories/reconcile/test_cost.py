"""What nothing new costs, and what a small change costs: the audit log counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import yaml

from e2e.harness import identity
from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import head_lookups, managed_objects, manifests, random_spread

KINDS = frozenset({"configmaps", "secrets", "serviceaccounts", "services", "deployments", "roles"})
OWN = frozenset({"gitrepositories", "syncrecords", "events", "leases"})
"""The operator's own affairs; everything else is a request about managed objects."""


def test_three_looks_at_an_unchanged_repository_ask_and_write_nothing(
    private_operator: Callable[..., Operator],
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    private_operator().start()
    sha = repo.commit(_application())
    git_repository().until_ready(sha)
    head_lookups.wait(git_server, repo, times=1)
    mark = audit.mark()
    head_lookups.wait(git_server, repo, times=3)
    asked = _asked(audit, mark)
    assert Counter(_about_objects(asked)) == {}
    assert [str(event) for event in asked if event.writes] == []
    assert {(event.verb, event.resource) for event in asked} <= {("get", "gitrepositories")}


def test_a_restarted_operator_lists_each_kind_once_and_writes_nothing(
    private_operator: Callable[..., Operator],
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(_application())
    repository = git_repository()
    repository.until_ready(sha)
    operator.stop()
    before = repository.read()["metadata"]["resourceVersion"]
    mark = audit.mark()
    operator.start()
    head_lookups.wait(git_server, repo, times=4)
    asked = _asked(audit, mark)
    assert Counter(_about_objects(asked)) == dict.fromkeys((("list", kind) for kind in KINDS), 1)
    assert [str(event) for event in asked if event.writes and event.resource != "leases"] == []
    assert repository.read()["metadata"]["resourceVersion"] == before


def test_one_changed_value_among_300_objects_writes_one_object_which_names_that_commit_and_file(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    names = [f"settings-{number:03}" for number in range(300)]
    first = repo.commit(manifests.config_maps(names, colour="blue"))
    repository = git_repository()
    repository.until_ready(first, deadline=60.0)
    before = managed_objects.config_maps(cluster, repository)
    assert len(before) == 300
    mark = audit.mark()
    second = repo.commit(manifests.config_maps(["settings-150"], colour="red"), message="Paint it red")
    repository.until_ready(second)
    asked = [event for event in _asked(audit, mark) if event.namespace == repository.namespace]
    assert [event.name for event in asked if event.writes and event.resource == "configmaps"] == [
        "settings-150"
    ]
    assert sum(event.resource == "configmaps" for event in asked) <= 3
    changed = managed_objects.config_maps(cluster, repository)
    assert {name for name in names if changed[name] != before[name]} == {"settings-150"}
    assert managed_objects.origin(changed["settings-150"]) == (second, "settings-150.yaml")
    assert {managed_objects.origin(changed[name]) for name in names if name != "settings-150"} == {
        (first, f"{name}.yaml") for name in names if name != "settings-150"
    }
    shown = yaml.safe_load(repo.git("show", f"{second}:settings-150.yaml"))
    assert shown["data"] == changed["settings-150"]["data"] == {"colour": "red"}
    (change,) = repository.records()[-1]["spec"]["changes"]
    assert change["fields"] == [{"path": "/data/colour", "old": "blue", "new": "red"}]


@pytest.mark.parametrize("count", [10, 200])
def test_a_first_sync_without_preflight_asks_little_beside_its_writes_however_its_objects_are_spread(
    count: int,
    private_operator: Callable[..., Operator],
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespaces: Callable[[int], list[str]],
    record_property: Callable[[str, object], None],
) -> None:
    spread = random_spread.drawn(random_spread.seed(), 1000, namespaces(count))
    record_property("seed", spread.seed)
    private_operator().start()
    sha = repo.commit(spread.files)
    mark = audit.mark()
    git_repository(preflight=False).until_ready(sha, deadline=180.0)
    asked = [event for event in _asked(audit, mark) if event.resource not in OWN and event.verb != "watch"]
    counted = Counter((event.verb, event.resource) for event in asked)
    assert sum(event.writes for event in asked) == 1000
    assert len(asked) <= 1020, f"with {random_spread.SEED}={spread.seed}: {counted}"


@pytest.fixture
def namespaces(cluster: Cluster, namespace: str) -> Iterator[Callable[[int], list[str]]]:
    """Make so many namespaces of one's own."""
    made: list[str] = []

    def make(count: int) -> list[str]:
        for number in range(count):
            made.append(f"{namespace}-{number:03}")
            cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made[-1]}})
        return made

    yield make
    for name in made:
        cluster.delete("v1", "Namespace", name)


def _application() -> dict[str, str]:
    names = [f"settings-{number}" for number in range(20)]
    others = manifests.text(
        manifests.secret(),
        manifests.service_account(),
        manifests.service(),
        manifests.deployment(account="web"),
        manifests.role(),
    )
    return {**manifests.config_maps(names), "others.yaml": others}


def _asked(audit: AuditLog, mark: Mark) -> list[AuditEvent]:
    """Return what the operator asked about resources of any kind."""
    return [event for event in audit.since(mark) if event.user == identity.OPERATOR and event.resource]


def _about_objects(asked: list[AuditEvent]) -> list[tuple[str, str]]:
    """Return verb and resource of each request about managed objects; a watch that begins with a list is one."""
    return [
        ("list" if event.query.get("sendInitialEvents") == "true" else event.verb, event.resource)
        for event in asked
        if event.resource not in OWN and event.name != "towline-keys"  # the operator's own Secret
    ]
