from __future__ import annotations

import pytest
from semantic_version import Version
from towline.api import versions

RELEASES = [
    "0.0.3",
    "0.0.4",
    "0.2.0",
    "0.2.5",
    "0.3.0",
    "1.0.0",
    "1.0.1",
    "1.2.3",
    "1.3.0+build5",
    "1.9.9",
    "2.0.0",
]
PRE_RELEASES = [
    "1.0.0-alpha",
    "1.0.0-rc.1",
    "1.2.3-beta.1",
    "1.2.3-beta.2",
    "1.2.4-alpha",
    "2.0.0-rc.1",
    "2.1.0-beta",
]
TAGS = [*RELEASES, *PRE_RELEASES]


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        ("", "2.0.0"),
        ("*", "2.0.0"),
        ("1.x", "1.9.9"),
        ("1.X.*", "1.9.9"),
        ("v1", "1.9.9"),
        ("1.2.x", "1.2.3"),
        ("1.2.3", "1.2.3"),
        ("=v1.2.3", "1.2.3"),
        ("= 1.2.3", "1.2.3"),
        ("1.2.3-beta.1", "1.2.3-beta.1"),
        ("1.3.0", "1.3.0+build5"),
        ("1.2.3+build", "1.2.3"),
        ("^1.2.3+build", "1.9.9"),
        ("^v1.2", "1.9.9"),
        ("^0.2", "0.2.5"),
        ("^0.2.0", "0.2.5"),
        ("^0.0.3", "0.0.3"),
        ("^0.0", "0.0.4"),
        ("^0", "0.3.0"),
        ("^0.x", "0.3.0"),
        ("^1.2.3-beta.0", "1.9.9"),
        ("~1.2", "1.2.3"),
        ("~1", "1.9.9"),
        ("~> 1.2", "1.2.3"),
        ("~1.2.3-beta.0", "1.2.3"),
        ("~0.2.0", "0.2.5"),
        (">1", "2.0.0"),
        (">1.2 <1.9", "1.3.0+build5"),
        (">=1.2.3+x <2", "1.9.9"),
        ("<1", "0.3.0"),
        ("<1.0.0", "0.3.0"),
        ("<1.0.0-rc.1", "1.0.0-alpha"),
        ("<=1", "1.9.9"),
        ("<=1.2", "1.2.3"),
        ("<= 1.3.0", "1.3.0+build5"),
        (">= 1.2.0 < 2.0.0", "1.9.9"),
        (">1.2.3-beta.1 <1.2.3", "1.2.3-beta.2"),
        (">=2.0.0-rc.0 <2.0.0-rc.2", "2.0.0-rc.1"),
        (">=2.1.0-0", "2.1.0-beta"),
        ("1.0.0 - 2.0.0-rc.1", "2.0.0-rc.1"),
        ("1.0.0 - 1.2.2", "1.0.1"),
        ("0.1 - 0.2", "0.2.5"),
        ("v0.1 - v1", "1.9.9"),
        ("1.x || 0.2.x", "1.9.9"),
        ("^3||^0.2", "0.2.5"),
        ("|| 1", "2.0.0"),
        ("^3", ""),
        (">1 <1", ""),
        (">*", ""),
        ("1.x 2.x", ""),
    ],
)
def test_of_many_tags_a_range_holds_what_npm_says(text: str, newest: str) -> None:
    found = versions.parse_range(text)
    assert max((Version(tag) for tag in TAGS if Version(tag) in found), default="") == (
        Version(newest) if newest else ""
    )


@pytest.mark.parametrize("text", ["<2", "<=1.9", "1.x", "^1.2", "~1", "*", ">=1.0.0", "0.1 - 1"])
def test_no_pre_release_is_in_a_range_that_names_none(text: str) -> None:
    found = versions.parse_range(text)
    assert not [tag for tag in PRE_RELEASES if Version(tag) in found]
    assert [tag for tag in RELEASES if Version(tag) in found]


@pytest.mark.parametrize(
    "text",
    [
        "latest",
        ">=",
        "1.2.3.4",
        "v",
        ">=1.0, <2",
        "1.0.0 and 2.0.0",
        "!=1",
        "x.2",
        "1.x.3",
        "01.2",
        "1 -",
        "|",
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be a version|behind an x"):
        versions.parse_range(text)


def test_a_tag_is_of_a_version_with_or_without_a_leading_v_and_no_other_ref_is() -> None:
    for name in ("refs/tags/v1.2.3", "refs/tags/1.2.3"):
        assert versions.tagged(name) == Version("1.2.3")
    for name in ("refs/heads/1.2.3", "refs/tags/v1.2", "refs/tags/v01.2.3", "refs/tags/latest", ""):
        assert versions.tagged(name) is None
