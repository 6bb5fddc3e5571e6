"""Each field of a GitRepository leads to an error and back, and nothing remembers that it was there."""

from __future__ import annotations

import pytest
from kubernetes.dynamic.exceptions import DynamicApiError

from e2e.harness import repositories
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import killed_syncs, managed_objects, manifests
from e2e.scenes.mixed_commits import Steps
from e2e.soak.effort import Effort
from e2e.soak.walks import REFUSED, WALKS, Walk

NAMES = ("first", "second", "third")


def test_each_field_walks_to_an_error_and_back_to_what_an_untouched_twin_is(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    namespace: str,
    calm_namespace: str,
    effort: Effort,
) -> None:
    sha = repo.commit(declared())
    spec = {"url": repo.url, "path": "deploy", "ref": {"branch": "main"}}
    walked, twin = (repositories.create(cluster, each, "app", **spec) for each in (namespace, calm_namespace))
    for each in (walked, twin):
        each.until_ready(sha)
    before, mark = walked.read()["spec"], audit.mark()
    for walk in effort.chance().sample(WALKS, min(effort.size, len(WALKS))):
        with effort.point(walk):
            there(walked, walk)
            back(walked, walk, before)
            walked.until_ready(sha, deadline=60)
            assert walked.read()["spec"] == before
            until_alike(*(Steps(cluster=cluster, repo=repo, repository=each) for each in (walked, twin)))
    writes = managed_objects.writes(audit, mark, walked)
    assert [str(event) for event in writes if event.verb == "delete"] == []
    killed_syncs.check_history(cluster.kubectl, walked)


def declared() -> dict[str, str]:
    """Return the files of an application of ConfigMaps and a Service that has the same spec in every namespace."""
    service = manifests.service("web")
    service["spec"]["clusterIP"] = "None"
    files = {**manifests.config_maps(NAMES, colour="blue"), "web.yaml": manifests.text(service)}
    return {f"deploy/{name}": text for name, text in files.items()}


def there(walked: Repository, walk: Walk) -> None:
    """Set the field, and wait for what comes of it."""
    if walk.ends == REFUSED:
        with pytest.raises(DynamicApiError) as refused:
            walked.change(**{walk.field: walk.value})
        assert refused.value.status == 422
        return
    walked.change(**{walk.field: walk.value})
    walked.until_reason(walk.ends, kind=walk.kind, deadline=60)


def back(walked: Repository, walk: Walk, before: dict[str, object]) -> None:
    """Give the field its value back; what was added to an object goes first."""
    if isinstance(walk.value, dict):
        walked.change(**{walk.field: None})
    walked.change(**{walk.field: before.get(walk.field)})


def until_alike(walked: Steps, twin: Steps) -> None:
    eventually(
        lambda: walked.state() == twin.state(),
        deadline=60,
        poll=0.5,
        message=lambda: killed_syncs.difference(twin.state(), walked.state()),
    )
