"""The main job as a story: what a team does in Git, and what kubectl and towline show of it."""

from __future__ import annotations

from collections.abc import Mapping

from e2e.demo import stage as stages
from e2e.demo.stage import HERE, Stage
from e2e.harness.gitrepo import ALICE, BOB

APP = HERE / "app"


def first_sync(stage: Stage) -> None:
    """A GitRepository is created; what the repository holds appears in the cluster."""
    tell = stage.narrator
    tell.step("A Git repository becomes a cluster")
    sha = stage.repo.commit(stages.files(APP, stage.names), message="Add the shop", author=ALICE)
    tell.tell(f"Alice commits five files to {stage.repo.url}; shop.yaml names it:")
    stages.create(stage, "shop.yaml", stage.repo)
    stages.applied(stage, "shop", sha, f"{sha[:7]} is applied after {{}}")
    if stage.runs_pods:
        tell.until("towline wait shop --for healthy --commit " + sha, "and healthy {} later")
    kinds = "deployments,services,configmaps,secrets"
    tell.run(f"kubectl get {kinds} -n {stage.names.shop} -l towline.dev/repository -o name")


def merged_pull_request(stage: Stage) -> None:
    """A pull request changes an image and a setting, and removes a Service."""
    tell = stage.narrator
    tell.step("A pull request is merged")
    stage.repo.branch("release-1.1")
    stage.repo.commit(
        {
            **changed(stage, "web.yaml", "nginx:1.27", "nginx:1.28"),
            **changed(stage, "settings.yaml", "Hello", "Welcome"),
            "legacy-service.yaml": None,
        },
        message="Release 1.1",
        author=BOB,
        branch="release-1.1",
    )
    sha = stage.repo.merge_pull_request(12, "release-1.1", title="Release 1.1", merged_by=ALICE)
    tell.run(f"git --git-dir {stage.repo.path.relative_to(stage.folder)} log --format='%h %an: %s' main")
    stages.applied(stage, "shop", sha, "live {} after the merge")
    tell.run(f"kubectl get services -n {stage.names.shop}")


def blame(stage: Stage) -> None:
    """Every field names the commit, the author and the line that set it."""
    tell = stage.narrator
    tell.step("Who set this field")
    image = "spec.template.spec.containers[0].image"
    tell.run(f"towline blame deployment/web -n {stage.names.shop} --field '{image}' | tail -n 1")


def record(stage: Stage) -> None:
    """The record of the last sync says who changed what."""
    tell = stage.narrator
    tell.step("The record: who changed what, and why")
    tell.run(f"towline show {stage.repo.sha()[:7]} | grep '^  '")


def broken_commit(stage: Stage) -> None:
    """A commit that cannot be read is named with file and line, and changes nothing."""
    tell = stage.narrator
    tell.step("A broken commit changes nothing, and its file and line are named")
    stage.repo.commit(
        changed(stage, "settings.yaml", "  currency: EUR", "  currency: [EUR"), message="Break it", author=BOB
    )
    stages.ready(stage, "shop", "BuildFailed", "refused {} after the push")
    tell.run("towline why shop | head -n 1")


def fix(stage: Stage) -> None:
    """The next commit corrects it."""
    tell = stage.narrator
    tell.step("The fix, and the history")
    sha = stage.repo.commit(
        changed(stage, "settings.yaml", "Hello", "Good day"), message="Fix it", author=BOB
    )
    stages.applied(stage, "shop", sha, "live {} after the push")
    tell.run("towline log shop")


STEPS = (first_sync, merged_pull_request, blame, record, broken_commit, fix)


def changed(stage: Stage, name: str, old: str, new: str) -> Mapping[str, str]:
    """Return one file of the sample application with another text in one place."""
    text = stages.files(APP, stage.names)[name]
    if old not in text:
        raise ValueError(f"{name} does not hold {old!r}")
    return {name: text.replace(old, new)}
