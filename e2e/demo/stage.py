"""Where the demo is told: the narrator, the repositories, and what every chapter does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.demo.narrator import Narrator
from e2e.harness.gitrepo import Repo

HERE = Path(__file__).parent
TGR = "gitrepositories.towline.dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The namespaces of the demo: that of the GitRepositories, and those of what they declare."""

    team: str
    shop: str
    blog: str

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        return (self.team, self.shop, self.blog)

    def fill(self, text: str) -> str:
        """Put the names into a file of the demo."""
        return text.replace("@TEAM@", self.team).replace("@SHOP@", self.shop).replace("@BLOG@", self.blog)


def names(suffix: str = "") -> Names:
    """Return the namespaces; on a cluster of somebody each ends in a suffix of its own."""
    return Names(team=f"team-shop{suffix}", shop=f"shop{suffix}", blog=f"blog{suffix}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Who tells, the repositories, the namespaces, and the folder in which commands run.

    `runs_pods` is False where nobody knows whether the nodes get the images.
    """

    narrator: Narrator
    names: Names
    repo: Repo
    blog: Repo
    folder: Path
    has_helm: bool
    runs_pods: bool


def files(folder: Path, names: Names) -> Mapping[str, str]:
    """Return the files of a sample repository."""
    found = sorted(folder.rglob("*.yaml"))
    return {path.relative_to(folder).as_posix(): names.fill(path.read_text()) for path in found}


def create(stage: Stage, file: str, repo: Repo) -> None:
    """Write the file of a GitRepository, and apply it."""
    text = stage.names.fill((HERE / file).read_text())
    (stage.folder / file).write_text(text.replace("@URL@", repo.url))
    stage.narrator.run(f"kubectl apply -f {file}")


def applied(stage: Stage, name: str, sha: str, told: str) -> None:
    """Wait until a commit is applied, and say how long that took."""
    path = "{.status.commit.applied}"
    stage.narrator.until(f"kubectl wait {TGR}/{name} --for=jsonpath='{path}'={sha} --timeout=90s", told)


def ready(stage: Stage, name: str, reason: str, told: str) -> None:
    """Wait until Ready has a reason, and say how long that took."""
    path = '{.status.conditions[?(@.type=="Ready")].reason}'
    stage.narrator.until(f"kubectl wait {TGR}/{name} --for=jsonpath='{path}'={reason} --timeout=90s", told)
