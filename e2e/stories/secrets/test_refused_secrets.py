"""No value of a Secret is shown when the cluster refuses it."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator

import pytest

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import API, Repository
from e2e.harness.waiting import eventually
from e2e.scenes import cluster_limits, manifests

WORDS = "'says ' + object.data.password + ' or ' + object.metadata.annotations.password"
OLD_WORDS = "'was ' + oldObject.data.password"
QUIET = "!has(object.data) || !('password' in object.data)"


@pytest.fixture
def value() -> str:
    """A password that occurs nowhere else."""
    return f"hunter-{secrets.token_hex(8)}"


@pytest.fixture
def talkative(cluster: Cluster, namespace: str) -> Iterator[None]:
    """An admission policy whose words quote the password that it denies, in base64 and plain."""
    with cluster_limits.denying(cluster, namespace, QUIET, WORDS):
        yield


@pytest.mark.parametrize("preflight", [True, False])
def test_a_refused_secret_shows_its_value_nowhere(
    operator: Operator,
    cluster: Cluster,
    talkative: None,
    repo: Repo,
    git_repository: Callable[..., Repository],
    value: str,
    *,
    preflight: bool,
) -> None:
    bodies = refused(value)
    repo.commit({f"{body['metadata']['name']}.yaml": manifests.text(body) for body in bodies})
    app = git_repository(preflight=preflight)
    status = app.until_reason("ApplyFailed")

    reasons = {failure["object"].split("/")[-1]: failure["reason"] for failure in status["failures"]}
    assert reasons == {
        "talked-about": "AdmissionDenied",
        "settings": "AdmissionDenied",
        "no-base64": "Invalid",
        "as-a-label": "Invalid",
        "as-a-key": "Invalid",
    }
    assert not leaks(shown(cluster, operator, app), value)


def test_a_secret_that_is_no_yaml_shows_its_value_nowhere(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository], value: str
) -> None:
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: broken}\nstringData:\n"
    repo.commit(
        {
            "open.yaml": f'{head}  password: "{value}\n',
            "escaped.yaml": f'{head}  password: "\\{value}"\n',
            "number.yaml": f"{head}  password: [{value}]\n",
            "anchor.yaml": f"{head}  password: *{value}\n",
            "tag.yaml": f"{head}  password: !{value} x\n",
        }
    )
    app = git_repository()
    status = app.until_reason("BuildFailed")

    files = {failure["file"] for failure in status["failures"]}
    assert files == {f"{name}.yaml" for name in ("open", "escaped", "number", "anchor", "tag")}
    assert not leaks(shown(cluster, operator, app), value)


def test_a_changed_secret_that_is_refused_shows_neither_value(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository], value: str
) -> None:
    fixed = {**manifests.secret("fixed", password=value), "immutable": True}
    sha = repo.commit({"fixed.yaml": manifests.text(fixed)})
    app = git_repository(preflight=False)
    app.until_ready(sha)

    other = f"other-{secrets.token_hex(8)}"
    repo.commit({"fixed.yaml": manifests.text({**fixed, "stringData": {"password": other}})})
    status = app.until_reason("ApplyFailed")

    assert [failure["reason"] for failure in status["failures"]] == ["ImmutableField"]
    everything = shown(cluster, operator, app)
    assert not leaks(everything, value)
    assert not leaks(everything, other)


@pytest.mark.parametrize("preflight", [True, False])
def test_the_old_value_of_a_secret_that_a_policy_quotes_is_shown_nowhere(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    value: str,
    *,
    preflight: bool,
) -> None:
    sha = repo.commit({"s.yaml": manifests.text(manifests.secret("s", password=value))})
    app = git_repository(preflight=preflight)
    app.until_ready(sha)

    with cluster_limits.denying(cluster, app.namespace, f"oldObject == null || {QUIET}", OLD_WORDS):
        repo.commit({"s.yaml": manifests.text(manifests.secret("s", password=f"other {value[::-1]}"))})
        status = app.until_reason("ApplyFailed")

    assert "denied request: was ***" in status["failures"][0]["message"]
    assert not leaks(shown(cluster, operator, app), value)


def test_the_old_password_of_a_pod_that_cannot_change_is_shown_nowhere(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository], value: str
) -> None:
    sha = repo.commit({"pod.yaml": manifests.text(pod(value))})
    app = git_repository()
    app.until_applied(sha)
    repo.commit({"pod.yaml": manifests.text(pod(value[::-1]))})
    status = app.until_reason("ApplyFailed")

    assert "pod updates may not change fields" in status["failures"][0]["message"]
    everything = shown(cluster, operator, app)
    assert not leaks(everything, value)
    assert not leaks(everything, value[::-1])


def test_the_value_of_what_must_not_be_deleted_is_shown_nowhere(
    operator: Operator, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository], value: str
) -> None:
    kept, stays = manifests.config_map("kept", password=value), manifests.config_map("stays")
    sha = repo.commit({"kept.yaml": manifests.text(kept), "stays.yaml": manifests.text(stays)})
    app = git_repository()
    app.until_ready(sha)

    with cluster_limits.undeletable(cluster, app.namespace, "kept", "was ' + oldObject.data.password + '"):
        repo.commit({"kept.yaml": None})
        status = app.until_reason("PruneFailed")

    assert "denied request: was ***" in status["failures"][0]["message"]
    assert not leaks(shown(cluster, operator, app), value)


def pod(password: str) -> Object:
    """Declare a Pod that knows a password by its environment."""
    container = {"name": "main", "image": "example/web:1", "env": [{"name": "PASSWORD", "value": password}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare"}}
    return {**body, "spec": {"containers": [container]}}


def refused(value: str) -> list[Object]:
    """Declare objects that the server refuses by words that quote the value."""
    settings = manifests.config_map("settings", password=value)
    talked_about = manifests.secret("talked-about", password=value)
    for body in (settings, talked_about):
        body["metadata"]["annotations"] = {"password": value}
    as_a_label = manifests.secret("as-a-label", other=f"{value}!")
    as_a_label["metadata"]["labels"] = {"copy": f"{value}!"}
    no_base64 = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "no-base64"}}
    return [
        talked_about,
        settings,
        as_a_label,
        {**no_base64, "data": {"other": f"%{value}"}},
        {**no_base64, "metadata": {"name": "as-a-key", "labels": {value: f"/{value}"}}},
    ]


def shown(cluster: Cluster, operator: Operator, app: Repository) -> str:
    """Return everything that people may read about a failure: resource, records, log, and the event after it."""
    reason = app.condition()["reason"]

    def told() -> list[Object]:
        events = cluster.list("v1", "Event", app.namespace)
        return events if reason in {each["reason"] for each in events} else []

    events = eventually(told, deadline=30, message=f"the event {reason}, which follows the status")
    records = cluster.list(API, "SyncRecord", app.namespace)
    assert records
    return json.dumps([app.read(), records, events]) + operator.log_file.read_text()


def leaks(text: str, value: str) -> bool:
    """Say whether a text holds a value, plain or encoded."""
    return value in text or encoded(value).rstrip("=") in text


def encoded(value: str) -> str:
    """Return the value as a Secret's data hold it."""
    return base64.b64encode(value.encode()).decode()
