"""A crash of the operator writes none of its memory to disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests


def test_the_operator_may_leave_no_core_dump(
    operator: Operator, repo: Repo, git_repository: Callable[..., Repository]
) -> None:
    git_repository().until_ready(repo.commit(manifests.config_maps(["settings"])))
    limits = Path(f"/proc/{operator.program.pid}/limits").read_text().splitlines()
    (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
    assert core[-3:-1] == ["0", "0"]
