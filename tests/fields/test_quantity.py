from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.fields import quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", Fraction(1)),
        ("+1", Fraction(1)),
        ("-1.5", Fraction(-3, 2)),
        ("1.", Fraction(1)),
        (".5", Fraction(1, 2)),
        ("1000m", Fraction(1)),
        ("500m", Fraction(1, 2)),
        ("1500u", Fraction(15, 10_000)),
        ("2n", Fraction(2, 10**9)),
        ("1k", Fraction(1000)),
        ("1Ki", Fraction(1024)),
        ("1024Mi", Fraction(2**30)),
        ("1Gi", Fraction(2**30)),
        ("1.5Gi", Fraction(3 * 2**29)),
        ("1E", Fraction(10**18)),
        ("1Ei", Fraction(2**60)),
        ("1E3", Fraction(1000)),
        ("1e3", Fraction(1000)),
        ("1e-3", Fraction(1, 1000)),
        (1, Fraction(1)),
        (0.5, Fraction(1, 2)),
        (1e20, Fraction(10**20)),
        (-0.0, Fraction(0)),
    ],
)
def test_a_quantity_is_read_as_the_api_server_reads_it(text: str | float, number: Fraction) -> None:
    assert quantity.parse(text) == number


@pytest.mark.parametrize(
    ("text", "number"), [("0.1n", 1), ("1.5n", 2), ("-0.1n", -1), ("1e-30", 1), ("0n", 0)]
)
def test_what_is_finer_than_a_billionth_is_rounded_away_from_zero(text: str, number: int) -> None:
    assert quantity.parse(text) == Fraction(number, 10**9)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            "1 ",
            " 1",
            "1\n",
            "m",
            ".",
            "+",
            "--1",
            "1.2.3",
            "0x10",
            "1_000",
            "1K",
            "1ki",
            "1KI",
            "1e",
            "1i",
        ),
        *("1e3Gi", "1mm", "one", "٣", "1e9999", "9" * 101, "inf", "nan", "1/2"),
        *(None, True, False, [], {}, float("inf"), float("nan")),
    ],
)
def test_anything_else_is_no_quantity(value: object) -> None:
    assert quantity.parse(value) is None


@pytest.mark.parametrize(
    ("suffix", "factor"),
    [
        *zip(["n", "u", "m"], [Fraction(1, 10**power) for power in (9, 6, 3)], strict=True),
        *zip("kMGTPE", [10**power for power in (3, 6, 9, 12, 15, 18)], strict=True),
        *zip("KMGTPE", [2**power for power in (10, 20, 30, 40, 50, 60)], strict=True),
    ],
)
def test_every_suffix_has_its_factor(suffix: str, factor: Fraction | int) -> None:
    binary = isinstance(factor, int) and factor & (factor - 1) == 0
    assert quantity.parse(f"3{suffix}{'i' if binary else ''}") == 3 * factor


@given(st.integers(-(10**6), 10**6))
def test_one_amount_has_many_spellings(amount: int) -> None:
    spellings = (
        amount,
        str(amount),
        f"{amount}000m",
        f"{amount}.0",
        f"{amount}e0",
        f"{amount * 1024}",
        f"{amount}Ki",
    )
    *plain, large, binary = (quantity.parse(spelling) for spelling in spellings)
    assert set(plain) == {Fraction(amount)}
    assert large == binary


@given(st.text(max_size=40) | st.floats() | st.integers())
def test_no_text_and_no_number_is_too_strange_to_be_read(value: str | float) -> None:
    found = quantity.parse(value)
    assert found is None or isinstance(found, Fraction)
