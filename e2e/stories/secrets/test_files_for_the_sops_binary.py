"""What Towline does not decrypt itself is decrypted by the sops binary, once it is there, and shown nowhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.harness import components, onlooker
from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests, planted_values, sops_files
from e2e.scenes.planted_values import Planted, Scene
from tests.render.sops import sops_cli


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Where the operator looks for sops; nothing is there at first."""
    return tmp_path / "sops"


@pytest.fixture
def scene(private_operator: Callable[..., Operator], cluster: Cluster, program: Path) -> Iterator[Scene]:
    (port,) = components.free_ports(1)
    flags = ("--log-level", "debug", "--listen", f"127.0.0.1:{port}", "--sops", str(program))
    operator = private_operator(*flags)
    operator.start()
    with onlooker.looking(lambda: operator.program.pid) as seen:
        yield Scene(cluster=cluster, operator=operator, onlooker=seen, port=port)


def login(planted: Planted) -> bytes:
    """Return an encrypted Secret that takes the binary."""
    text = manifests.text(manifests.secret("login", password=planted.core))
    rule = {
        "age": sops_files.recipient(),
        "encrypted_regex": "^(data|stringData)$",
        "mac_only_encrypted": True,
    }
    return sops_cli.encrypted_by_a_rule(text, rule)


def test_a_file_waits_for_the_binary_and_its_values_leave_no_trace(
    scene: Scene,
    program: Path,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
) -> None:
    values = [planted_values.plant() for _ in range(2)]
    cluster.create(manifests.secret("age", namespace, **{"a.agekey": sops_files.PRIVATE}))
    repo.commit({"login.yaml": login(values[0])})
    app = git_repository(decryption={"provider": "sops", "secretRef": {"name": "age"}})
    (failure,) = app.until_reason("BuildFailed")["failures"]
    assert failure["file"] == "login.yaml"
    assert "sops.mac_only_encrypted, which takes the sops binary" in failure["message"]

    program.symlink_to(sops_cli.binary())
    app.until_ready(repo.commit({"login.yaml": login(values[1])}))
    held = cluster.get("v1", "Secret", "login", namespace)["data"]["password"]
    assert base64.b64decode(held).decode() == values[1].core
    assert planted_values.traces(scene.shown(namespace), values) == []
