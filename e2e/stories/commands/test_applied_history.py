"""Commands tell what was applied and by whom: each change of a field, and what became of each commit of the branch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result
from towline.__main__ import main

from e2e.harness.cluster import Cluster, Kubectl
from e2e.harness.gitrepo import ALICE, BOB, Repo, Who
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

CLEO = Who("Cleo Keeper", "cleo@example.com")


@pytest.fixture
def towline(kubectl: Kubectl, namespace: str) -> Callable[..., Result]:
    """The command line of a user whose namespace is that of the test."""

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "-n", namespace], env=kubectl.environment())

    return call


def declared(limit: str) -> dict[str, str]:
    return {"settings.yaml": manifests.text(manifests.config_map(limit=limit))}


def test_the_life_of_a_field_and_the_fate_of_every_commit_are_told(
    operator: Operator,
    cluster: Cluster,
    namespace: str,
    repo: Repo,
    git_repository: Callable[..., Repository],
    towline: Callable[..., Result],
) -> None:
    first = repo.commit(declared("10"), message="Set the limit")
    repository = git_repository()
    repository.until_ready(first)
    repo.branch("raise")
    bobs = repo.commit(declared("20"), message="Raise the limit", author=BOB, branch="raise")
    merged = repo.merge_pull_request(12, "raise", merged_by=CLEO)
    repository.until_ready(merged)
    reverted = repo.commit(declared("10"), message='Revert "Raise the limit"')
    repository.until_ready(reverted)
    cluster.patch("v1", "ConfigMap", "settings", namespace, {"data": {"limit": "99"}})
    eventually(lambda: cluster.get("v1", "ConfigMap", "settings", namespace)["data"] == {"limit": "10"})
    repository.until_closed()
    broken = []
    for number in range(3):
        broken.append(repo.commit({"web.yaml": f"kind: [{number}"}, message=f"Break it {number}"))
        repository.until(lambda status: status["commit"].get("attempted") == broken[-1], "the broken commit")
        repository.until_reason("BuildFailed")
    fixed = repo.commit({"web.yaml": None, **declared("30")}, message="Mend it")
    repository.until_ready(fixed)
    repo.branch("next")
    overtaken = repo.commit(declared("40"), message="Too much", branch="next")
    newest = repo.commit(declared("30"), message="Back", branch="next")
    idle = repo.commit({"README.md": "The shop"}, message="Explain", branch="next")
    repo.branch("main", at="next")
    repository.until_applied(idle)
    repository.until_closed()

    told = json.loads(towline("log", "app", "--object", "configmap/settings", "-o", "json").stdout)
    assert [(each["commit"], each["author"], each["mergedBy"], each["pullRequest"]) for each in told] == [
        (fixed, ALICE.name, None, None),
        (reverted, ALICE.name, None, None),
        (reverted, ALICE.name, None, None),
        (merged, BOB.name, CLEO.name, "#12"),
        (first, ALICE.name, None, None),
    ]
    assert [each["trigger"] for each in told] == ["Commit", "Drift", "Commit", "Commit", "Commit"]
    assert [field(towline, each["record"]) for each in told[:4]] == [
        ("10", "30", ""),
        ("99", "10", "OpenAPI-Generator"),
        ("20", "10", ""),
        ("10", "20", ""),
    ]

    graph = json.loads(towline("log", "app", "--graph", "--repo", str(repo.path), "-o", "json").stdout)
    fates = {each["commit"]: each["outcome"] for each in graph if each["trigger"] != "Drift"}
    assert fates == {
        fixed: "Succeeded",
        **dict.fromkeys((idle, newest), "NoChange"),
        overtaken: "Superseded",
        **dict.fromkeys(broken, "Failed"),
        reverted: "Succeeded",
        merged: "Succeeded",
        bobs: "Succeeded",
        first: "Succeeded",
    }
    failures = [each["failures"][0] for each in graph if each["outcome"] == "Failed"]
    assert all("web.yaml" in each["message"] for each in failures)
    assert len(failures) == 3

    exported = towline("export").stdout
    ended = CliRunner().invoke(main, ["verify", "-"], input=exported)
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert towline("verify").exit_code == 0


def field(towline: Callable[..., Result], record: str) -> tuple[Any, Any, str]:
    """Return the old and new value of the one field that a sync changed, and who had set the old one."""
    shown = json.loads(towline("show", record, "-o", "json").stdout)
    (change,) = shown["changes"]
    (found,) = change["fields"]
    return found["old"], found["new"], found["by"] or ""
