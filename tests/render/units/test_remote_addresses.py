"""Addresses of remote bases mean what they mean to kustomize, and none can make git do anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from towline.render.units import remote_address
from towline.render.units.remote_address import AddressError

from tests.render.kubectl import KUBECTL

COMMIT = "0123456789abcdef0123456789abcdef01234567"

SERVED = (
    ("https://h.example/org/repo//path?ref=v1", "https://h.example/org/repo", "path", "v1"),
    ("https://h.example/org/repo/path/sub?ref=v1", "https://h.example/org/repo", "path/sub", "v1"),
    ("https://h.example/org/repo.git/path?ref=v1", "https://h.example/org/repo.git", "path", "v1"),
    ("https://h.example/a/b/c/repo.git//path?ref=v1", "https://h.example/a/b/c/repo.git", "path", "v1"),
    ("https://h.example/org/repo?ref=v1", "https://h.example/org/repo", "", "v1"),
    ("https://h.example:8443/org/repo//a/../b?ref=v1", "https://h.example:8443/org/repo", "b", "v1"),
    ("https://h.example/o/_git/repo/path?version=v2", "https://h.example/o/_git/repo", "path", "v2"),
    ("https://h.example/o/repo?version=v1&ref=v2&timeout=5", "https://h.example/o/repo", "", "v2"),
    ("git::https://h.example/org/repo//p?ref=v1", "https://h.example/org/repo", "p", "v1"),
    ("github.com/org/repo/path?ref=v1", "https://github.com/org/repo", "path", "v1"),
    ("https://GitHub.com/org/repo.git?ref=v1", "https://github.com/org/repo.git", "", "v1"),
    ("ssh://git@h.example:22/org/repo.git/p?ref=v1", "ssh://git@h.example:22/org/repo.git", "p", "v1"),
    ("https://h.example/org/repo//p?ref=refs/tags/v1", "https://h.example/org/repo", "p", "v1"),
    (f"https://h.example/org/repo?ref={COMMIT}", "https://h.example/org/repo", "", COMMIT),
)
SCP_LIKE = (
    ("git@h.example:org/repo//path?ref=v1", "ssh://git@h.example/org/repo", "path", "v1"),
    ("git@github.com:org/repo/path?ref=v1", "ssh://git@github.com/org/repo", "path", "v1"),
)

REFUSED = (
    ("https://h.example/org/repo//p", "names no ref"),
    ("https://h.example/org/repo//p?ref=", "names no ref"),
    ("https://h.example/org/repo//p?ref=HEAD", "moves"),
    ("https://h.example/org/repo//p?ref=refs/heads/main", "moves"),
    ("https://h.example/org/repo//p?ref=--upload-pack=touch%20x", "no tag can have"),
    ("https://h.example/org/repo//p?ref=-v1", "no tag can have"),
    ("https://h.example/org/repo//p?ref=v1:refs/heads/x", "no tag can have"),
    ("https://h.example/org/repo//p?ref=v1^{}", "no tag can have"),
    ("https://h.example/org/repo//p?ref=a..b", "no tag can have"),
    ("https://h.example/org/repo//p?ref=a+b", "no tag can have"),
    ("https://h.example/org/repo//../p?ref=v1", "leads out"),
    ("https://h.example/org/repo//p/x.yaml?ref=v1", "is a file on another server: commit it"),
    ("https://h.example/x.yaml", "is a file on another server: commit it"),
    ("https://h.example/repo?ref=v1", "does not say where its repository ends"),
    ("https://h.example/org/repo.github?ref=v1", "does not say where its repository ends"),
    ("file:///etc?ref=v1", "is a folder of the machine"),
    ("gitlab.com/org/repo?ref=v1", "not an address that kustomize can open"),
    ("gh:org/repo?ref=v1", "not an address that kustomize can open"),
    ("org/repo//path?ref=main", "not an address that kustomize can open"),
)


@pytest.mark.parametrize(("text", "url", "folder", "ref"), SERVED + SCP_LIKE)
def test_an_address_is_a_repository_a_folder_and_a_ref(text: str, url: str, folder: str, ref: str) -> None:
    found = remote_address.parse(text)
    assert (found.repository.url, found.folder, found.repository.ref) == (url, folder, ref)
    assert found.repository.is_commit == (ref == COMMIT)


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_what_moves_or_cannot_be_meant_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(AddressError, match=why):
        remote_address.parse(text)


def test_a_commit_is_compared_in_lower_case() -> None:
    upper = remote_address.parse(f"https://h.example/org/repo?ref={COMMIT.upper()}")
    assert upper.repository.ref == COMMIT


@pytest.mark.parametrize(("text", "url", "folder", "ref"), SERVED)
def test_kustomize_would_ask_git_for_the_same(
    text: str, url: str, folder: str, ref: str, tmp_path: Path
) -> None:
    (tmp_path / "kustomization.yaml").write_text(f'resources: ["{text}"]\n')
    told = tmp_path / "told"
    (tmp_path / "bin").mkdir()
    git = tmp_path / "bin" / "git"
    git.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    git.chmod(0o755)
    closed = "http://127.0.0.1:9"  # kustomize first asks for a file of this name
    run = subprocess.run(
        [KUBECTL, "kustomize", tmp_path],
        env={**os.environ, "PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HTTPS_PROXY": closed},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = told.read_text().splitlines()
    assert f"fetch --depth=1 {url} {ref}" in [line.replace("refs/tags/", "") for line in lines]
    if folder:
        assert f"/{folder}'" in run.stderr
