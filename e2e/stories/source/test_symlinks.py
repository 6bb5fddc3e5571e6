"""Symlinks are followed inside the repository, and what they lead to keeps its own place in the trail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.harness.cluster import Cluster
from e2e.harness.gitrepo import BOB, Content, Entry, Repo
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

GitRepositories = Callable[..., Repository]

pytestmark = pytest.mark.usefixtures("operator")


def link(target: str) -> Entry:
    return Entry("120000", target)


def settings(colour: str, **more: str) -> str:
    return manifests.text(manifests.config_map("settings", colour=colour, **more))


def linked() -> dict[str, Content]:
    """A folder of links to what other environments use, too."""
    return {
        "base/settings.yaml": settings("blue"),
        "base/web/service.yaml": manifests.text(manifests.service()),
        "prod/own.yaml": manifests.text(manifests.config_map("own")),
        "prod/settings.yaml": link("../base/settings.yaml"),
        "prod/web": link("../base/web"),
        "prod/again": link("../base/web"),
    }


def test_files_and_folders_behind_symlinks_are_applied_and_named_where_git_holds_them(
    repo: Repo, git_repository: GitRepositories, cluster: Cluster, namespace: str
) -> None:
    first = repo.commit(linked())
    app = git_repository(path="prod")
    assert app.until_ready(first)["objects"]["declared"] == 3

    second = repo.commit({"base/settings.yaml": settings("red")}, author=BOB)  # the link does not change
    app.until_ready(second)
    live = cluster.get("v1", "ConfigMap", "settings", namespace)
    notes = live["metadata"]["annotations"]
    assert live["data"] == {"colour": "red"}
    assert (notes["towline.dev/commit"], notes["towline.dev/source"]) == (second, "base/settings.yaml")
    assert repo.git("show", f"{second}:base/settings.yaml").strip() == settings("red").strip()
    served = cluster.get("v1", "Service", "web", namespace)["metadata"]["annotations"]
    assert (served["towline.dev/commit"], served["towline.dev/source"]) == (first, "base/web/service.yaml")
    (change,) = app.records()[-1]["spec"]["changes"]
    line = next(at for at, text in enumerate(settings("red").splitlines(), 1) if "colour" in text)
    assert (change["file"], change["line"], change["commit"]) == ("base/settings.yaml", line, second)


def test_a_mistake_behind_a_symlink_is_reported_in_the_file_that_holds_it(
    repo: Repo, git_repository: GitRepositories
) -> None:
    sha = repo.commit(linked())
    app = git_repository(path="prod")
    app.until_ready(sha)
    repo.commit({"base/web/service.yaml": "kind: Service\nmetadata: {name: web}\n"})
    (failure,) = app.until_reason("BuildFailed")["failures"]
    assert (failure["file"], failure["line"]) == ("base/web/service.yaml", 1)
    assert "(read as prod/again/service.yaml, through a symlink)" in failure["message"]


def test_a_symlink_that_leads_away_stops_the_commit_and_is_named_once(
    repo: Repo, git_repository: GitRepositories, cluster: Cluster, namespace: str
) -> None:
    first = repo.commit(linked())
    app = git_repository(path="prod")
    app.until_ready(first)
    repo.commit(
        {"prod/own.yaml": None, "base/web/up": link("../.."), "prod/host.yaml": link("/etc/hostname")}
    )
    status = app.until_reason("SymlinkRefused")
    assert [failure["file"] for failure in status["failures"]] == ["base/web/up", "prod/host.yaml"]
    assert app.condition()["message"].count("base/web/up") == 1
    assert status["commit"]["applied"] == first
    assert cluster.get("v1", "ConfigMap", "own", namespace)

    third = repo.commit({"base/web/up": None, "prod/host.yaml": None})
    app.until_ready(third)
