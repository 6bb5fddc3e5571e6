"""The quick way to canonical JSON gives the very bytes of the slow one."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from towline.fields import canonical

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ['a":1.5', ",2e3", "[4.0", "v1:3e9", "\x7f", '\b\f\n\r\t\x01\\/"', "\ue000", "\U00010000"]
)
_NUMBERS = (
    st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([-0.0, 1.0, 1e16, 1e21, 1e-7, 10**15, -(10**15), 2**53 - 1, 0.1])
)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_every_json_value_has_the_bytes_of_rfc_8785(value: Any) -> None:
    assert canonical.dumps(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, [-(2**53)], 2**70, {"a": 10**16}, "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"exceeds|codepoints|codec"):
        canonical.dumps(value)
