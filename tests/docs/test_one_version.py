"""One version: that of the package, of the chart, and of the newest entry of the changelog."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import towline
import yaml

ROOT = Path(__file__).parents[2]


def headings() -> list[str]:
    return re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_changelog_begins_with_what_is_unreleased_and_the_version_of_the_package() -> None:
    assert headings()[:2] == ["Unreleased", towline.__version__]


def test_each_version_is_in_the_changelog_once() -> None:
    assert len(headings()) == len(set(headings()))


def test_chart_and_application_have_the_version_of_the_package() -> None:
    chart = yaml.safe_load((ROOT / "charts" / "towline" / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (towline.__version__, towline.__version__)


def test_the_command_says_its_version() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "towline", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.split()[-1] == towline.__version__
