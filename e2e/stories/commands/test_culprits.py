"""`towline why` names the change, the line and the author behind what is not as wanted, and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner
from towline.__main__ import main

from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import BOB, Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]


class Asker(NamedTuple):
    """Runs `towline why` as the administrator, with an empty cache folder for Git."""

    plane: ControlPlane
    home: Path
    namespace: str

    def why(self, named: str, code: int = 1) -> dict[str, Any]:
        variables = {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home),
            "KUBECONFIG": str(self.plane.kubeconfig("admin")),
        }
        done = CliRunner().invoke(main, ["why", named, "-n", self.namespace, "-o", "json"], env=variables)
        assert done.exit_code == code, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def test_of_several_new_commits_the_first_that_fails_is_named_with_field_line_and_author(
    operator: Operator,
    plane: ControlPlane,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: GitRepositories,
    tmp_path: Path,
) -> None:
    held = manifests.config_map("held")
    held["metadata"]["finalizers"] = ["example.com/backup"]
    repo.commit(
        {
            **manifests.config_maps(["settings", "old"], colour="red"),
            "job.yaml": manifests.text(manifests.job(image="migrate:1")),
            "service.yaml": manifests.text(manifests.service()),
            "held.yaml": manifests.text(held),
            "after/extra.yaml": manifests.text(manifests.config_map("extra")),
        },
        message="Add the shop",
    )
    repository = git_repository(healthTimeout="1s", exclude=["/after/"])
    repository.until_applied(repo.sha())
    repository.until_closed()
    repository.change(suspend=True)
    repository.until_reason("Suspended", kind="Suspended")
    ask = Asker(plane, tmp_path, repository.namespace)
    assert ask.why("app")["causes"][0]["pointer"] == "/spec/suspend"

    dropped = repo.commit({"old.yaml": None, "held.yaml": None}, message="Drop the old")
    misspelled = manifests.service()
    misspelled["spec"]["ports"][0]["prot"] = 81
    culprit = repo.commit({"service.yaml": manifests.text(misspelled)}, message="Open a port", author=BOB)
    second = repo.commit({"job.yaml": manifests.text(manifests.job(image="migrate:2"))}, message="Migrate")
    repo.commit(manifests.config_maps(["settings"], colour="blue"), message="Paint it blue")
    repository.change(suspend=None)
    repository.until_reason("ApplyFailed")

    mark = audit.mark()
    causes = {each["reason"]: each for each in ask.why("app")["causes"]}
    asked = [each for each in audit.since(mark) if each.user == "admin" and "towline/" in each.user_agent]
    assert [str(each) for each in asked if each.writes] == []
    unknown, immutable = causes["UnknownField"], causes["ImmutableField"]
    assert (unknown["commit"], unknown["author"]) == (culprit, BOB.name)
    assert unknown["file"] == "service.yaml"
    assert unknown["pointer"].endswith("/prot")
    assert "of 4 new commits" in unknown["evidence"]
    assert immutable["commit"] == second
    assert immutable["pointer"].startswith("/spec/template")
    for told in ("migrate:1", "migrate:2", "Rename it", "towline.dev/force: Enabled"):
        assert told in immutable["evidence"]
    assert ask.why("job/migrate")["causes"][0] == immutable
    assert ask.why("configmap/nobody")["causes"] == []
    pods = cluster.list("v1", "Pod", repository.namespace, labels="batch.kubernetes.io/job-name=migrate")
    made = ask.why(f"pod/{pods[0]['metadata']['name']}")
    assert "belongs to Job" in made["sentence"]
    assert made["causes"][0] == immutable
    git_repository(name="after", path="after", dependsOn=[{"name": "app"}]).until_reason("DependencyNotReady")
    waiting = ask.why("after")["causes"]
    assert waiting[0]["pointer"] == "/spec/dependsOn"
    assert unknown in waiting

    fixed = {
        "service.yaml": manifests.text(manifests.service()),
        "job.yaml": manifests.text(manifests.job(image="migrate:1")),
    }
    repo.commit(fixed, message="Fix it")
    repository.until_applied(repo.sha(), deadline=60)
    (removed,) = ask.why("configmap/old")["causes"]
    assert (removed["reason"], removed["commit"], removed["file"]) == ("Removed", dropped, "old.yaml")
    going = eventually(lambda: ask.why("cm/held")["causes"], message="the deletion of held")
    assert "waits for the finalizer example.com/backup" in going[0]["evidence"]
    cluster.patch("v1", "ConfigMap", "held", repository.namespace, {"metadata": {"finalizers": None}})
