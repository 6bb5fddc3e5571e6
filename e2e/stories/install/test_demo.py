"""The demo tells the main job and ends by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SECONDS = 120


def test_the_demo_ends_by_itself_when_it_is_asked_to(binaries: Path, tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "e2e.demo", "--once"],
        cwd=ROOT,
        env={**os.environ, "KUBEBUILDER_ASSETS": str(binaries), "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert told.returncode == 0, told.stdout
    steps = [line for line in told.stdout.splitlines() if line.startswith("== ")]
    assert [step.split(".")[0] for step in steps] == [f"== {number}" for number in range(1, len(steps) + 1)]
    assert len(steps) == 9
    assert "$ kubectl get tgr shop" in told.stdout
    assert "settings.yaml" in told.stdout
    assert '"file":"overlays/prod/kustomization.yaml","line":10,' in told.stdout
    assert list(tmp_path.iterdir()) == []
