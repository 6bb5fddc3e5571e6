"""An object that is nested too deeply to be read costs nothing but itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests
from e2e.scenes.drift import custom_kinds

LEVELS = 3000


@pytest.mark.parametrize("owner", ["nobody.here", None], ids=["another label", "the label of the repository"])
def test_a_deep_object_leaves_the_drift_of_its_kind_seen_and_is_named(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    namespace: str,
    tmp_path: Path,
    owner: str | None,
) -> None:
    group = f"{namespace}.example.com"
    kind = custom_kinds.loose(group)
    operator = private_operator()
    operator.start()
    mark = operator.mark()
    with custom_kinds.defined(cluster, custom_kinds.definition(kind)):
        sha = repo.commit({"fine.yaml": manifests.text(kind.declare("fine"))})
        app = git_repository(interval="1h")
        app.until_ready(sha)
        label = owner or f"{app.namespace}.{app.name}"
        metadata = {"name": "deep", "labels": {"towline.dev/repository": label}}
        body = tmp_path / "deep.json"
        body.write_text(_deep(f"{group}/v1", metadata))
        path = f"/apis/{group}/v1/namespaces/{namespace}/{kind.plural}"
        cluster.kubectl("create", "--raw", path, "-f", str(body))

        for _ in range(2):
            line = operator.wait_for_log("object is nested too deeply", mark=mark)
            assert line["object"] == f"Loose.{group}/{namespace}/deep"
            cluster.delete(f"{group}/v1", "Loose", "fine", namespace)
            eventually(
                lambda: cluster.find(f"{group}/v1", "Loose", "fine", namespace),
                deadline=20,
                message="the repair",
            )
            app.until(lambda status: not status.get("drift"), "the end of the drift")
            assert app.condition()["status"] == "True"
            mark = operator.mark()
            operator.restart()  # the list of a start tells of it, too
        operator.stop()


def _deep(api_version: str, metadata: Mapping[str, object]) -> str:
    head = json.dumps({"apiVersion": api_version, "kind": "Loose", "metadata": metadata})[:-1]
    return f'{head}, "spec": {{"a": ' + '{"a": ' * LEVELS + "1" + "}" * LEVELS + "}}"
