"""An overlay and a chart: what Kustomize and Helm make of a repository, traced to the line that says so."""

from __future__ import annotations

from e2e.demo import stage as stages
from e2e.demo.stage import HERE, Stage
from e2e.harness.gitrepo import ALICE, BOB

BLOG = HERE / "blog"
OVERLAY = "overlays/prod/kustomization.yaml"
VALUES = "values/prod.yaml"


def overlay(stage: Stage) -> None:
    """A kustomization is applied; a wrong value of its overlay is named with its line and its author."""
    tell = stage.narrator
    tell.step("An overlay, and the line of a wrong value")
    files = stages.files(BLOG, stage.names)
    sha = stage.blog.commit(files, message="Add the blog", author=ALICE)
    stages.create(stage, "overlay.yaml", stage.blog)
    stages.applied(stage, "blog", sha, f"{sha[:7]} is applied after {{}}")
    broken = {OVERLAY: files[OVERLAY].replace("count: 2", "count: -2")}
    stage.blog.commit(broken, message="Run fewer", author=BOB)
    git = f"git --git-dir {stage.blog.path.relative_to(stage.folder)}"
    tell.run(f"{git} show main --unified=0 | grep '^[-+] '")
    stages.ready(stage, "blog", "ApplyFailed", "refused {} after the push")
    tell.run("towline why blog | head -n 1")
    fixed = {OVERLAY: files[OVERLAY].replace("count: 2", "count: 3")}
    sha = stage.blog.commit(fixed, message="Run three", author=BOB)
    stages.applied(stage, "blog", sha, "Bob corrects it: live {} after the push")


def chart(stage: Stage) -> None:
    """A chart is rendered with values that are in Git, and one of them changes."""
    tell = stage.narrator
    tell.step("A chart, with its values in Git")
    if not stage.has_helm:
        tell.tell("left out: there is no Helm yet; `make controlplane` builds it")
        return
    stages.create(stage, "chart.yaml", stage.blog)
    before = stage.blog.sha()
    stages.applied(stage, "cache", before, f"{before[:7]} is applied after {{}}")
    sha = stage.blog.commit({VALUES: "memory: 256Mi\n"}, message="Give the cache more memory", author=BOB)
    stages.applied(stage, "cache", sha, "more memory: live {} after the push")
    field = "spec.template.spec.containers[0].resources.requests.memory"
    tell.run(f"towline blame statefulset/cache -n {stage.names.blog} --field '{field}' | tail -n 1")
    tell.run("towline get", succeeds=stage.runs_pods)


STEPS = (overlay, chart)
