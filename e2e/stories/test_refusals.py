"""Objects that the cluster refuses, beside good ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from e2e.harness.audit import AuditEvent, AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.stories import manifests, obstacles

GitRepositories = Callable[..., Repository]

GOOD = {
    "good/settings.yaml": manifests.text(manifests.config_map("settings", colour="blue")),
    "good/web.yaml": manifests.text(manifests.deployment("web")),
}

UNKNOWN_FIELDS = """\
# each comment names what is wrong with its line
apiVersion: apps/v1
kind: Deployment
metadata:
  name: unknown
  lables: {app: unknown}  # UnknownField
spec:
  replcas: 2  # UnknownField
  selector:
    matchLabels: {app: unknown}
  template:
    metadata:
      labels: {app: unknown}
    spec:
      containers:
        - name: first
          image: registry.example/unknown:1
        - name: second
          image: registry.example/unknown:1
          pullPolicy: Always  # UnknownField
"""

BAD = {
    "bad/unknown.yaml": UNKNOWN_FIELDS,
    "bad/value.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: value
spec:
  selector:
    matchLabels: {app: value}
  replicas: -1  # Invalid
  template:
    metadata:
      labels: {app: value}
    spec:
      containers: [{name: main, image: registry.example/value:1}]
""",
    "bad/name.yaml": """\
kind: ConfigMap
apiVersion: v1
metadata:
  labels: {app: name}
  name: Upper_Case  # Invalid
""",
    "bad/kind.yaml": """\
kind: Nothing  # UnknownKind
apiVersion: no.example/v1
metadata:
  name: kind
""",
    "bad/elsewhere.yaml": """\
apiVersion: v1  # NamespaceNotFound
kind: ConfigMap
metadata:
  name: elsewhere
  namespace: nowhere-to-be-found
""",
}

MIXED = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: mixed
spec:
  replcas: 2  # UnknownField
  replicas: two  # WrongType
  colour: red  # UnknownField
  selector:
    matchLabels: {app: mixed}
  template:
    metadata:
      labels: {app: mixed}
    spec:
      hostNetwrk: true  # UnknownField
      containers:
        - name: main
          image: registry.example/mixed:1
          stdin: "yes"  # WrongType
"""

HINDERED = {
    "bad/more.yaml": """\
apiVersion: v1  # QuotaExceeded
kind: Service
metadata:
  name: quota
spec:
  ports: [{port: 80}]
---
apiVersion: v1  # AdmissionDenied
kind: ConfigMap
metadata:
  name: policy
data:
  mood: bad
---
apiVersion: networking.k8s.io/v1  # Forbidden
kind: NetworkPolicy
metadata:
  name: rights
spec:
  podSelector: {}
