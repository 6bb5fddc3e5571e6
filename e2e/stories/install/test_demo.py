"""The demo tells the main job in few lines and ends by itself; on somebody's cluster it leaves nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.harness import controlplane
from e2e.harness.cluster import Kubectl

ROOT = Path(__file__).parents[3]
SECONDS = 240
STEPS = 9
LINES_OF_A_STEP = 12
LINES = 90
WAITING = "… still waiting"
"""A line of which a busy machine shows more."""


def test_the_demo_tells_the_main_job_in_few_lines_and_ends_when_it_is_asked_to(
    binaries: Path, tmp_path: Path
) -> None:
    with _demo(binaries, tmp_path, "--once") as told:
        said, _ = told.communicate(timeout=SECONDS)
    assert told.returncode == 0, said
    lines = [line for line in said.splitlines() if WAITING not in line]
    starts = [number for number, line in enumerate(lines) if line.startswith("== ")]
    titles = [lines[start] for start in starts]
    assert [title.split(".")[0] for title in titles] == [f"== {number}" for number in range(1, STEPS + 1)]
    assert all(re.search(r" \d+:\d\d$", title) for title in titles)
    end_of_story = next(number for number, line in enumerate(lines) if line.startswith("That was"))
    for start, end in zip(starts, [*starts[1:], end_of_story], strict=True):
        told_lines = list(filter(str.strip, lines[start:end]))
        assert len(told_lines) <= LINES_OF_A_STEP, "\n".join(told_lines)
    assert len(lines) <= LINES
    assert re.search(r"live \d+\.\d s after the merge", said)
    assert "data.greeting: Hello -> Welcome" in said
    assert "settings.yaml:8" in said
    assert "overlays/prod/kustomization.yaml:10" in said
    assert re.search(r"Bob Builder .*values/prod\.yaml:1 .*memory: 256Mi", said)
    assert re.search(r"Bob Builder .*#12 +web\.yaml:18 .*image: nginx:1\.28-alpine", said)
    assert "\x1b" not in said
    assert list(tmp_path.iterdir()) == []


def test_on_the_cluster_of_somebody_the_demo_leaves_nothing_even_when_it_is_interrupted(
    binaries: Path, tmp_path: Path
) -> None:
    with controlplane.running(binaries) as plane:
        kubectl = Kubectl(binary=plane.kubectl, kubeconfig=plane.kubeconfig(), cache=plane.folder / "kubectl")
        before = _there(kubectl)
        asked = ("--cluster", "--confirm", "towline")
        with _demo(binaries, tmp_path, *asked, kubeconfig=plane.kubeconfig()) as told:
            assert told.stdout is not None
            said = "".join(_until(told.stdout, "live "))
            team = re.search(r"namespaces (team-shop-[0-9a-f]{6}), ", said)
            assert team, said
            shop = team[1].removeprefix("team-")
            assert "service/web" in kubectl("get", "services", "-n", shop, "-o", "name")
            told.send_signal(signal.SIGINT)
            rest, _ = told.communicate(timeout=SECONDS)
        assert told.returncode == 0, rest
        assert f"Removed: the namespaces {team[1]}, {shop}," in rest
        assert _there(kubectl) == before
        assert list(tmp_path.iterdir()) == []
        kubectl("apply", "-f", str(ROOT / "crds"))
        kubectl("wait", "--for=create", "serviceaccount/default", "-n", "default", "--timeout=30s")
        _somebody_uses_towline(kubectl)
        with _demo(binaries, tmp_path, *asked, kubeconfig=plane.kubeconfig()) as refused:
            rest, _ = refused.communicate(timeout=SECONDS)
        assert refused.returncode == 1
        assert "Towline is in use on this cluster (0 installations, 1 GitRepositories)" in rest
        with _demo(binaries, tmp_path, *asked, kubeconfig=plane.kubeconfig("alice")) as refused:
            rest, _ = refused.communicate(timeout=SECONDS)
        assert refused.returncode == 1
        assert "the context may not do what the demo needs; missing: " in rest
        assert "create, delete customresourcedefinitions.apiextensions.k8s.io" in rest


def _somebody_uses_towline(kubectl: Kubectl) -> None:
    kubectl.until_established("-f", str(ROOT / "crds"))
    body = {
        "apiVersion": "towline.dev/v1alpha1",
        "kind": "GitRepository",
        "metadata": {"name": "theirs", "namespace": "default"},
        "spec": {"url": "https://git.example/theirs.git"},
    }
    kubectl("create", "-f", "-", stdin=json.dumps(body))


def _there(kubectl: Kubectl) -> set[str]:
    return {
        *kubectl("get", "namespaces", "-o", "name").split(),
        *kubectl("get", "crds", "-o", "name").split(),
        *kubectl("get", "deployments,secrets,leases", "-A", "-o", "name").split(),
    }


def _until(lines: Iterator[str], found: str) -> Iterator[str]:
    for line in lines:
        yield line
        if found in line:
            return


@contextmanager
def _demo(
    binaries: Path, temporary: Path, *flags: str, kubeconfig: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    variables = {**os.environ, "KUBEBUILDER_ASSETS": str(binaries), "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "e2e.demo", *flags],
        cwd=ROOT,
        env={**variables, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
