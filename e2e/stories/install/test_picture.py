"""The picture of the README is what the commands print: a test plays it, and says when it is out of date."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from towline.__main__ import main

from e2e.harness.cluster import Cluster, Kubectl
from e2e.harness.gitrepo import ALICE, BOB, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.picture import cast
from e2e.picture.cast import CastScene

PICTURE = Path(__file__).parents[3] / "docs" / "demo.svg"
SAVE = "SAVE_PICTURE"
BYTES = 60_000


def settings(greeting: str, currency: str = "EUR") -> dict[str, str]:
    data = f"  greeting: {greeting}\n  currency: {currency}\n"
    return {"settings.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n{data}"}


@pytest.fixture
def seen(kubectl: Kubectl, namespace: str, tmp_path: Path) -> Callable[..., CastScene]:
    """Run a command of a user whose namespace is that of the test, and keep what is seen."""
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    environment = {**kubectl.environment(), **cache, "COLUMNS": str(cast.COLUMNS)}

    def run(caption: str, command: str) -> CastScene:
        program, _, rest = command.partition(" ")
        arguments = [*rest.split(), "-n", namespace]
        if program == "kubectl":
            output = kubectl(*arguments)
        else:
            output = CliRunner().invoke(main, arguments, env=environment).stdout
        shown = cast.folded(output.replace(namespace, "shop"))
        return CastScene(caption=caption, command=command, output=shown)

    return run


def test_the_picture_of_the_readme_is_what_is_seen(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    seen: Callable[..., CastScene],
) -> None:
    first = repo.commit(settings("Hello"), message="Add the shop", author=ALICE)
    repository = git_repository("shop", interval="1s")
    repository.until_ready(first)
    repo.branch("welcome")
    repo.commit(settings("Welcome"), message="Welcome people", author=BOB, branch="welcome")
    merged = repo.merge_pull_request(12, "welcome", title="Welcome people", merged_by=ALICE)
    repository.until_ready(merged)
    scenes = [
        seen("A pull request was merged: it is live, and you see whose it is", "kubectl get tgr"),
        seen("git blame, for a live object", "towline blame configmap/settings --field data"),
    ]
    cluster.patch("v1", "ConfigMap", "settings", namespace, {"data": {"greeting": "Hacked"}})
    eventually(lambda: cluster.get("v1", "ConfigMap", "settings", namespace)["data"]["greeting"] == "Welcome")
    repository.until_closed()
    repo.commit(settings("Welcome", "[EUR"), message="Add dollars", author=BOB)
    repository.until_reason("BuildFailed")
    scenes += [
        seen("A broken commit changes nothing: file, line and author are named", "towline why shop"),
        seen("What was applied, what failed, and what a person changed by hand", "towline log shop"),
    ]
    picture = cast.drawn(scenes)
    if os.environ.get(SAVE):
        PICTURE.write_text(picture)
    assert told(PICTURE.read_text()) == told(picture), "run `make picture`"
    assert len(PICTURE.read_bytes()) < BYTES


def told(picture: str) -> list[str]:
    """Return what a picture says, without what differs each time."""
    return [cast.steady(line) for line in cast.texts(picture)]
