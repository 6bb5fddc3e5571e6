"""A server of one's own, with a certificate of one's own, that lets nobody in without a password."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from e2e.harness import gitserver
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

AUTHORITY = trustme.CA()
GIVEN = {"username": "ada", "password": f"open-sesame-{secrets.token_hex(8)}"}
PAIR = base64.b64encode(f"{GIVEN['username']}:{GIVEN['password']}".encode()).decode()
CERTIFICATES = {"ca.crt": AUTHORITY.cert_pem.bytes().decode()}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gitserver.GitServer]:
    """A Git server over https, whose authority no system knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    with gitserver.serving(tmp_path_factory.mktemp("secure"), context) as running:
        yield running


@pytest.fixture
def private(secure: gitserver.GitServer, namespace: str) -> Repo:
    """A repository on that server that asks for the password."""
    return secure.create(namespace, authorization=f"Basic {PAIR}")


@pytest.fixture
def give(cluster: Cluster, namespace: str) -> Callable[..., None]:
    """Put keys into the Secret `git`, which is made at first."""

    def put(entries: dict[str, str]) -> None:
        if cluster.find("v1", "Secret", "git", namespace):
            cluster.patch("v1", "Secret", "git", namespace, {"stringData": entries})
        else:
            cluster.create(manifests.secret("git", namespace, **entries))

    return put


def test_each_thing_that_a_secret_lacks_is_named_and_a_changed_secret_is_tried_at_once(
    operator: Operator,
    cluster: Cluster,
    private: Repo,
    give: Callable[..., None],
    git_repository: Callable[..., Repository],
) -> None:
    sha = private.commit(manifests.config_maps(["first"]))
    app = git_repository(url=private.url, secretRef={"name": "git"}, interval="1h")
    steps: list[tuple[str, str, dict[str, str]]] = [
        ("AuthConfigInvalid", "/git does not exist", {"username": "ada"}),
        ("AuthConfigInvalid", 'has only "username"; https needs', {**GIVEN, "password": "wrong"}),
        ("TLSVerifyFailed", "put the CA into ca.crt of a Secret", CERTIFICATES),
        ("AuthenticationFailed", "rejected the credentials in Secret ", GIVEN),
    ]
    for reason, told, mended in steps:
        message = _told(app, reason, told)
        assert told in message
        give(mended)
    app.until_ready(sha)
    shown: list[Any] = [app.read(), app.records(), *map(dict, operator.log())]
    shown += cluster.list("v1", "Event", app.namespace)
    assert [word for word in (GIVEN["password"], PAIR) if word in json.dumps(shown)] == []


def _told(app: Repository, reason: str, told: str) -> str:
    status = app.until(
        lambda status: any(
            one["reason"] == reason and told in one["message"] for one in status.get("conditions", ())
        ),
        f"{reason}: {told}",
    )
    ready: str = next(one["message"] for one in status["conditions"] if one["type"] == "Ready")
    return ready
