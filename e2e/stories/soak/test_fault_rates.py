"""Commits get through every kind of failing request, at every rate, and nothing is done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import product

import pytest

from e2e.faults.proxy import Proxy
from e2e.faults.rules import Request
from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import killed_syncs, managed_objects, manifests
from e2e.soak.effort import Effort

NAMES = tuple(f"settings-{number:02}" for number in range(12))
LATER = NAMES[:9]
RATES = (0.1, 0.25, 0.5)
DEADLINE = 240.0

Fault = Callable[[Proxy, float], None]


def about_no_watch(request: Request) -> bool:
    return not request.watches


def answered(code: int) -> Fault:
    return lambda proxy, rate: proxy.answer(code, share=rate, about=about_no_watch)


FAULTS: Mapping[str, Fault] = {
    **{f"status {code}": answered(code) for code in (429, 500, 503, 504)},
    "refused for a second": lambda proxy, rate: proxy.answer(429, share=rate, retry_after=1),
    "lost answers of writes": lambda proxy, rate: proxy.drop_answers(
        share=rate, about=lambda request: request.writes
    ),
    "lost answers": lambda proxy, rate: proxy.drop_answers(share=rate),
    "late": lambda proxy, rate: proxy.delay(0.5, share=rate, about=about_no_watch),
}


@pytest.fixture
def chosen(effort: Effort) -> list[tuple[str, float]]:
    """The kinds and rates that are tried: all, or some by chance; where half of all fails, a commit takes minutes."""
    every = list(product(FAULTS, RATES if effort.size >= len(FAULTS) else RATES[:-1]))
    return effort.chance().sample(every, min(effort.size, len(every)))


def test_commits_get_through_every_kind_of_failing_request_at_every_rate(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
    effort: Effort,
    chosen: list[tuple[str, float]],
) -> None:
    app = git_repository()
    app.until_ready(repo.commit(manifests.config_maps(NAMES, colour="first")), deadline=60)
    for number, (kind, rate) in enumerate(chosen):
        with effort.point(f"{kind} at {rate:.0%}"):
            mark = audit.mark()
            FAULTS[kind](proxy, rate)
            gone = dict.fromkeys(f"{name}.yaml" for name in NAMES[9:])
            sha = repo.commit({**manifests.config_maps(LATER, colour=f"less-{number}"), **gone})
            app.until_applied(sha, deadline=DEADLINE)
            sha = repo.commit(manifests.config_maps(NAMES, colour=f"more-{number}"))
            app.until_applied(sha, deadline=DEADLINE)
            proxy.mend()
            app.until_ready(sha, deadline=DEADLINE)
            assert colours(cluster, app) == dict.fromkeys(NAMES, f"more-{number}")
            assert made_and_deleted(audit, mark, app) == {
                (verb, name): 1 for verb in ACTS for name in NAMES[9:]
            }
            behind.program.check()
    killed_syncs.check_history(cluster.kubectl, app)


ACTS = ("made", "deleted")


def colours(cluster: Cluster, app: Repository) -> dict[str, str]:
    return {name: body["data"]["colour"] for name, body in managed_objects.config_maps(cluster, app).items()}


def made_and_deleted(audit: AuditLog, mark: Mark, app: Repository) -> dict[tuple[str, str], int]:
    """Return how often each ConfigMap came into being, and how often it was deleted."""
    writes = [event for event in managed_objects.writes(audit, mark, app) if event.resource == "configmaps"]
    made = Counter(("made", event.name) for event in writes if event.code == 201)
    return made + Counter(
        ("deleted", event.name) for event in writes if event.verb == "delete" and event.succeeded
    )
