"""Where the demo is told: the narrator, the repositories, and what every chapter does with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from e2e.demo.narrator import Narrator
from e2e.harness.gitrepo import Repo

HERE = Path(__file__).parent
IN = ("-n", "team-shop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Who tells, the repositories, and the folder in which its commands run; `helm` waits until Helm is built."""

    narrator: Narrator
    repo: Repo
    blog: Repo
    folder: Path
    helm: Callable[[], object]


def create(stage: Stage, file: str, repo: Repo) -> None:
    """Show a GitRepository, and apply it."""
    (stage.folder / file).write_text((HERE / file).read_text().replace("@URL@", repo.url))
    stage.narrator.run("cat", file)
    stage.narrator.run("kubectl", "apply", "-f", file)


def applied(stage: Stage, name: str, sha: str) -> None:
    """Wait until a commit is applied."""
    stage.narrator.run(
        *("kubectl", "wait", f"gitrepositories.towline.dev/{name}", *IN),
        *(f"--for=jsonpath={{.status.commit.applied}}={sha}", "--timeout=60s"),
    )


def ready(stage: Stage, name: str, reason: str) -> None:
    """Wait until Ready has a reason."""
    path = '{.status.conditions[?(@.type=="Ready")].reason}'
    stage.narrator.run(
        *("kubectl", "wait", f"gitrepositories.towline.dev/{name}", *IN),
        *(f"--for=jsonpath={path}={reason}", "--timeout=60s"),
    )
