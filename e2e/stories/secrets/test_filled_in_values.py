"""What SOPS has encrypted and what variables of the cluster hold is applied, and shown nowhere where it is secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests, planted_values
from e2e.scenes.planted_values import Planted, Scene

SOPS = Path(__file__).parents[3] / "tests" / "render" / "sops"
SPEC: dict[str, Any] = {
    "substitute": {
        "variables": {"PLACE": "north"},
        "from": [
            {"kind": "ConfigMap", "name": "variables"},
            {"kind": "Secret", "name": "hidden"},
            {"kind": "Secret", "name": "none", "optional": True},
        ],
    },
    "decryption": {"provider": "sops", "secretRef": {"name": "age"}},
}
ENCRYPTED = Planted("correct horse")  # in login.yaml


def test_encrypted_and_secret_values_are_applied_and_shown_nowhere(
    scene: Scene, cluster: Cluster, repo: Repo, git_repository: Callable[..., Repository], namespace: str
) -> None:
    first, second = values = [planted_values.plant() for _ in range(2)]
    cluster.create(manifests.secret("age", namespace, **{"a.agekey": (SOPS / "private.agekey").read_text()}))
    cluster.create(manifests.config_map("variables", namespace, COLOUR="green"))
    settings = manifests.config_map("settings", colour="${COLOUR} in the ${PLACE}")
    sha = repo.commit(
        {
            "login.yaml": (SOPS / "files" / "secret.yaml").read_bytes(),
            "settings.yaml": manifests.text(settings),
            "address.yaml": manifests.text(
                manifests.config_map("address", at="db://me:${HIDDEN}@db", where="${HIDDEN}")
            ),
        }
    )
    app = git_repository(**SPEC)
    message = app.until_reason("AuthConfigInvalid")["conditions"]
    assert f"spec.substitute.from[1]: Secret {namespace}/hidden does not exist: create it" in str(message)

    cluster.create(manifests.secret("hidden", namespace, HIDDEN=first.core))
    app.until_ready(sha)
    login = cluster.get("v1", "Secret", "login", namespace)
    assert login["data"]["password"] == "Y29ycmVjdCBob3JzZQ=="
    assert cluster.get("v1", "ConfigMap", "address", namespace)["data"]["at"] == f"db://me:{first.core}@db"
    assert cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"colour": "green in the north"}

    cluster.patch("v1", "ConfigMap", "variables", namespace, {"data": {"COLOUR": "blue"}})
    cluster.patch("v1", "Secret", "hidden", namespace, {"stringData": {"HIDDEN": second.core}})

    def has(name: str, key: str, value: str) -> Callable[[], bool]:
        return lambda: cluster.get("v1", "ConfigMap", name, namespace)["data"][key] == value

    eventually(has("settings", "colour", "blue in the north"), message="the new colour")
    eventually(has("address", "where", second.core), message="the new value of the Secret")
    app.until_ready(sha)
    changes = [each for record in app.until_closed() for each in record["spec"]["changes"]]
    fields = {field["path"]: field for each in changes for field in each.get("fields") or ()}
    assert fields["/data/colour"] == {
        "path": "/data/colour",
        "old": "green in the north",
        "new": "blue in the north",
    }
    assert fields["/data/at"]["old"].startswith("***")
    assert fields["/data/at"]["old"] != fields["/data/at"]["new"]
    shown = scene.shown(namespace)
    assert planted_values.traces(shown, [*values, ENCRYPTED]) == []
