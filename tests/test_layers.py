"""The rules of the structure are run, and each of them catches what it is there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PLANTED = [
    ("plan/build.py", "import asyncio", "Decisions are pure"),
    ("api/condition.py", "import os", "Decisions are pure"),
    ("model.py", "import time", "Decisions are pure"),
    ("errors.py", "import subprocess", "Decisions are pure"),
    ("text.py", "import random", "Decisions are pure"),
    ("fields/compare.py", "import socket", "Decisions are pure"),
    ("health/pod.py", "import structlog", "Decisions are pure"),
    ("status/compute.py", "import pathlib", "Decisions are pure"),
    ("drift/contests.py", "import kopf", "Decisions are pure"),
    ("records/chain.py", "import click", "Decisions are pure"),
    ("kube/refusals.py", "import aiohttp", "Decisions are pure"),
    ("kube/object_failures.py", "import asyncio", "Decisions are pure"),
    ("live/judge.py", "import asyncio", "Decisions are pure"),
    ("controller/lease_terms.py", "import time", "Decisions are pure"),
    ("notify/announcement.py", "import structlog", "Decisions are pure"),
    ("importing/importer.py", "import subprocess", "Decisions are pure"),
    ("importing/homes.py", "from towline.reconcile import reconciler", "Layers"),
    ("plan/build.py", "from towline.kube import client", "Layers"),
    ("source/selection.py", "from towline.kube import client", "Layers"),
    ("render/plain.py", "from towline.live import index", "Layers"),
    ("live/index.py", "from towline.records import ledger", "Layers"),
    ("kube/client.py", "from towline.live import index", "Layers"),
    ("apply/writer.py", "from towline.reconcile import reconciler", "Layers"),
    ("notify/announce.py", "from towline.reconcile import reconciler", "Layers"),
    ("status/compute.py", "from towline.notify import announcement", "Layers"),
    ("reconcile/planner.py", "from towline.reconcile import attempt", "A pass"),
    ("reconcile/state.py", "from towline.reconcile.sync import executor", "A pass"),
    ("reconcile/desired/head.py", "from towline.reconcile.desired import whole_commit", "What Git declares"),
    ("reconcile/sync/recorder.py", "from towline.reconcile.sync import executor", "A sync"),
    ("reconcile/drifted/drift_reader.py", "from towline.reconcile.drifted import drift_states", "Drift"),
    ("errors.py", "from towline import model", "Layers"),
    ("controller/triggers.py", "from towline.cli import render", "Layers"),
    ("kube/client.py", "import kopf", "kopf stays at the door"),
    ("source/selection.py", "import git", "GitPython runs git"),
    ("plan/build.py", "import deepdiff", "deepdiff describes"),
    ("health/cel.py", "import cel_expr_python", "CEL is compiled"),
    ("apply/writer.py", "import aiohttp", "aiohttp speaks"),
    ("apply/writer.py", "import httptools", "HTTP is parsed"),
    ("apply/writer.py", "import kubernetes", "The official client"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", folder / "pyproject.toml"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder / "operator"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(
        ROOT / "operator" / "towline",
        tmp_path / "operator" / "towline",
        ignore=shutil.ignore_patterns("__pycache__", "crds"),
    )
    return tmp_path


def test_the_code_keeps_its_own_rules(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout
    assert " 0 broken" in result.stdout


@pytest.mark.parametrize(("file", "line", "contract"), PLANTED)
def test_a_planted_violation_is_caught_by_its_rule(copy: Path, file: str, line: str, contract: str) -> None:
    place = copy / "operator" / "towline" / file
    place.write_text(place.read_text() + f"\n{line}\n")
    result = lint(copy)
    assert result.returncode != 0
    broken = [row for row in result.stdout.splitlines() if "BROKEN" in row]
    assert any(row.startswith(contract) for row in broken), result.stdout
    assert line.rsplit(maxsplit=1)[-1] in result.stdout
