"""What other tools leave out is left out by `spec.exclude`, too."""

from __future__ import annotations

import pytest
from towline.importing import exclude_patterns
from towline.importing.exclude_patterns import UntranslatableError


@pytest.mark.parametrize(
    ("lines", "path", "patterns"),
    [
        (["*.md", "# note", "", "  "], "apps", ["*.md"]),
        (["/apps/test/", "/infra"], "apps", ["/test/"]),
        (["apps/*/test"], "apps/web", ["/test"]),
        (["/*", "!/apps"], "apps/web", []),
        (["/*/docs", "!/apps/docs/keep"], "apps", ["/docs", "!/docs/keep"]),
        (["/docs"], ".", ["/docs"]),
        (["**/docs"], ".", ["/**/docs"]),
        (["web", "!web"], "apps/web", ["web", "!web"]),
    ],
)
def test_patterns_from_the_root_become_patterns_below_a_folder(
    lines: list[str], path: str, patterns: list[str]
) -> None:
    assert exclude_patterns.from_root(lines, path) == patterns


@pytest.mark.parametrize(
    ("lines", "path"), [(["/apps"], "apps/web"), (["web"], "apps/web"), (["**/x"], "apps"), (["/*"], "apps")]
)
def test_a_pattern_that_leaves_out_the_folder_has_no_equal(lines: list[str], path: str) -> None:
    with pytest.raises(UntranslatableError):
        exclude_patterns.from_root(lines, path)


@pytest.mark.parametrize(
    ("include", "exclude", "recurse", "patterns"),
    [
        ("", "", True, []),
        ("", "", False, ["/*/"]),
        ("a.yaml", "", False, ["/*/", "*", "!/a.yaml"]),
        ("{a,b}.yaml", "", True, ["*", "!*/", "!/a.yaml", "!/b.yaml"]),
        ("", "*/secret.yaml", True, ["/*/**/secret.yaml"]),
        ("", "sub/dir/*", True, ["/sub/dir/**"]),
        ("", "sub/dir/*", False, ["/*/"]),
    ],
)
def test_globs_of_argo_cd_become_patterns(
    include: str, exclude: str, *, recurse: bool, patterns: list[str]
) -> None:
    assert exclude_patterns.of_directory(include, exclude, recurse=recurse) == patterns


@pytest.mark.parametrize("glob", ["a*b.yaml", "*x/y.yaml", "[ab]/*"])
def test_a_glob_that_crosses_folders_has_no_equal(glob: str) -> None:
    with pytest.raises(UntranslatableError):
        exclude_patterns.of_directory("", glob, recurse=True)
