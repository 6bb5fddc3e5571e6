"""The GitRepository CRD on a real API server: what it refuses, what it keeps, what kubectl shows of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from kubernetes.dynamic.exceptions import BadRequestError, DynamicApiError, UnprocessibleEntityError
from towline.api import gitrepository, schema
from towline.errors import Failure, Reason, Refusal
from towline.model import Action, Change, GroupKind, ObjectRef, Person, Revision
from towline.status import compute
from towline.status.compute import ObjectCounts, PassResult

from e2e.conftest import CRDS
from e2e.harness.cluster import Cluster, KubectlError
from e2e.harness.operator import Operator

URL = "https://git.example/app.git"
SHA = "1a2b3c4" + "0" * 33
COLUMNS = ["READY", "REASON", "COMMIT", "AUTHOR", "HEALTHY", "DRIFT", "AGE", "STATUS"]
SCHEMA = schema.validator(yaml.safe_load((CRDS / "gitrepositories.yaml").read_text()))

GOOD: list[dict[str, Any]] = [
    {"url": URL},
    {"url": "http://127.0.0.1:8080/app"},
    {"url": "ssh://git@[::1]:2222/~ada/app.git"},
    {"ref": {}},
    {"ref": {"branch": "feature/ä-1"}},
    {"ref": {"semver": ">= v1.2 <2.0.0-rc.1 || ~3.1"}},
    {"ref": {"commit": "F" * 40}},
    {"ref": {"commit": "f" * 64}},
    {"ref": {"name": "refs/pull/12/head"}},
    {"path": "./a//b/"},
    {"path": "a..b/.github"},
    {"interval": "1h30m", "timeout": "1.5s"},
    {"interval": "1000000µs", "timeout": "1h"},
    {"interval": "8760h"},
    {"exclude": ["*.tmp.yaml", "/old"], "secretRef": {"name": "git.credentials"}},
    {"mode": "Observe", "drift": "Report", "adopt": "Any", "deletionPolicy": "Orphan"},
    {"deletionPolicy": "Delete", "dependsOn": [{"name": "base"}], "foreignFields": "Remove"},
]
BAD: list[dict[str, Any]] = [
    *(
        {"url": url}
        for url in (
            "",
            "file:///srv/app",
            "/srv/app",
            "ext::sh -c id",
            "git://git.example/app",
            "git@git.example:app.git",
            "HTTPS://git.example/app",
            "https:///app",
            "ssh://-oProxyCommand=id/app",
            "https://ada@git.example/app",
            "https://git.example/app?token=x",
            "https://git.example/app#x",
            "ssh://git:pw@git.example/app",
            "https://git.example/a\nb",
            "https://git.example/a%0Ab",
            "https://g\u0456t.example/app",
            "https://git.example/app\n",
            "https://git.example/" + "a" * 1024,
        )
    ),
    *(
        {"ref": {"branch": branch}}
        for branch in ("", "--foo", "a..b", "@{-1}", "x.lock", "a\x01b", "main\n", "a" * 256, "/a", "a/.b")
    ),
    {"ref": {"branch": "main", "tag": "v1"}},
    {"ref": {"commit": "f" * 39}},
    {"ref": {"commit": "f" * 40 + "\n"}},
    {"ref": {"name": "main"}},
    {"ref": {"semver": "1.x\n"}},
    *({"path": path} for path in ("", "/etc", "../x", "a/../../b", ".git", "a\\b", "a\x00b", "a/..\n")),
    *(
        {"interval": interval}
        for interval in ("0s", "-1m", "1y", "1e309", "1000000000h", "NaN", "", "60", "999ms", "8761h", "1m\n")
    ),
    {"timeout": "2h"},
    {"interval": 60},
    {"prune": "yes"},
    {"mode": "observe"},
    {"exclude": [""]},
    {"exclude": ["a"] * 101},
    {"secretRef": {}},
    {"secretRef": {"name": "Git"}},
    {"defaultNamespace": "a.b"},
    {"dependsOn": [{}]},
    {"healthTimeout": "0s"},
    {"serviceAccountName": "deployer"},
    {"substitute": {"variables": {"DOMAIN": 1}}},
    {"substitute": {"from": [{"kind": "Pod", "name": "a"}]}},
    {"decryption": {"provider": "sops"}},
    {"adopt": "Always"},
    {"deletionPolicy": "Keep"},
    {"url": "git@git.example:app.git"},
]


def try_out(cluster: Cluster, spec: dict[str, Any]) -> Any:
    kind = cluster.dynamic.resources.get(api_version="towline.dev/v1alpha1", kind="GitRepository")
    body = {
        "apiVersion": "towline.dev/v1alpha1",
        "kind": "GitRepository",
        "metadata": {"name": "tried-out"},
        "spec": {"url": URL, **spec},
    }
    return kind.create(
        body=body, namespace="default", dry_run="All", query_params=[("fieldValidation", "Strict")]
    ).to_dict()


@pytest.mark.usefixtures("plane")
@pytest.mark.parametrize("spec", GOOD, ids=repr)
def test_a_good_spec_is_accepted_here_and_there(cluster: Cluster, spec: dict[str, Any]) -> None:
    stored = try_out(cluster, spec)
    gitrepository.specify(gitrepository.identify(stored), SCHEMA)


@pytest.mark.usefixtures("plane")
@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("git@github.com:org/app.git", "ssh://git@github.com/org/app.git"),
        ("git@git.example:/srv/app", "ssh://git@git.example/srv/app"),
    ],
)
def test_the_api_server_refuses_an_scp_like_url_with_the_form_to_copy(
    cluster: Cluster, url: str, form: str
) -> None:
    with pytest.raises(UnprocessibleEntityError) as refused:
        try_out(cluster, {"url": url})
    assert f"write it as {form}" in str(refused.value.body)


@pytest.mark.usefixtures("plane")
@pytest.mark.parametrize("spec", BAD, ids=lambda spec: repr(spec)[:60])
def test_a_bad_spec_is_refused_here_and_there(cluster: Cluster, spec: dict[str, Any]) -> None:
    (field,) = spec
    with pytest.raises(UnprocessibleEntityError) as refused:
        try_out(cluster, spec)
    assert f"spec.{field}" in str(refused.value.body)
    faults = SCHEMA.faults({"url": URL, **spec})
    assert faults
    assert all(fault.field.startswith(f"spec.{field}") for fault in faults)


@pytest.mark.usefixtures("plane")
def test_defaults_are_the_same_here_and_there(cluster: Cluster) -> None:
    stored = try_out(cluster, {})
    bare = {"metadata": stored["metadata"], "spec": {"url": URL}}
    assert gitrepository.specify(gitrepository.identify(stored), SCHEMA) == gitrepository.specify(
        gitrepository.identify(bare), SCHEMA
    )


@pytest.mark.usefixtures("plane")
def test_an_unknown_field_is_refused_by_name(cluster: Cluster) -> None:
    with pytest.raises(BadRequestError, match=r"spec\.brunch"):
        try_out(cluster, {"brunch": "main"})


@pytest.mark.usefixtures("plane")
@pytest.mark.parametrize("url", ["https://ada:hunter2@git.example/app", "git://ada:hunter2@git.example/app"])
def test_a_refusal_does_not_repeat_a_password_in_the_url(cluster: Cluster, url: str) -> None:
    with pytest.raises(DynamicApiError) as refused:
        try_out(cluster, {"url": url})
    answer = str(refused.value.body)
    assert "credentials" in answer
    assert "hunter2" not in answer


def reported(generation: int) -> dict[str, Any]:
    """A status with everything in it that a pass can say."""
    ada = Person(name="Ada", email="ada@example")
    applied = Revision(
        sha=SHA,
        author=ada,
        committer=ada,
        authored_at="2026-01-01T09:00:00Z",
        committed_at="2026-01-01T10:00:00Z",
        subject="raise the limits",
        pull_request="#12",
    )
    settings = ObjectRef("", "ConfigMap", "shop", "settings")
    passed = PassResult(
        generation=generation,
        reason=Reason.PRUNE_BLOCKED,
        message="1 object waits",
        observed=SHA,
        attempted=SHA,
        applied=applied,
        objects=ObjectCounts(declared=12, synced=11, failed=1),
        failures=(Failure(reason=Refusal.INVALID, message="no", object=str(settings), line=3),),
        blocked=(Change(action=Action.PRUNE, ref=settings, reason="TooMany", message="12 of 20"),),
        token="sha256-abc",
        kinds={GroupKind("apps", "Deployment"), GroupKind("", "ConfigMap")},
        last_record="app-0a1b2c3d-00000001",
    )
    return dict(compute.compute({}, passed, datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.fixture
def resource(cluster: Cluster, namespace: str, private_operator: Callable[..., Operator]) -> dict[str, Any]:
    """A resource that no operator touches: asking for one of our own stops the one that tests share."""
    private_operator()
    return cluster.create(
        {
            "apiVersion": "towline.dev/v1alpha1",
            "kind": "GitRepository",
            "metadata": {"name": "app", "namespace": namespace},
            "spec": {"url": URL, "deletionPolicy": "Orphan"},
        }
    )


def write_status(cluster: Cluster, resource: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    kind = cluster.dynamic.resources.get(api_version="towline.dev/v1alpha1", kind="GitRepository")
    namespace = resource["metadata"]["namespace"]
    answer = kind.status.replace(body={**resource, "status": found}, namespace=namespace)
    stored: dict[str, Any] = answer.to_dict()
    return stored


def test_a_status_is_stored_as_it_was_computed(cluster: Cluster, resource: dict[str, Any]) -> None:
    found = reported(resource["metadata"]["generation"])
    assert write_status(cluster, resource, found)["status"] == found


def test_a_status_is_written_through_its_subresource_only(cluster: Cluster, resource: dict[str, Any]) -> None:
    namespace = resource["metadata"]["namespace"]
    answer = cluster.patch(
        "towline.dev/v1alpha1", "GitRepository", "app", namespace, {"status": {"lastRecord": "x"}}
    )
    assert "status" not in answer


def test_kubectl_shows_the_columns(cluster: Cluster, resource: dict[str, Any]) -> None:
    write_status(cluster, resource, reported(1))
    namespace = resource["metadata"]["namespace"]
    head, row = cluster.kubectl("get", "tgr", "-n", namespace).splitlines()
    assert head.split() == ["NAME", *COLUMNS]
    assert row.split()[:7] == ["app", "False", "PruneBlocked", "1a2b3c4", "Ada", "Unknown", "Unknown"]
    assert row.endswith("1 object waits")
    head, row = cluster.kubectl("get", "tgr", "-n", namespace, "-o", "wide").splitlines()
    assert head.split() == [
        "NAME",
        *COLUMNS,
        "OBJECTS",
        "MERGED-BY",
        "URL",
        "SUBJECT",
        "APPLIED",
        "SUSPENDED",
    ]
    assert URL in row
    assert "raise the limits" in row


def test_kubectl_finds_it_under_all_its_names(cluster: Cluster, resource: dict[str, Any]) -> None:
    namespace = resource["metadata"]["namespace"]
    for name in ("tgr", "gitrepositories.towline.dev", "gitrepository", "towline"):
        listed = cluster.kubectl("get", name, "-n", namespace, "-o", "name")
        assert "gitrepository.towline.dev/app" in listed.split()


def test_kubectl_waits_for_a_commit_and_for_a_condition(cluster: Cluster, resource: dict[str, Any]) -> None:
    namespace = resource["metadata"]["namespace"]
    applied = ("wait", "tgr/app", "-n", namespace, f"--for=jsonpath={{.status.commit.applied}}={SHA}")
    with pytest.raises(KubectlError, match="timed out"):
        cluster.kubectl(*applied, "--timeout=1s")
    write_status(cluster, resource, reported(1))
    cluster.kubectl(*applied, "--timeout=30s")
    cluster.kubectl("wait", "tgr/app", "-n", namespace, "--for=condition=Ready=false", "--timeout=30s")


def test_kubectl_explains_every_field(cluster: Cluster, resource: dict[str, Any]) -> None:
    text = cluster.kubectl("explain", "gitrepositories.towline.dev", "--recursive")
    assert "branch" in text
    assert "<no description>" not in cluster.kubectl("explain", "gitrepositories.towline.dev.spec.ref")
