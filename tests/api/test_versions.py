from __future__ import annotations

import pytest
import semantic_version
from towline.api import versions


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1.x", "1.9.0", "2.0.0"),
        ("v1.2", "1.2.7", "1.3.0"),
        ("^v1.2.3", "1.9.0", "2.0.0"),
        (">=v1.0.0 <v2", "1.5.0", "2.0.0"),
        (">= 1.2", "1.2.0", "1.1.9"),
        ("~1.2", "1.2.9", "1.3.0"),
        ("1.2.3 - 2.3.4", "2.0.0", "2.3.5"),
        ("1.x || 3.x", "3.1.0", "2.0.0"),
        ("*", "7.0.0", "7.0.0-rc.1"),
        (">=1.0.0-rc.1", "1.0.0-rc.2", "1.0.0-beta.1"),
        (">=1.0.0", "1.0.1", "1.0.1-rc.1"),
    ],
)
def test_a_range_holds_what_npm_says(text: str, inside: str, outside: str) -> None:
    found = versions.parse_range(text)
    assert found.match(semantic_version.Version(inside))
    assert not found.match(semantic_version.Version(outside))


@pytest.mark.parametrize("text", ["latest", ">=", "1.2.3.4", "v", ">=1.0, <2", "1.0.0 and 2.0.0"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid NPM block"):
        versions.parse_range(text)