""",
}

GENTLE = "!has(object.data) || !('mood' in object.data) || object.data.mood != 'bad'"

ALL = {"resources": ["*"], "verbs": ["*"]}
READER = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
OWN_KINDS = {"apiGroups": ["towline.dev"], "resources": ["*"], "verbs": ["*"]}
PLAIN_KINDS = {
    "apiGroups": ["", "apps"],
    "resources": ["configmaps", "secrets", "services", "events", "deployments"],
    "verbs": ["create", "patch", "delete"],
}


@pytest.fixture
def limited(
    private_operator: Callable[..., Operator], cluster: Cluster, namespace: str
) -> Iterator[Operator]:
    """An operator that may see everything, and write only some kinds."""
    with obstacles.rights(cluster, namespace, "limited", [READER, OWN_KINDS, PLAIN_KINDS]):
        operator = private_operator(user="limited")
        operator.start()
        yield operator


def test_all_refused_objects_are_reported_at_once_with_reason_file_and_line(
    limited: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    files = {**GOOD, **BAD, **HINDERED}
    sha = repo.commit(files)
    obstacles.no_services(cluster, namespace)
    with obstacles.denying(cluster, namespace, GENTLE, "'a bad mood in ' + object.metadata.name"):
        status = git_repository().until_reason("ApplyFailed")

    assert places(status) == marks(files)
    assert status["failuresTotal"] == len(marks(files))
    assert {failure["commit"] for failure in status["failures"]} == {sha}
    assert {failure["object"] for failure in status["failures"]} == {
        f"Deployment.apps/{namespace}/unknown",
        f"Deployment.apps/{namespace}/value",
        f"ConfigMap/{namespace}/Upper_Case",
        "Nothing.no.example/kind",
        "ConfigMap/nowhere-to-be-found/elsewhere",
        f"Service/{namespace}/quota",
        f"ConfigMap/{namespace}/policy",
        f"NetworkPolicy.networking.k8s.io/{namespace}/rights",
    }
    [forbidden] = said(status, "Forbidden")
    assert 'networkpolicies.networking.k8s.io "rights" is forbidden: User "limited" cannot patch' in forbidden
    [quota] = said(status, "QuotaExceeded")
    assert "exceeded quota: few, requested: services=1" in quota
    [policy] = said(status, "AdmissionDenied")
    assert "a bad mood in policy" in policy
    [nowhere] = said(status, "NamespaceNotFound")
    assert nowhere == 'namespaces "nowhere-to-be-found" not found'


def test_nothing_is_written_while_one_object_is_refused(
    operator: Operator, cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    mark = audit.mark()
    repo.commit({**GOOD, "bad/value.yaml": BAD["bad/value.yaml"]})

    app = git_repository()
    app.until_reason("ApplyFailed")
    until_tried(app, 2)

    assert written(audit, mark, app.namespace) == []
    assert cluster.find("v1", "ConfigMap", "settings", app.namespace) is None
    assert app.commit("applied") == ""
    assert "finalizers" not in app.read()["metadata"]


def test_an_object_that_is_live_stays_as_it_was_when_its_change_is_refused(
    operator: Operator, cluster: Cluster, audit: AuditLog, repo: Repo, git_repository: GitRepositories
) -> None:
    first = repo.commit({**GOOD, "old.yaml": manifests.text(manifests.config_map("old"))})
    app = git_repository()
    app.until_ready(first)
    mark = audit.mark()
    other = manifests.deployment("web")
    other["spec"]["selector"]["matchLabels"] = {"app": "other"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}

    sha = repo.commit(
        {
            "good/web.yaml": manifests.text(other),
            "good/settings.yaml": manifests.text(manifests.config_map("settings", colour="red")),
            "old.yaml": None,
        }
    )
    status = app.until_reason("ApplyFailed")

    assert said(status, "ImmutableField")
    assert (status["commit"]["attempted"], status["commit"]["applied"]) == (sha, first)
    assert written(audit, mark, app.namespace) == []
    assert cluster.get("v1", "ConfigMap", "settings", app.namespace)["data"] == {"colour": "blue"}
    assert cluster.find("v1", "ConfigMap", "old", app.namespace)


def test_a_refused_revision_leaves_one_failed_record_however_often_it_is_tried(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit({**GOOD, "bad/elsewhere.yaml": BAD["bad/elsewhere.yaml"]})

    app = git_repository()
    status = app.until_reason("ApplyFailed")
    until_tried(app, 4)

    [record] = app.records()
    assert status["lastRecord"] == record["metadata"]["name"]
    assert (record["spec"]["to"], record["spec"].get("changes", [])) == (sha, [])
    assert record["status"]["outcome"] == "Failed"
    [failure] = record["status"]["failures"]
    assert failure["reason"] == "NamespaceNotFound"
    assert failure["message"].startswith("ConfigMap/nowhere-to-be-found/elsewhere: ")
    assert len(warnings(cluster, app)) == 1


def test_the_fix_applies_everything(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({**GOOD, **BAD})
    app = git_repository()
    app.until_reason("ApplyFailed")

    bad = manifests.config_maps(["unknown", "value"])
    fix = repo.commit({"bad": None, **bad})
    status = app.until_ready(fix)

    assert status["objects"]["synced"] == status["objects"]["declared"] == 4
    assert not {"failures", "failuresTotal"} & status.keys()
    assert [record["status"]["outcome"] for record in app.records()] == ["Failed", "Succeeded"]
    assert cluster.find("apps/v1", "Deployment", "web", app.namespace)


def test_what_is_a_matter_of_time_is_applied_when_the_time_has_come(
    operator: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    obstacles.no_services(cluster, namespace)
    sha = repo.commit({"web.yaml": manifests.text(manifests.service("web"))})
    app = git_repository()
    app.until_reason("ApplyFailed")

    cluster.delete("v1", "ResourceQuota", "few", namespace)
    app.until_ready(sha)

    assert cluster.find("v1", "Service", "web", namespace)


def test_without_preflight_the_good_objects_are_applied_and_all_others_reported(
    limited: Operator,
    cluster: Cluster,
    audit: AuditLog,
    namespace: str,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    files = {**GOOD, **BAD, **HINDERED}
    mark = audit.mark()
    obstacles.no_services(cluster, namespace)
    repo.commit(files)
    with obstacles.denying(cluster, namespace, GENTLE, "'a bad mood'"):
        app = git_repository(preflight=False)
        status = app.until_reason("ApplyFailed")

    assert places(status) == marks(files)
    assert status["objects"] == {"declared": 10, "synced": 2, "failed": 8}
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"colour": "blue"}
    assert cluster.find("apps/v1", "Deployment", "web", namespace)
    assert app.commit("applied") == ""
    assert app.records()[0]["status"]["outcome"] == "Partial"
    assert {event.name for event in audit.writes(mark, "limited") if event.resource == "configmaps"} >= {
        "settings",
        "policy",
    }


def test_without_preflight_retries_that_end_the_same_way_leave_no_more_records(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({**GOOD, "bad/elsewhere.yaml": BAD["bad/elsewhere.yaml"]})
    app = git_repository(preflight=False)
    until_tried(app, 3)
    records = app.records()

    until_tried(app, 5)

    assert app.records() == records


def test_without_preflight_what_waits_for_a_refused_object_leaves_no_more_records_either(
    limited: Operator, cluster: Cluster, namespace: str, repo: Repo, git_repository: GitRepositories
) -> None:
    there = f"{namespace}-there"
    inside = {"inside.yaml": manifests.text(manifests.config_map("inside", there))}
    repo.commit({**GOOD, **inside, "there.yaml": manifests.text(manifests.namespace(there))})
    app = git_repository(preflight=False)
    until_tried(app, 3)
    records = app.records()

    until_tried(app, 5)

    assert said(app.status(), "Forbidden")
    assert app.records() == records


def test_a_kind_that_the_operator_may_not_see_is_reported_with_file_and_line_like_any_other_refusal(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: GitRepositories,
) -> None:
    files = {**GOOD, **HINDERED, "bad/value.yaml": BAD["bad/value.yaml"]}
    repo.commit({**files, "bad/more.yaml": HINDERED["bad/more.yaml"].split("---\n")[2]})
    everything_else = {"apiGroups": ["", "apps", "apiextensions.k8s.io"], **ALL}
    with obstacles.rights(cluster, namespace, "limited", [everything_else, OWN_KINDS]):
        private_operator(user="limited").start()
        app = git_repository(preflight=False)
        status = app.until_reason("ApplyFailed")

    assert places(status) == {
        ("bad/more.yaml", 1, "Forbidden"),
        *marks({"bad/value.yaml": BAD["bad/value.yaml"]}),
    }
    assert 'cannot watch resource "networkpolicies"' in said(status, "Forbidden")[0]
    assert cluster.find("apps/v1", "Deployment", "web", namespace)


def test_what_was_applied_beside_a_refused_object_is_pruned_when_it_leaves_git(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({**GOOD, "bad/elsewhere.yaml": BAD["bad/elsewhere.yaml"]})
    app = git_repository(preflight=False)
    app.until_reason("ApplyFailed")

    repo.commit({"good/web.yaml": None})
    app.until(lambda status: status["objects"]["declared"] == 2, "the next commit")
    assert cluster.find("apps/v1", "Deployment", "web", app.namespace), (
        "a prune needs a plan without refusals"
    )
    fix = repo.commit({"bad/elsewhere.yaml": None})
    app.until_ready(fix)

    assert cluster.find("apps/v1", "Deployment", "web", app.namespace) is None
    assert cluster.find("v1", "ConfigMap", "settings", app.namespace)


def test_what_was_applied_beside_a_refused_object_is_found_again_after_a_restart(
    private_operator: Callable[..., Operator], cluster: Cluster, repo: Repo, git_repository: GitRepositories
) -> None:
    operator = private_operator()
    operator.start()
    repo.commit({**GOOD, "bad/elsewhere.yaml": BAD["bad/elsewhere.yaml"]})
    app = git_repository(preflight=False)
    app.until_reason("ApplyFailed")
    operator.kill()

    fix = repo.commit({"bad/elsewhere.yaml": None, "good/web.yaml": None})
    operator.start()
    app.until_ready(fix)

    assert cluster.find("apps/v1", "Deployment", "web", app.namespace) is None


def test_every_unknown_field_of_an_object_is_named_with_its_line(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({"unknown.yaml": UNKNOWN_FIELDS})
    status = git_repository().until_reason("ApplyFailed")

    assert places(status) == marks({"unknown.yaml": UNKNOWN_FIELDS})
    words = said(status, "UnknownField")
    assert all(any(field in word for word in words) for field in ("lables", "replcas", "pullPolicy"))


def test_every_unknown_field_of_a_live_object_is_named_with_its_line(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({"unknown.yaml": re.sub(r".*  # UnknownField\n", "", UNKNOWN_FIELDS)})
    app = git_repository()
    app.until_reason("Succeeded")

    repo.commit({"unknown.yaml": UNKNOWN_FIELDS})
    status = app.until_reason("ApplyFailed")

    assert places(status) == marks({"unknown.yaml": UNKNOWN_FIELDS})


def test_unknown_fields_and_wrong_types_of_one_object_are_reported_together_and_once(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({"mixed.yaml": MIXED})
    app = git_repository()
    app.until_reason("ApplyFailed")
    until_tried(app, 4)

    assert places(app.status()) == marks({"mixed.yaml": MIXED})
    assert app.status()["objects"]["failed"] == 1
    [record] = app.records()
    assert record["status"]["counts"]["failed"] == 1
    assert len(record["status"]["failures"]) == len(marks({"mixed.yaml": MIXED}))


def test_without_preflight_every_unknown_field_is_named_too(
    operator: Operator, repo: Repo, git_repository: GitRepositories
) -> None:
    repo.commit({**GOOD, "unknown.yaml": UNKNOWN_FIELDS})
    status = git_repository(preflight=False).until_reason("ApplyFailed")

    assert places(status) == marks({"unknown.yaml": UNKNOWN_FIELDS})


def marks(files: Mapping[str, str]) -> set[tuple[str, int, str]]:
    """Return file, line and reason wherever a line ends with a comment that names a reason."""
    return {
        (file, number, found[1])
        for file, content in files.items()
        for number, line in enumerate(content.splitlines(), 1)
        if (found := re.search(r"  # ([A-Z][A-Za-z]+)$", line))
    }


def places(status: Object) -> set[tuple[str, int, str]]:
    """Return file, line and reason of each failure."""
    return {(failure["file"], failure["line"], failure["reason"]) for failure in status["failures"]}


def said(status: Object, reason: str) -> list[str]:
    """Return the messages of the failures with this reason."""
    return [failure["message"] for failure in status["failures"] if failure["reason"] == reason]


def until_tried(app: Repository, times: int) -> None:
    """Wait until the status counts so many tries in a row."""
    words = re.compile(r"Tried (\d+) time")

    def tried() -> bool:
        found = words.search(app.condition("Reconciling")["message"])
        return found is not None and int(found[1]) >= times

    eventually(tried, deadline=60, message=f"{times} tries")


def written(audit: AuditLog, mark: Mark, namespace: str) -> list[str]:
    """Return what operators wrote in a namespace, but for records, events and the repository itself."""
    return [str(event) for event in audit.since(mark) if event.namespace == namespace and _touches(event)]


def _touches(event: AuditEvent) -> bool:
    own = event.group == "towline.dev" or event.resource == "events"
    return event.user in {"towline", "limited"} and event.writes and not own


def warnings(cluster: Cluster, app: Repository) -> list[Object]:
    """Return the warnings about a repository."""
    events = cluster.list("v1", "Event", app.namespace)
    return [
        each for each in events if each["type"] == "Warning" and each["involvedObject"]["name"] == app.name
    ]
