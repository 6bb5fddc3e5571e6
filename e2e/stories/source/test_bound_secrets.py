"""Who may write a GitRepository, but not read Secrets, gets no stored password sent to a server of their own."""

from __future__ import annotations

import base64
import secrets
import ssl
from collections.abc import Callable, Iterator

import pytest
import trustme

from e2e.harness import gitserver
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

AUTHORITY = trustme.CA()
PASSWORD = f"open-sesame-{secrets.token_hex(8)}"
PAIR = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
HOSTS = "towline.dev/hosts"


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GitServer, GitServer]]:
    """The server that the password is for, and one of somebody else, with certificates of one authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    with (
        gitserver.serving(tmp_path_factory.mktemp("right"), context) as right,
        gitserver.serving(tmp_path_factory.mktemp("other"), context) as other,
    ):
        yield right, other


@pytest.fixture
def right(servers: tuple[GitServer, GitServer], namespace: str) -> Repo:
    """The repository that the password opens."""
    return servers[0].create(namespace, authorization=f"Basic {PAIR}")


@pytest.fixture
def other(servers: tuple[GitServer, GitServer], namespace: str) -> Repo:
    """A repository on the other server that takes any password."""
    return servers[1].create(namespace)


def keep(cluster: Cluster, namespace: str, *hosts: str) -> None:
    """Store the password, bound to hosts if any are given."""
    authority = AUTHORITY.cert_pem.bytes().decode()
    body = manifests.secret("git", namespace, username="ada", password=PASSWORD, **{"ca.crt": authority})
    if hosts:
        body["metadata"]["annotations"] = {HOSTS: ", ".join(hosts)}
    cluster.create(body)


def bind(cluster: Cluster, namespace: str, *hosts: str) -> None:
    """Bind the Secret to these hosts instead."""
    cluster.patch("v1", "Secret", "git", namespace, {"metadata": {"annotations": {HOSTS: " ".join(hosts)}}})


def host(repo: Repo) -> str:
    return repo.url.split("/")[2]


def until_refused(app: Repository, told: str) -> str:
    app.until(
        lambda status: any(
            one["reason"] == "AuthConfigInvalid" and told in one["message"]
            for one in status.get("conditions", ())
        ),
        f"AuthConfigInvalid: {told}",
    )
    return str(app.condition()["message"])


def test_a_url_that_is_pointed_elsewhere_does_not_take_the_password_along(
    operator: Operator,
    cluster: Cluster,
    servers: tuple[GitServer, GitServer],
    right: Repo,
    other: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    first = right.commit(manifests.config_maps(["first"]))
    second = other.commit(manifests.config_maps(["second"]))
    app = git_repository(url=right.url, secretRef={"name": "git"}, interval="1h")
    keep(cluster, app.namespace, "git.example.com", host(right))
    app.until_ready(first)
    app.change(url=other.url)
    message = until_refused(app, f"is not bound to {host(other)}")
    assert f"Secret {app.namespace}/git" in message
    assert HOSTS in message
    assert "git.example.com" not in message
    assert servers[1].requests(other.path.stem) == ()
    assert app.commit("applied") == first
    bind(cluster, app.namespace, host(right), host(other))
    app.until_ready(second)


def test_a_secret_that_is_bound_to_nothing_is_not_used_where_bound_ones_are_required(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    servers: tuple[GitServer, GitServer],
    right: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    sha = right.commit(manifests.config_maps(["first"]))
    private_operator("--require-bound-credentials").start()
    app = git_repository(url=right.url, secretRef={"name": "git"}, interval="1h")
    keep(cluster, app.namespace)
    message = until_refused(app, "is not bound to a host")
    assert f"annotate the Secret with {HOSTS}: {host(right)}" in message
    assert servers[0].requests(right.path.stem) == ()
    bind(cluster, app.namespace, host(right))
    app.until_ready(sha)
