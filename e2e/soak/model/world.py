"""What the random model knows: what Git declares, what it has given up, and the parts that acts are done to."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from e2e.faults.proxy import Proxy
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

NAMES = tuple(f"model-{number:02}" for number in range(24))
FEWEST = 14
"""Git never declares fewer: a loss of most objects would wait for a confirmation."""


@dataclass(slots=True, kw_only=True)
class World:
    """One repository that everything happens to, and its twin: another one of the same branch that nobody edits.

    `declared` is the colour of each ConfigMap that Git declares, `given_up` what it has ceased to declare since it was
    looked whether all is well.
    """

    plane: ControlPlane
    cluster: Cluster
    audit: AuditLog
    operator: Operator
    proxy: Proxy
    repo: Repo
    chance: random.Random
    edited: Repository
    twin: Repository
    declared: dict[str, str] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    commits: int = 0

    @property
    def both(self) -> tuple[Repository, Repository]:
        """The repository and its twin."""
        return self.edited, self.twin

    def drawn(self) -> dict[str, str]:
        """Return what the next commit declares: some are new or changed, and one may be gone."""
        self.commits += 1
        gone, *changed = self.chance.sample(NAMES, 4)
        new = {**self.declared, **dict.fromkeys(changed, f"colour-{self.commits}")}
        if len(new) > FEWEST:
            new.pop(gone, None)
        return new

    def commit(self, declared: dict[str, str]) -> str:
        """Commit what differs from what is declared so far."""
        gone = self.declared.keys() - declared
        changes = {name: colour for name, colour in declared.items() if self.declared.get(name) != colour}
        sha = self.repo.commit({**files(changes), **dict.fromkeys(_paths(gone))})
        self._remember(declared)
        return sha

    def rewrite(self, declared: dict[str, str]) -> str:
        """Push a history that has nothing to do with the one before, by force."""
        sha = self.repo.rewrite(files(declared))
        self._remember(declared)
        return sha

    def look(self) -> None:
        """Ask for a look at Git."""
        for repository in self.both:
            repository.annotate(reconcile=str(self.commits))

    def _remember(self, declared: dict[str, str]) -> None:
        self.given_up |= self.declared.keys() - declared
        self.declared = dict(declared)


def files(declared: dict[str, str]) -> dict[str, str]:
    """Return one file for each ConfigMap."""
    return {
        path: manifests.text(manifests.config_map(name, colour=colour))
        for path, (name, colour) in zip(_paths(declared), declared.items(), strict=True)
    }


def _paths(names: Iterable[str]) -> list[str]:
    return [f"{name}.yaml" for name in names]
