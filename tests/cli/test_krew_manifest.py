"""The krew manifest is complete once a release has filled it in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CHECKSUM = "c" * 64


def filled_in(tag: str) -> str:
    """Do what krew-release-bot does at a release."""
    text = (ROOT / ".krew.yaml").read_text().replace("{{ .TagName }}", tag)
    archive = r'^( *)\{\{addURIAndSha "([^"]*)" \.TagName \}\}$'
    return re.sub(archive, rf"\1uri: \2\n\1sha256: {CHECKSUM}", text, flags=re.MULTILINE)


def test_a_release_fills_in_every_platform_and_installs_the_program_of_the_package() -> None:
    manifest = yaml.safe_load(filled_in("v1.2.3"))
    spec = manifest["spec"]
    assert (manifest["kind"], manifest["metadata"]["name"], spec["version"]) == (
        "Plugin",
        "towline",
        "v1.2.3",
    )
    assert len(spec["shortDescription"]) <= 50
    programs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    platforms = set()
    for platform in spec["platforms"]:
        found = platform["selector"]["matchLabels"]
        platforms.add((found["os"], found["arch"]))
        assert platform["uri"].endswith(f"/v1.2.3/kubectl-towline_{found['os']}_{found['arch']}.tar.gz")
        assert platform["sha256"] == CHECKSUM
        assert programs[platform["bin"]] == programs["towline"]
    assert platforms == {("linux", "amd64"), ("linux", "arm64"), ("darwin", "amd64"), ("darwin", "arm64")}
