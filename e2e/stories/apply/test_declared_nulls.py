"""A null in Git is what `kubectl apply --server-side` makes of it, and stays so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import head_lookups, managed_objects, manifests, nullables

GitRepositories = Callable[..., Repository]


@pytest.fixture
def group(cluster: Cluster, namespace: str) -> Iterator[str]:
    group = f"{namespace}.example.com"
    with nullables.installed(cluster, group):
        yield group


def test_every_null_is_what_kubectl_makes_of_it_and_nothing_is_written_again(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    git_server: GitServer,
    repo: Repo,
    git_repository: GitRepositories,
    group: str,
) -> None:
    cases = nullables.cases(group)
    sha = repo.commit({f"{name}.yaml": manifests.text(body) for name, body in cases.items()})
    repository = git_repository()
    repository.until_ready(sha)
    mark = audit.mark()
    made = {name: _content(cluster, repository.namespace, body) for name, body in cases.items()}
    expected = {name: _by_kubectl(cluster, repository.namespace, body) for name, body in cases.items()}
    assert made == expected

    head_lookups.wait(git_server, repo, times=2)
    assert [each for each in managed_objects.writes(audit, mark, repository) if each.code != 404] == []
    assert repository.condition("Drifted")["status"] == "False"


@pytest.mark.parametrize(
    ("declared", "theirs"),
    [
        ({"text": None}, {"text": "theirs"}),
        ({"struct": None}, {"struct": {"value": 9}}),
        ({"number": None}, {"number": 5}),
        ({"parts": [{"name": "first", "value": None}]}, {"parts": [{"name": "first", "value": "theirs"}]}),
        ({"map": {"gone": None}}, {"map": {"gone": "theirs"}}),
        ({"open": {"gone": None}}, {"open": {"gone": "theirs"}}),
        ({"open": {"gone": None, "here": 1}}, {"open": {"gone": {"deep": 1}}}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_somebody_puts_in_the_place_of_a_null_is_set_back(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: GitRepositories,
    group: str,
    declared: Object,
    theirs: Object,
) -> None:
    repository = git_repository()
    body = nullables.nullable(group, "first", **declared)
    repository.until_ready(repo.commit({"first.yaml": manifests.text(body)}))
    written = _content(cluster, repository.namespace, body)
    cluster.patch(body["apiVersion"], body["kind"], "first", repository.namespace, {"spec": theirs})
    repository.until(
        lambda _: _content(cluster, repository.namespace, body) == written, "the null", deadline=35
    )


def test_where_drift_is_reported_a_null_that_somebody_filled_is(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, group: str
) -> None:
    repository = git_repository(drift="Report")
    body = nullables.nullable(group, "first", text=None, filled=None, number=1)
    repository.until_ready(repo.commit({"first.yaml": manifests.text(body)}))
    cluster.patch(
        body["apiVersion"], body["kind"], "first", repository.namespace, {"spec": {"text": "theirs"}}
    )
    status = repository.until_reason("Drifted", kind="Drifted")
    (found,) = status["drift"]
    assert (found["field"], found["have"], found["line"]) == ("/spec/text", "theirs", 6)


def test_where_drift_is_reported_a_null_that_somebody_filled_inside_is(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories, group: str
) -> None:
    repository = git_repository(drift="Report")
    body = nullables.nullable(group, "first", struct=None, filled=None)
    repository.until_ready(repo.commit({"first.yaml": manifests.text(body)}))
    theirs = {"spec": {"struct": {"value": 9}}}
    cluster.patch(body["apiVersion"], body["kind"], "first", repository.namespace, theirs)
    status = repository.until_reason("Drifted", kind="Drifted", deadline=35)
    (found,) = status["drift"]
    assert (found["field"], found["have"], found["line"]) == ("/spec/struct", {"value": 9}, 6)


def test_a_command_that_git_calls_null_is_taken_off_again(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repository = git_repository()
    body = manifests.deployment("web")
    body["spec"]["template"]["spec"]["containers"][0]["command"] = None
    repository.until_ready(repo.commit({"web.yaml": manifests.text(body)}))
    container = [{"name": "main", "image": "registry.example/web:1", "command": ["sleep"]}]
    theirs = {"spec": {"template": {"spec": {"containers": container}}}}
    cluster.patch("apps/v1", "Deployment", "web", repository.namespace, theirs)
    repository.until(lambda _: "command" not in _container(cluster, repository), "no command", deadline=10)


def test_a_null_that_the_schema_does_not_allow_is_refused_with_its_line(
    operator: Operator, repo: Repo, git_repository: GitRepositories, group: str
) -> None:
    repository = git_repository()
    repo.commit({"first.yaml": manifests.text(nullables.nullable(group, "first", number=1, plain=None))})
    status = repository.until(
        lambda status: [each["reason"] for each in status.get("failures", [])] == ["WrongType"], "a refusal"
    )
    (failure,) = status["failures"]
    assert (failure["file"], failure["line"]) == ("first.yaml", 7)


def _by_kubectl(cluster: Cluster, namespace: str, body: Object) -> Object:
    """Let kubectl apply the same under another name."""
    twin = {**body, "metadata": {**body["metadata"], "name": f"{body['metadata']['name']}-twin"}}
    cluster.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=json.dumps(twin))
    return _content(cluster, namespace, twin)


def _content(cluster: Cluster, namespace: str, body: Object) -> Object:
    """Return what people may say of an object, without what names it and what was drawn by lot."""
    kind = f"{body['kind'].lower()}s.{body['apiVersion'].rpartition('/')[0]}".rstrip(".")
    name = body["metadata"]["name"]
    found: Object = json.loads(cluster.kubectl("get", kind, name, "-n", namespace, "-o", "json"))
    labels = {key: found["metadata"].get("labels", {}).get(key) for key in body["metadata"].get("labels", {})}
    for drawn in ("clusterIP", "clusterIPs"):
        found.get("spec", {}).pop(drawn, None)
    kept = {key: value for key, value in found.items() if key not in {"metadata", "status"}}
    return {**kept, "labels": labels, "finalizers": found["metadata"].get("finalizers")}


def _container(cluster: Cluster, repository: Repository) -> Object:
    found = cluster.get("apps/v1", "Deployment", "web", repository.namespace)
    container: Object = found["spec"]["template"]["spec"]["containers"][0]
    return container
