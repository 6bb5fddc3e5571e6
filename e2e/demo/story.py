"""The main job as a story: what a team does in Git, and what kubectl shows of it."""

from __future__ import annotations

from collections.abc import Mapping

from e2e.demo import stage as stages
from e2e.demo.stage import HERE, IN, Stage
from e2e.harness.gitrepo import ALICE, BOB

APP = HERE / "app"
CRDS = HERE.parents[1] / "crds"


def first_sync(stage: Stage) -> None:
    """A GitRepository is created; what the repository holds appears in the cluster."""
    tell = stage.narrator
    tell.step("A Git repository becomes a cluster")
    sha = stage.repo.commit(files(), message="Add the shop", author=ALICE)
    tell.run("git", "--git-dir", str(stage.repo.path), "ls-tree", "-r", "--name-only", "main")
    tell.run("kubectl", "create", "namespace", "team-shop")
    stages.create(stage, "shop.yaml", stage.repo)
    stages.applied(stage, "shop", sha)
    tell.run("kubectl", "get", "gitrepositories.towline.dev", *IN)
    tell.run("kubectl", "wait", "deployment/web", "-n", "shop", "--for=condition=Available", "--timeout=60s")
    tell.run("kubectl", "get", "deployments,services,configmaps,secrets", "-n", "shop")


def merged_pull_request(stage: Stage) -> None:
    """A pull request changes an image and a setting, and removes a Service."""
    tell = stage.narrator
    tell.step("A pull request is merged")
    tell.tell("Bob writes it, Alice merges it: a new image, another greeting, and one Service less.")
    stage.repo.branch("release-1.1")
    stage.repo.commit(
        {**changed("web.yaml", "web:1.0.0", "web:1.1.0"), **changed("settings.yaml", "Hello", "Welcome")},
        message="Release 1.1",
        author=BOB,
        branch="release-1.1",
    )
    stage.repo.commit(
        {"legacy-service.yaml": None}, message="Remove the legacy Service", author=BOB, branch="release-1.1"
    )
    sha = stage.repo.merge_pull_request(12, "release-1.1", title="Release 1.1", merged_by=ALICE)
    tell.run("git", "--git-dir", str(stage.repo.path), "log", "--graph", "--format=%h %an: %s", "main")
    stages.applied(stage, "shop", sha)
    tell.run("kubectl", "get", "services", "-n", "shop")
    tell.run("kubectl", "get", "configmap", "settings", "-n", "shop", "-o", "jsonpath={.data}")


def status(stage: Stage) -> None:
    """The status says which commit is live and who wrote it."""
    tell = stage.narrator
    tell.step("Which commit is live, and who wrote it")
    tell.run("kubectl", "get", "tgr", "shop", *IN, "-o", "wide")
    tell.run("kubectl", "get", "tgr", "shop", *IN, "-o", "jsonpath={.status.applied}")
    tell.tell("Every object names the commit that last changed it, and the file that it stands in:")
    columns = (
        "KIND:.kind,NAME:.metadata.name,"
        r"COMMIT:.metadata.annotations.towline\.dev/commit,SOURCE:.metadata.annotations.towline\.dev/source"
    )
    kinds = "deployments,services,configmaps,secrets"
    chosen = ("-l", "towline.dev/repository=team-shop.shop")
    tell.run("kubectl", "get", kinds, "-n", "shop", *chosen, "-o", f"custom-columns={columns}")


def record(stage: Stage) -> None:
    """The record of the last sync says who changed what."""
    tell = stage.narrator
    tell.step("The record: who changed what, when, and why")
    tell.run("towline", "log", "shop", *IN)
    newest = tell.run("kubectl", "get", "tgr", "shop", *IN, "-o", "jsonpath={.status.lastRecord}").strip()
    tell.run("towline", "show", newest, *IN)


def broken_commit(stage: Stage) -> None:
    """A commit that cannot be read is named with file and line, and changes nothing."""
    tell = stage.narrator
    tell.step("A broken commit changes nothing, and its file and line are named")
    stage.repo.commit(
        changed("settings.yaml", "  currency: EUR", "  currency: [EUR"), message="Break it", author=BOB
    )
    stages.ready(stage, "shop", "BuildFailed")
    tell.run("kubectl", "get", "tgr", "shop", *IN)
    tell.run("kubectl", "get", "tgr", "shop", *IN, "-o", "jsonpath={.status.failures}")
    tell.tell("What was applied stays:")
    tell.run("kubectl", "get", "configmap", "settings", "-n", "shop", "-o", "jsonpath={.data}")


def fix(stage: Stage) -> None:
    """The next commit mends it."""
    tell = stage.narrator
    tell.step("The fix")
    sha = stage.repo.commit(changed("settings.yaml", "Hello", "Good day"), message="Mend it", author=BOB)
    stages.applied(stage, "shop", sha)
    tell.run("kubectl", "get", "tgr", "shop", *IN)
    tell.run("towline", "log", "shop", *IN)


STEPS = (first_sync, merged_pull_request, status, record, broken_commit, fix)


def files() -> Mapping[str, str]:
    """Return the sample application."""
    return {path.name: path.read_text() for path in sorted(APP.glob("*.yaml"))}


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """Return one file of the sample application with another text in one place."""
    text = files()[name]
    if old not in text:
        raise ValueError(f"{name} does not hold {old!r}")
    return {name: text.replace(old, new)}
