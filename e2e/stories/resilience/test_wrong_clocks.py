"""A wall clock that jumps decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.harness import stepped
from e2e.harness.gitrepo import Repo
from e2e.harness.operator import Operator
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

HOUR = 3600


@pytest.mark.usefixtures("unplayed")
def test_a_clock_that_jumps_takes_no_time_from_a_deployment_that_rolls_out(
    private_operator: Callable[..., Operator],
    repo: Repo,
    git_repository: Callable[..., Repository],
    tmp_path: Path,
) -> None:
    ahead = tmp_path / "ahead"
    ahead.write_text("0")
    operator = private_operator(program=stepped.program(ahead))
    operator.start()
    repo.commit({"web.yaml": manifests.text(manifests.stalled())})
    app = git_repository(healthTimeout="10m")
    app.until_reason("Progressing", kind="Healthy")

    for step in (HOUR, -HOUR):
        ahead.write_text(str(step))
        looked(app, f"after {step}")
        assert app.condition("Healthy")["reason"] == "Progressing"
        assert app.condition()["reason"] == "Progressing"

    repo.commit({"web.yaml": None, "settings.yaml": manifests.text(manifests.config_map())})
    app.until_reason("Succeeded", kind="Healthy")


def looked(app: Repository, why: str) -> None:
    """Ask for a look, and wait until it is done."""
    app.annotate(reconcile=why)
    app.until(lambda status: status.get("lastHandledReconcile") == why, "a look")
