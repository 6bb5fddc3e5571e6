"""An API server that refuses for now, loses answers, forgets, or dies delays a sync, and does nothing else to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from towline.records import chain

from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request, Seen
from e2e.harness import identity
from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import cluster_limits, managed_objects, manifests

NAMES = tuple(f"settings-{number:02}" for number in range(20))
LATER = NAMES[:15]
"""What the second commit keeps."""

STARTS = 3


def test_a_third_of_all_requests_may_be_refused_for_now(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    mark = audit.mark()
    proxy.answer(429, share=0.15, retry_after=1)
    proxy.answer(503, share=0.18, about=lambda request: not request.watches)
    sha = repo.commit(manifests.config_maps(NAMES, colour="blue"))
    app = git_repository()
    app.until_ready(sha, deadline=120)
    app.until_ready(repo.commit(_second()), deadline=120)
    refused = Counter(seen.status for seen in proxy.seen)
    proxy.mend()

    assert min(refused[429], refused[503]) >= 5
    assert _colours(cluster, app) == dict.fromkeys(LATER, "red")
    assert _made_and_deleted(audit, mark, app) == (dict.fromkeys(NAMES, 1), dict.fromkeys(NAMES[15:], 1))
    assert _impatient(proxy.seen) == []
    assert {record["status"]["outcome"] for record in app.records()} == {"Succeeded"}
    assert chain.verify(app.records()) == ()
    behind.program.check()


def test_a_commit_gets_through_errors_that_meet_another_object_at_each_try(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    app = git_repository()
    many = [f"many-{number:02}" for number in range(90)]
    app.until_ready(repo.commit(manifests.config_maps(many, colour="blue")))
    proxy.answer(500, share=0.1, about=lambda request: request.of("configmaps") and not request.watches)
    proxy.answer(429, share=0.1, about=lambda request: not request.watches)
    proxy.drop_answers(share=0.1, about=lambda request: request.of("configmaps") and not request.watches)
    sha = repo.commit(
        {**manifests.config_maps(many[:50], colour="red"), **{f"{name}.yaml": None for name in many[85:]}}
    )
    app.until_ready(sha, deadline=60)
    met = Counter(seen.status for seen in proxy.seen)
    proxy.mend()

    assert min(met[500], met[429], met[0]) >= 5
    colours = dict.fromkeys(many[:50], "red") | dict.fromkeys(many[50:85], "blue")
    assert _colours(cluster, app) == colours
    outcomes = Counter(record["status"]["outcome"] for record in app.records())
    assert outcomes["Failed"] <= 1
    behind.program.check()


def test_answers_that_are_lost_after_the_server_has_acted_make_nothing_twice(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    mark = audit.mark()
    proxy.drop_answers(share=0.3, about=lambda request: request.writes)
    sha = repo.commit(manifests.config_maps(NAMES, colour="blue"))
    app = git_repository()
    app.until_ready(sha, deadline=120)
    app.until_ready(repo.commit(_second()), deadline=120)
    lost = sum(seen.status == 0 and seen.request.writes for seen in proxy.seen)
    proxy.mend()

    assert lost >= 5
    assert _colours(cluster, app) == dict.fromkeys(LATER, "red")
    assert _made_and_deleted(audit, mark, app) == (dict.fromkeys(NAMES, 1), dict.fromkeys(NAMES[15:], 1))
    records = app.records()
    assert [record["spec"]["sequence"] for record in records] == list(range(1, len(records) + 1))
    assert [record["metadata"]["name"] for record in records if "status" not in record] == []
    assert chain.verify(records) == ()


@pytest.mark.parametrize("code", [410, 500])
def test_watches_that_end_with_an_error_are_taken_up_again(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    *,
    code: int,
) -> None:
    sha = repo.commit(manifests.config_maps(NAMES[:5]))
    app = git_repository(interval="1h")
    app.until_ready(sha)
    pid = behind.program.pid
    assert proxy.end_watches(code) >= 2
    cluster.delete("v1", "ConfigMap", NAMES[0], app.namespace)
    eventually(
        lambda: NAMES[0] in managed_objects.config_maps(cluster, app), deadline=20, message="the repair"
    )
    sha = repo.commit(manifests.config_maps(NAMES[:5], colour="red"))
    app.annotate(reconcile="now")
    app.until_ready(sha, deadline=20)
    assert (behind.program.pid, behind.program.running()) == (pid, True)


def test_an_api_server_that_dies_again_and_again_is_served_on_by_the_same_process(
    private_operator: Callable[..., Operator],
    plane: ControlPlane,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(NAMES, colour="blue"))
    app = git_repository()
    app.until_ready(sha)
    for colour in ("red", "green"):
        plane.kill_api_server()
        sha = repo.commit(manifests.config_maps(NAMES, colour=colour))
        plane.start_api_server()
        app.until_ready(sha, deadline=30)
        cluster.delete("v1", "ConfigMap", NAMES[0], app.namespace)
        eventually(
            lambda: NAMES[0] in managed_objects.config_maps(cluster, app),
            deadline=30,
            message="the repair of what was deleted",
        )
        assert _colours(cluster, app) == dict.fromkeys(NAMES, colour)
    assert operator.program.running()
    assert chain.verify(app.until_closed()) == ()


def test_a_deletion_that_is_refused_stays_ours_and_is_done_when_it_is_allowed(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    sha = repo.commit(manifests.config_maps(["stays", "pinned"]))
    app = git_repository()
    app.until_ready(sha)
    with cluster_limits.undeletable(cluster, app.namespace, "pinned", "not on my watch"):
        sha = repo.commit({"pinned.yaml": None})
        status = app.until_reason("PruneFailed")
        assert "not on my watch" in status["failures"][0]["message"]
        assert status["commit"]["applied"] != sha
        assert set(managed_objects.config_maps(cluster, app)) == {"stays", "pinned"}
    app.until_ready(sha, deadline=35)
    assert set(managed_objects.config_maps(cluster, app)) == {"stays"}


def test_starts_with_nothing_to_do_write_nothing(
    private_operator: Callable[..., Operator],
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    operator = private_operator()
    operator.start()
    sha = repo.commit(manifests.config_maps(NAMES[:5]))
    app = git_repository()
    app.until_ready(sha)
    before, mark = app.read(), audit.mark()
    for _ in range(STARTS):
        operator.kill()
        looked = audit.mark()
        operator.start()
        _until_looked(audit, looked, app)
    assert audit.writes(mark, identity.OPERATOR) == ()
    assert app.read() == before


def _until_looked(audit: AuditLog, mark: Mark, app: Repository) -> None:
    """Wait until two passes have read the resource: the first of them is over."""

    def looked() -> bool:
        read = [event for event in audit.since(mark) if event.verb == "get" and event.name == app.name]
        return len([event for event in read if event.user == identity.OPERATOR]) >= 2

    eventually(looked, deadline=30, poll=0.2, message="two passes")


def _second() -> dict[str, str | None]:
    return {
        **manifests.config_maps(LATER, colour="red"),
        **{f"{name}.yaml": None for name in NAMES[15:]},
    }


def _colours(cluster: Cluster, app: Repository) -> dict[str, str]:
    return {name: body["data"]["colour"] for name, body in managed_objects.config_maps(cluster, app).items()}


def _made_and_deleted(audit: AuditLog, mark: Mark, app: Repository) -> tuple[dict[str, int], dict[str, int]]:
    """Return how often each ConfigMap came into being, and how often it was deleted."""
    writes = [event for event in managed_objects.writes(audit, mark, app) if event.resource == "configmaps"]
    made = Counter(event.name for event in writes if event.code == 201)
    deleted = Counter(event.name for event in writes if event.verb == "delete" and event.succeeded)
    return dict(made), dict(deleted)


def _impatient(seen: tuple[Seen, ...]) -> list[Request]:
    """Return the writes that came again before the time that a 429 had named."""
    by_target: dict[tuple[str, str, str], list[Seen]] = {}
    for one in seen:
        if one.request.of("configmaps") and not one.request.watches:
            target = (one.request.verb, one.request.path, one.request.query.get("dryRun", ""))
            by_target.setdefault(target, []).append(one)
    return [
        second.request
        for course in by_target.values()
        for first, second in pairwise(course)
        if first.status == 429 and second.moment - first.moment < 0.99
    ]
