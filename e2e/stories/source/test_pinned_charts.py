"""Charts come from a Helm repository and from an OCI registry: exact versions, at the digest that was used first."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result
from towline.__main__ import main

from e2e.controlplane import assemble
from e2e.harness.chart import Helm
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import chart_sources, manifests

GitRepositories = Callable[..., Repository]
AUTHORITY = trustme.CA()
CA = {"ca.crt": AUTHORITY.cert_pem.bytes().decode()}


@pytest.fixture
def renders(private_operator: Callable[..., Operator]) -> Operator:
    """An operator that renders charts."""
    operator = private_operator("--helm", str(assemble.helm(os.environ)))
    operator.start()
    return operator


def test_a_chart_of_a_helm_repository_stays_what_it_was_until_a_person_accepts_another_one(
    repo: Repo,
    git_repository: GitRepositories,
    cluster: Cluster,
    namespace: str,
    renders: Operator,
    plane: ControlPlane,
    tmp_path: Path,
) -> None:
    cluster.create(manifests.secret("charts", namespace, **CA))
    with chart_sources.helm_repository(AUTHORITY) as charts:
        charts.publish(chart_sources.packed(tmp_path, "red"))
        first = repo.commit({"deploy/values.yaml": "colour: green\n"})
        chart = {"repo": charts.url, "name": "web", "version": "1.2.3"}
        app = git_repository(
            path="deploy",
            remotes=[{"prefix": charts.url, "secretRef": {"name": "charts"}}],
            helm={"chart": chart, "releaseName": "shop", "valuesFiles": ["deploy/values.yaml"]},
        )
        assert "set spec.remote to Pinned" in app.until_reason("InvalidSpec")["conditions"][0]["message"]
        app.change(remote="Pinned")
        status = app.until_ready(first)
        (unit,), (pin,) = status["units"], status["pins"]
        assert unit["unit"] == f"{charts.url}/web//Chart.yaml@1.2.3"
        assert (pin["name"], pin["ref"], pin["resolved"]) == (
            f"{charts.url}/web",
            "1.2.3",
            f"{charts.url}/web-1.2.3.tgz",
        )
        assert app.until_closed()[-1]["spec"]["pins"] == [pin]
        live = cluster.get("v1", "ConfigMap", "shop-web", namespace)
        assert live["data"] == {"colour": "green", "from": "red"}
        source = f"{charts.url}/web//templates/settings.yaml@1.2.3"
        assert live["metadata"]["annotations"]["towline.dev/source"] == source

        def ask(*words: str) -> Result:
            tools = ("--helm", str(assemble.helm(os.environ)), "--repo", str(repo.path), "-n", namespace)
            variables = {
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "KUBECONFIG": str(plane.kubeconfig("admin")),
            }
            return CliRunner().invoke(main, [*words, *tools], env=variables)

        unchanged = ask("diff", app.name)
        assert (unchanged.exit_code, "nothing would change" in unchanged.stdout) == (0, True), (
            unchanged.output
        )
        blamed = json.loads(ask("blame", "configmap/shop-web", "--field", "data", "-o", "json").stdout)
        assert {each["pointer"]: (each["file"], each["line"], each["certainty"]) for each in blamed} == {
            "/data/colour": ("deploy/values.yaml", 1, "exact"),
            "/data/from": (source, 4, "exact"),
        }

        charts.publish(chart_sources.packed(tmp_path, "blue"))
        moved_away = ask("diff", app.name)
        assert (moved_away.exit_code, pin["digest"] in moved_away.stderr) == (2, True), moved_away.output
        second = repo.commit({"deploy/values.yaml": "colour: yellow\n"})
        app.until(lambda status: status["commit"].get("attempted") == second, "the second commit")
        status = app.until_reason("VerificationFailed")
        (moved,) = status["movedPins"]["pins"]
        assert moved["before"] == pin["digest"]
        assert moved["before"] in app.condition()["message"]
        assert moved["now"] in app.condition()["message"]
        assert cluster.get("v1", "ConfigMap", "shop-web", namespace)["data"]["colour"] == "green"

        app.annotate(accept_pin=status["movedPins"]["accept"])
        (pin,) = app.until_ready(second)["pins"]
        assert pin["digest"] == moved["now"]
        assert cluster.get("v1", "ConfigMap", "shop-web", namespace)["data"] == {
            "colour": "yellow",
            "from": "blue",
        }
        (change,) = app.until_closed()[-1]["spec"]["changes"]
        assert (change["file"], change["line"]) == ("deploy/values.yaml", 1)
        asked = len(charts.seen)
    app.annotate(reconcile="again")
    app.until(lambda status: status.get("lastHandledReconcile") == "again", "looked again")
    assert app.condition()["reason"] == "Succeeded"
    assert len(charts.seen) == asked


def test_dependencies_come_from_a_registry_with_a_password_at_the_versions_of_the_lock_file(
    repo: Repo,
    git_repository: GitRepositories,
    cluster: Cluster,
    namespace: str,
    renders: Operator,
    tmp_path: Path,
) -> None:
    helm = Helm(binary=assemble.helm(os.environ), home=tmp_path / "home")
    (tmp_path / "registry").mkdir()
    with chart_sources.registry(tmp_path / "registry", AUTHORITY) as registry:
        registry.push(helm, chart_sources.packed(tmp_path, "red"))
        place = f"{registry.url}/charts"
        needs = (
            "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n"
            f"- name: web\n  version: VERSION\n  repository: {place}\n"
        )
        repo.commit({"app/Chart.yaml": needs.replace("VERSION", "^1.2")})
        given = {**CA, "username": chart_sources.USER, "password": chart_sources.PASSWORD}
        cluster.create(manifests.secret("charts", namespace, **given))
        app = git_repository(
            path="app", remote="Pinned", remotes=[{"prefix": place, "secretRef": {"name": "charts"}}]
        )
        (failure,) = app.until_reason("BuildFailed")["failures"]
        assert (failure["file"], failure["line"]) == ("app/Chart.yaml", 5)
        assert "needs one exact version" in failure["message"]

        status = app.until_ready(repo.commit({"app/Chart.yaml": needs.replace("VERSION", "1.2.3")}))
        assert [(pin["name"], pin["ref"]) for pin in status["pins"]] == [(f"{place}/web", "1.2.3")]
        data = cluster.get("v1", "ConfigMap", f"{app.name}-web", namespace)["data"]
        assert data == {"colour": "grey", "from": "red"}
