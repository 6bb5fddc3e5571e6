from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.errors import Reason, SpecError
from towline.source.exclusion import Exclusion


def test_no_pattern_excludes_nothing() -> None:
    assert not Exclusion(()).covers("a.yaml")


@pytest.mark.parametrize("pattern", ["!", "a[z-a].yaml"])
def test_a_pattern_that_is_none_is_a_fault_of_the_spec(pattern: str) -> None:
    with pytest.raises(SpecError, match=r"spec\.exclude") as raised:
        Exclusion((pattern,)).covers("a.yaml")
    assert raised.value.reason == Reason.INVALID_SPEC


@pytest.mark.parametrize("pattern", ["*a*b*c*d.yaml", "**/a/**/b/**/c/**", "***/a/***/b/**/c/**", "x/****/y"])
def test_a_pattern_with_too_many_stars_is_refused_before_it_costs_anything(pattern: str) -> None:
    with pytest.raises(SpecError, match="more than 3"):
        Exclusion((pattern,))


def test_patterns_that_cost_too_much_are_given_up() -> None:
    seconds = iter(range(100))
    exclusion = Exclusion(("*.yaml",), clock=lambda: next(seconds))
    for _ in range(3):
        exclusion.covers("a.txt")
    with pytest.raises(SpecError, match="too long"):
        exclusion.covers("a.txt")


@pytest.mark.parametrize(
    "pattern",
    ["[[:alpha:]].yaml", "a[[:digit:]x].yaml", "[a/b].yaml", r"[\]].yaml", "[a-", "x/[!", "a\\", "a\\/"],
)
def test_a_class_that_would_be_read_in_another_way_than_by_git_is_refused(pattern: str) -> None:
    with pytest.raises(SpecError, match=r"spec\.exclude holds a pattern") as raised:
        Exclusion((pattern,))
    assert raised.value.reason == Reason.INVALID_SPEC


@pytest.mark.parametrize(
    ("patterns", "path", "covered"),
    [
        (("!dir/keep.yaml", "dir/"), "dir/keep.yaml", True),
        (("dir/", "!dir/sub/"), "dir/sub/a.yaml", True),
        (("dir/", "!dir/"), "dir/a.yaml", False),
        (("dir/*", "!dir/sub/"), "dir/sub/a.yaml", False),
        (("/x/**/", "!x/y"), "x/y/z/a.yaml", True),
        (("/x/**/", "!x/y"), "x/y/a.yaml", False),
        (("x/**",), "x", False),
        (("x/**",), "x/a.yaml", True),
        (("x[!a]y.yaml",), "x/y.yaml", False),
        (("x/**/y[!a]z",), "x/y/z", False),
        (("x/***/a.yaml",), "x/y/z/a.yaml", True),
        (("a.yaml/",), "a.yaml", False),
        (("a//b.yaml", "//c.yaml", "/"), "a/b.yaml", False),
        (("a.yaml  ",), "a.yaml", True),
        (("dir/\n",), "x/dir/a.yaml", True),
        (("a.yaml\\ ",), "a.yaml ", True),
    ],
)
def test_the_last_pattern_about_a_path_decides_and_nothing_comes_back_from_an_excluded_folder(
    patterns: tuple[str, ...], path: str, *, covered: bool
) -> None:
    assert Exclusion(patterns).covers(path) is covered


def test_a_folder_is_judged_once_for_all_its_files() -> None:
    ticks = iter(range(100))
    exclusion = Exclusion(("/b/",), clock=lambda: next(ticks) / 1000)
    for number in range(10):
        assert not exclusion.covers(f"a/b/{number}.yaml")
    assert next(ticks) == 2 * (2 + 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working tree of files, which git has never seen."""
    folder = tmp_path_factory.mktemp("tree")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    for path in FILES:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return folder


FILES = tuple(
    f"{folder}{name}"
    for folder in ("", "a/", "b/", "a/b/", "a/b/a/", "ab/b/")
    for name in ("a.y", "b.y", "ab.y")
)
NAMES = st.sampled_from(
    ["a", "b", "ab", "a*", "*b", "?", "[ab]", "[!a]", "[^b]", "*", "**", "a.y", "*.y", "[+-9]"]
)
PATTERNS = st.builds(
    lambda back, root, names, end: f"{back}{root}{'/'.join(names)}{end}",
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(NAMES, min_size=1, max_size=4).filter(lambda names: names.count("**") <= 3),
    st.sampled_from(["", "", "/"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=5))
def test_patterns_exclude_what_git_itself_ignores(folder: Path, patterns: list[str]) -> None:
    (folder / ".gitignore").write_text("\n".join(patterns))
    command = ["git", "ls-files", "-z", "--others", "--ignored", "--exclude-per-directory=.gitignore"]
    said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    exclusion = Exclusion(patterns)
    assert {path for path in FILES if exclusion.covers(path)} == {*said.split("\0")} & {*FILES}
