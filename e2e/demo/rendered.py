"""An overlay and a chart: what Kustomize and Helm make of a repository, traced to the line that says so."""

from __future__ import annotations

from collections.abc import Mapping

from e2e.demo import stage as stages
from e2e.demo.stage import HERE, IN, Stage
from e2e.harness.gitrepo import ALICE, BOB

BLOG = HERE / "blog"
OVERLAY = "overlays/prod/kustomization.yaml"
VALUES = "values/prod.yaml"


def overlay(stage: Stage) -> None:
    """A kustomization is applied; a wrong value of its overlay is named with its line and its author."""
    tell = stage.narrator
    tell.step("An overlay, and the line of a wrong value")
    sha = stage.blog.commit(files(), message="Add the blog", author=ALICE)
    stages.create(stage, "overlay.yaml", stage.blog)
    stages.applied(stage, "blog", sha)
    tell.run("kubectl", "get", "deployments,configmaps", "-n", "blog", "-o", "wide")
    tell.tell("Bob changes the overlay, and takes a number too low:")
    broken = {OVERLAY: files()[OVERLAY].replace("count: 2", "count: -2")}
    stage.blog.commit(broken, message="Run fewer", author=BOB)
    tell.run("git", "--git-dir", str(stage.blog.path), "show", "main", "--format=%h %an: %s", "--unified=0")
    stages.ready(stage, "blog", "ApplyFailed")
    tell.tell("The API server refuses the Deployment of the base; what Bob wrote is in the overlay:")
    tell.run("kubectl", "get", "tgr", "blog", *IN)
    tell.run("kubectl", "get", "tgr", "blog", *IN, "-o", "jsonpath={.status.failures}")
    fixed = {OVERLAY: files()[OVERLAY].replace("count: 2", "count: 3")}
    stages.applied(stage, "blog", stage.blog.commit(fixed, message="Run three", author=BOB))
    tell.run("kubectl", "get", "deployment", "blog", "-n", "blog")


def chart(stage: Stage) -> None:
    """A chart is rendered with values that are in Git, and one of them changes."""
    tell = stage.narrator
    tell.step("A chart, with its values in Git")
    stage.helm()
    stages.create(stage, "chart.yaml", stage.blog)
    stages.applied(stage, "cache", stage.blog.sha("main"))
    memory = "jsonpath={.spec.template.spec.containers[0].resources.requests.memory}"
    tell.run("kubectl", "get", "statefulset", "cache", "-n", "blog", "-o", memory)
    sha = stage.blog.commit({VALUES: "memory: 256Mi\n"}, message="Give the cache more memory", author=BOB)
    stages.applied(stage, "cache", sha)
    tell.run("kubectl", "get", "statefulset", "cache", "-n", "blog", "-o", memory)
    tell.run("kubectl", "get", "tgr", *IN, "-o", "wide")


STEPS = (overlay, chart)


def files() -> Mapping[str, str]:
    """Return the repository of the blog."""
    found = (path for path in sorted(BLOG.rglob("*.yaml")))
    return {path.relative_to(BLOG).as_posix(): path.read_text() for path in found}
