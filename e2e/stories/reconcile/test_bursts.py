"""Many commits in a short time: the last one is what counts, and none of them is forgotten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import head_lookups, managed_objects, manifests

COMMITS = 100
NAMES = tuple(f"settings-{number:02}" for number in range(12))
COMMIT = "towline.dev/commit"


def test_a_hundred_commits_in_a_burst_end_at_the_head_and_each_stands_in_one_record(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    app = git_repository()
    app.until_ready(repo.commit(_files(0)))
    mark = audit.mark()
    gate = proxy.hold(0, acted=True, about=_write_of_a_config_map)
    shas = [repo.commit(_files(1))]
    assert gate.reached()
    shas.append(repo.commit(_files(2)))
    head_lookups.wait(git_server, repo, times=1)
    shas += [repo.commit(_files(number)) for number in range(3, 60)]
    proxy.mend()
    shas += [repo.commit(_files(number)) for number in range(60, COMMITS + 1)]
    app.until_ready(shas[-1])

    found = managed_objects.config_maps(cluster, app)
    assert {name: _commit(body, shas) for name, body in found.items()} == dict.fromkeys(NAMES, shas[-1])
    writes = [event for event in managed_objects.writes(audit, mark, app) if event.resource == "configmaps"]
    by_record: dict[str, set[str]] = defaultdict(set)
    for event in writes:
        by_record[event.user_agent].add(_commit(event.body, shas))
    assert [commits for commits in by_record.values() if len(commits) > 1] == []
    first, *records = app.records()
    told = [[one["sha"] for one in reversed(record["spec"]["commits"])] for record in records]
    assert [sha for commits in told for sha in commits] == shas
    assert [record["spec"]["commitsTotal"] for record in records] == [len(commits) for commits in told]
    assert records[0]["status"]["outcome"] == "Superseded"
    assert {record["status"]["outcome"] for record in records[:-1]} <= {"Superseded", "Succeeded"}
    assert records[-1]["status"]["outcome"] == first["status"]["outcome"] == "Succeeded"


def _files(number: int) -> dict[str, str]:
    """Declare objects in three waves; every commit changes all of them."""
    files = {}
    for index, name in enumerate(NAMES):
        body = manifests.config_map(name, number=str(number))
        body["metadata"]["annotations"] = {"towline.dev/wave": str(index % 3)}
        files[f"{name}.yaml"] = manifests.text(body)
    return files


def _commit(body: Object, shas: list[str]) -> str:
    """Return the commit that an object names, after checking that its content is that commit's."""
    sha: str = body["metadata"]["annotations"][COMMIT]
    assert shas.index(sha) + 1 == int(body["data"]["number"])
    return sha


def _write_of_a_config_map(request: Request) -> bool:
    return request.writes and request.of("configmaps")
