from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from towline import text


@given(st.text(), st.integers(min_value=3, max_value=64))
def test_text_by_others_becomes_one_printable_line_within_its_limit(written: str, limit: int) -> None:
    line = text.printable(written, limit)

    assert len(line.encode()) <= limit
    assert all(char == " " or char.isprintable() for char in line)
    assert line == line.strip()


def test_what_fits_stays_as_it_is() -> None:
    assert text.printable("größer als “drei”: 4 > 3") == "größer als “drei”: 4 > 3"


def test_a_cut_is_shown() -> None:
    assert text.printable("x" * 2000, 10) == "x" * 7 + "…"


def test_control_characters_and_direction_marks_are_taken_out() -> None:
    assert text.printable("a\x1b[31mb\u202ec\r\nd\x00") == "a [31mb c d"
