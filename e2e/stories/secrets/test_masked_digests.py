"""A masked value tells whether two are the same, whatever becomes of the operator's data folder."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import cluster_limits, manifests

KEYS = "towline-keys"
NO_SECRETS: Mapping[str, Any] = {
    "apiGroups": [""],
    "resources": ["configmaps", "events"],
    "verbs": ["create", "patch", "delete"],
}


def settings(word: str) -> dict[str, str]:
    return manifests.config_maps(["settings"], PASSWORD=word)


def masked(app: Repository) -> tuple[str, str]:
    """Return the digests before and after the newest change."""
    (change,) = app.records()[-1]["spec"]["changes"]
    (field,) = [each for each in change["fields"] if each["path"] == "/data/PASSWORD"]
    return field["old"], field["new"]


def data(secret: Object) -> bytes:
    return base64.b64decode(secret["data"]["mask"])


def test_masked_values_stay_comparable_when_the_data_folder_is_lost(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
) -> None:
    operator = private_operator(environment={"POD_NAMESPACE": namespace})
    operator.start()
    app = git_repository()
    for word in ("first", "second"):
        app.until_ready(repo.commit(settings(word)))
    first, second = masked(app)
    made = cluster.get("v1", "Secret", KEYS, namespace)

    operator.stop()
    shutil.rmtree(operator.data_folder)
    operator.start()
    app.until_ready(repo.commit(settings("first")))
    assert masked(app) == (second, first)
    assert first != second
    assert cluster.get("v1", "Secret", KEYS, namespace) == made
    assert (operator.data_folder / "mask.key").read_bytes() == data(made)
    assert base64.b64encode(data(made)) not in operator.log_file.read_bytes()


def test_without_the_right_to_make_the_secret_the_log_says_so_once_and_all_goes_on(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
) -> None:
    rules = [cluster_limits.READER, cluster_limits.OWN_KINDS, NO_SECRETS]
    with cluster_limits.rights(cluster, namespace, "limited", rules):
        operator = private_operator(user="limited", environment={"POD_NAMESPACE": namespace})
        operator.start()
        app = git_repository()
        for word in ("first", "second"):
            app.until_ready(repo.commit(settings(word)))
        operator.restart()
        app.until_ready(repo.commit(settings("first")))
        told = [
            one for one in operator.log() if one["event"] == "the masking key is in the data folder alone"
        ]
        assert [one["secret"] for one in told] == [f"{namespace}/{KEYS}"] * 2  # one of each start
        assert "cannot create resource" in told[0]["error"]
        assert cluster.find("v1", "Secret", KEYS, namespace) is None
        assert masked(app)[0].startswith("***")


def test_no_repository_uses_the_secret_of_the_operators_keys(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
) -> None:
    operator = private_operator(environment={"POD_NAMESPACE": namespace})
    operator.start()
    repo.commit(
        {
            "keys.yaml": manifests.text(manifests.secret(KEYS, mask="mine")),
            "pod.yaml": manifests.text(manifests.config_map("reader", secretName=KEYS)),
        }
    )
    failures = git_repository().until_reason("ApplyFailed")["failures"]
    assert {(one["file"], one["reason"]) for one in failures} == {
        ("keys.yaml", "SelfManagementRefused"),
        ("pod.yaml", "SelfManagementRefused"),
    }
    asking = git_repository("asking", url="https://127.0.0.1:1/app.git", secretRef={"name": KEYS})
    asking.until_reason("InvalidSpec")
    assert KEYS in asking.condition()["message"]
    assert len(data(cluster.get("v1", "Secret", KEYS, namespace))) == 32
