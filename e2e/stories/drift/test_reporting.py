"""Drift that is only reported, or ignored, stays as it is; whoever looks learns of it once, and of no secret."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import pytest

from e2e.faults.proxy import Proxy
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.components import free_ports
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import head_lookups, managed_objects, manifests
from e2e.scenes.drift.kinds import encoded

PLANTED = "open sesame"
INTRUDED = "abracadabra"


def noted(name: str, asked: str, **entries: str) -> str:
    """Declare a ConfigMap that asks for something about its drift."""
    body = manifests.config_map(name, **entries)
    body["metadata"]["annotations"] = {"towline.dev/drift": asked}
    return manifests.text(body)


def edit(cluster: Cluster, repository: Repository, *names: str, **entries: str) -> None:
    """Change ConfigMaps as somebody else."""
    for name in names:
        cluster.patch("v1", "ConfigMap", name, repository.namespace, {"data": entries})


def colour(cluster: Cluster, repository: Repository, name: str) -> str:
    """Return what a ConfigMap says."""
    return str(cluster.get("v1", "ConfigMap", name, repository.namespace)["data"]["colour"])


def test_one_object_may_ask_to_be_only_reported_and_another_to_be_left_alone(
    operator: Operator,
    cluster: Cluster,
    audit: AuditLog,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    files = {
        "mended.yaml": manifests.text(manifests.config_map("mended", colour="blue")),
        "reported.yaml": noted("reported", "report", colour="blue"),
        "ignored.yaml": noted("ignored", "ignore", colour="blue"),
    }
    sha = repo.commit(files)
    repository = git_repository()
    repository.until_ready(sha)
    mark = audit.mark()
    edit(cluster, repository, "reported", "ignored", "mended", colour="theirs")
    status = repository.until(lambda status: status.get("drift"), "drift")
    assert [one["object"] for one in status["drift"]] == [f"ConfigMap/{repository.namespace}/reported"]
    eventually(lambda: colour(cluster, repository, "mended") == "blue", deadline=5, message="the repair")
    assert {event.name for event in managed_objects.writes(audit, mark, repository)} == {"mended"}

    sha = repo.commit(
        {
            "reported.yaml": noted("reported", "report", colour="green"),
            "ignored.yaml": noted("ignored", "ignore", colour="green"),
        }
    )
    repository.until_applied(sha)
    assert [colour(cluster, repository, name) for name in ("reported", "ignored")] == ["green"] * 2
    repository.until(lambda status: not status.get("drift"), "no drift")


def test_reported_drift_is_one_event_and_one_line_of_the_status_however_many_passes_see_it(
    private_operator: Callable[..., Operator],
    cluster: Cluster,
    git_server: GitServer,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    (port,) = free_ports(1)
    private_operator("--listen", f"127.0.0.1:{port}").start()
    sha = repo.commit(manifests.config_maps(["settings", "other"], colour="blue"))
    repository = git_repository(drift="Report")
    repository.until_ready(sha)
    assert repository.condition("Drifted")["status"] == "False"
    edit(cluster, repository, "settings", colour="theirs")
    first = repository.until(lambda status: status.get("drift"), "drift")
    head_lookups.wait(git_server, repo, times=3)
    assert repository.status()["drift"] == first["drift"]
    (event,) = _told(cluster, repository)
    assert event["count"] == 1
    for word in ("settings", "data.colour"):
        assert word in event["message"]
    labels = f'{{name="app",namespace="{repository.namespace}"}}'
    assert f"towline_objects_drifted{labels} 1.0" in _metrics(port)

    repository.until_applied(repo.commit(manifests.config_maps(["settings"], colour="green")))
    repository.until(lambda status: not status.get("drift"), "no drift")
    assert repository.condition("Drifted")["status"] == "False"


def _told(cluster: Cluster, repository: Repository) -> list[Object]:
    events = cluster.list("v1", "Event", repository.namespace)
    return [one for one in events if one["reason"] == "Drifted"]


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text: bytes = answer.read()
    return text.decode()


@pytest.mark.parametrize("drift", ["Repair", "Report"])
def test_what_others_write_to_a_secret_is_told_without_any_value(
    operator: Operator,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
    drift: str,
) -> None:
    sha = repo.commit({"a.yaml": manifests.text(manifests.secret(word=PLANTED))})
    repository = git_repository(drift=drift)
    repository.until_ready(sha)
    change = {"data": {"word": encoded(INTRUDED)}}
    cluster.patch("v1", "Secret", "credentials", repository.namespace, change)
    if drift == "Report":
        (told,) = repository.until(lambda status: status.get("drift"), "drift")["drift"]
        old, new, path = told["have"], told["want"], told["field"]
    else:
        record = eventually(lambda: _repair(repository), message="a record of the repair")
        (field,) = record["spec"]["changes"][0]["fields"]
        old, new, path = field["old"], field["new"], field["path"]
        assert field["by"]
        assert field["at"]
    assert path == "/data/word"
    assert old.startswith("***")
    assert new.startswith("***")
    assert old != new
    everything = json.dumps([repository.read(), repository.records(), _events(cluster, repository)])
    for value in (PLANTED, encoded(PLANTED), INTRUDED, encoded(INTRUDED)):
        assert value not in everything
        assert value not in operator.log_file.read_text()


def _repair(repository: Repository) -> Object | None:
    records = [one for one in repository.records() if one["spec"]["trigger"] == "Drift"]
    return next((one for one in records if (one.get("status") or {}).get("outcome") == "Succeeded"), None)


def _events(cluster: Cluster, repository: Repository) -> list[Object]:
    return cluster.list("v1", "Event", repository.namespace)


def test_an_object_that_could_not_be_read_is_not_called_gone_and_read_again(
    behind: Operator,
    proxy: Proxy,
    cluster: Cluster,
    repo: Repo,
    git_repository: Callable[..., Repository],
) -> None:
    files = {
        name: manifests.text(manifests.config_map(name, colour="blue")) for name in ("settings", "other")
    }
    sha = repo.commit({f"{name}.yaml": text for name, text in files.items()})
    repository = git_repository(drift="Report", interval="1h")
    repository.until_ready(sha)
    proxy.answer(403, about=lambda request: request.verb == "GET" and request.path.endswith("/settings"))
    edit(cluster, repository, "settings", "other", colour="theirs")
    status = repository.until(lambda status: status.get("drift"), "the drift that can be read")
    assert [one["object"] for one in status["drift"]] == [f"ConfigMap/{repository.namespace}/other"]
    proxy.mend()

    status = repository.until(lambda status: len(status["drift"]) == 2, "all drift", deadline=40)
    assert {(one["field"], one["have"]) for one in status["drift"]} == {("/data/colour", "theirs")}
