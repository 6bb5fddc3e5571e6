from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from towline.errors import SourceError
from towline.read.comparison import revision_folder
from towline.source.selection import Entry, Kind


def entry(path: str, content: bytes = b"", kind: Kind = Kind.FILE, size: int = -1) -> Entry:
    sha = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return Entry(path=path, mode="", kind=kind, sha=sha, size=len(content) if size < 0 else size)


async def write(folder: Path, contents: Sequence[tuple[Entry, bytes]]) -> None:
    held = {each.sha: content for each, content in contents}

    async def read(shas: Sequence[str]) -> Mapping[str, bytes]:
        return {sha: held[sha] for sha in shas}

    await revision_folder.write(folder, [each for each, _ in contents], read)


async def test_files_symlinks_and_submodules_are_as_in_a_work_tree(tmp_path: Path) -> None:
    await write(
        tmp_path,
        [
            (entry("deploy/web.yaml", b"kind: Pod\n"), b"kind: Pod\n"),
            (entry("link.yaml", b"deploy/web.yaml", Kind.SYMLINK), b"deploy/web.yaml"),
            (entry("deploy/caf\udce9.yaml", b"a"), b"a"),
            (entry("vendor/lib", kind=Kind.SUBMODULE), b""),
        ],
    )
    assert (tmp_path / "link.yaml").read_bytes() == b"kind: Pod\n"
    assert {os.fsencode(each.name) for each in (tmp_path / "deploy").iterdir()} == {
        b"caf\xe9.yaml",
        b"web.yaml",
    }
    assert [each.name for each in (tmp_path / "vendor" / "lib").iterdir()] == [".git"]


async def test_no_file_is_written_through_a_symlink_of_the_same_tree(tmp_path: Path) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    tree.mkdir()
    link = (entry("a", str(outside).encode(), Kind.SYMLINK), str(outside).encode())
    with pytest.raises(OSError, match="exists"):
        await write(tree, [link, (entry("a/planted", b"x"), b"x")])
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "a/../../x", ".git/hooks/x", ".GIT/config", "/etc/x", "a//x"])
async def test_a_path_that_leads_elsewhere_is_refused_before_anything_is_written(
    tmp_path: Path, path: str
) -> None:
    with pytest.raises(SourceError, match="not allowed"):
        await write(tmp_path, [(entry("ok", b"x"), b"x"), (entry(path, b"x"), b"x")])
    assert os.listdir(tmp_path) == []  # noqa: PTH208  nothing else runs on this loop


async def test_a_file_that_no_renderer_reads_is_not_fetched(tmp_path: Path) -> None:
    large = entry("video.mp4", b"large", size=revision_folder.LARGEST + 1)
    await write(tmp_path, [(large, b"")])
    assert (tmp_path / "video.mp4").stat().st_size == revision_folder.LARGEST + 1
    assert (tmp_path / "video.mp4").stat().st_blocks == 0
