"""What is not signed by a trusted key is not applied; the Secret with the keys decides, and the records tell."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pytest

from e2e.harness import signing
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.repositories import Repository
from e2e.harness.signing import Keys, Signer
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

pytestmark = pytest.mark.usefixtures("operator")

DRAFT = "draft"


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    with signing.keys() as made:
        yield made


def pushed(repo: Repo, signer: Signer | None, message: str, *, value: str, lasting: bool = True) -> str:
    """Push a commit to `main` that declares one ConfigMap, or two, with a signature or without one."""
    names = ("one", "two") if lasting else ("one",)
    repo.rewrite(manifests.config_maps(names, value=value), branch=DRAFT)
    known = repo.git("for-each-ref", "--format=%(objectname)", "refs/heads/main")
    parents = ("-p", known) if known else ()
    sha = signing.commit(
        repo.path, signer, *parents, "-m", message, tree=repo.git("rev-parse", f"{DRAFT}^{{tree}}")
    )
    repo.branch("main", at=sha)
    return sha


def secret_of(*signers: Signer) -> dict[str, str]:
    return {f"key-{number}": base64.b64encode(each.public).decode() for number, each in enumerate(signers)}


def values(cluster: Cluster, namespace: str) -> dict[str, str]:
    found = cluster.list("v1", "ConfigMap", namespace, labels="towline.dev/repository")
    return {each["metadata"]["name"]: each["data"]["value"] for each in found}


def test_only_what_a_trusted_key_has_signed_is_applied(
    keys: Keys, cluster: Cluster, namespace: str, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    ada, sue = keys.gpg("ada"), keys.ssh("sue")
    metadata = {"name": "signers", "namespace": namespace}
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": secret_of(ada)})
    first = pushed(repo, ada, "Begin", value="1")
    app = git_repository(interval="1h", verify={"mode": "EveryCommit", "secretRef": {"name": "signers"}})
    app.until_ready(first)

    unsigned = pushed(repo, None, "Sneak in", value="2", lasting=False)
    app.annotate(reconcile="1")
    app.until_reason("VerificationFailed")
    message = app.condition()["message"]
    assert f'{unsigned[:7]} "Sneak in" by Alice Author not applied: the commit is not signed' in message
    assert f"still at {first[:7]}. To fix: sign it with a key in Secret {namespace}/signers" in message

    cluster.patch("v1", "ConfigMap", "one", namespace, {"data": {"value": "by hand"}})
    repaired = {"one": "1", "two": "1"}
    eventually(lambda: values(cluster, namespace) == repaired, message="what was applied is repaired")

    repo.branch("main", at=first)
    third = pushed(repo, sue, "By another", value="3")
    app.annotate(reconcile="2")
    app.until(lambda status: status.get("commit", {}).get("attempted") == third, "the third commit tried")
    assert f"the SSH key {sue.key}, which is not in Secret {namespace}/signers" in app.condition()["message"]
    assert values(cluster, namespace) == repaired

    cluster.patch("v1", "Secret", "signers", namespace, {"data": secret_of(ada, sue)})
    app.until_ready(third)
    assert values(cluster, namespace) == {"one": "3", "two": "3"}

    told = {}
    for each in app.until_closed():
        if each["spec"]["trigger"] == "Drift":
            continue
        (signature,) = each["spec"]["verification"]["signatures"]
        verdict = each["spec"]["verification"]["verdict"]
        outcome = each["status"]["outcome"]
        told[outcome, signature["sha"]] = (verdict, signature["trust"], signature.get("signer"))
    assert told == {
        ("Succeeded", first): ("Trusted", "Trusted", "Ada <ada@example.com>"),
        ("Failed", unsigned): ("Refused", "Unsigned", None),
        ("Failed", third): ("Refused", "UnknownKey", None),
        ("Succeeded", third): ("Trusted", "Trusted", "sue@example.com"),
    }
