"""Masking costs what the message and the secrets weigh together, whatever an author makes of either."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from towline.fields import mask_text

Shape = Callable[[int], tuple[list[str], list[str]]]
"""Messages and secrets of a size."""


def alike(count: int) -> tuple[list[str], list[str]]:
    return ["value 99" * count], [f"value {number:08}" for number in range(4 * count)]


def quoted(count: int) -> tuple[list[str], list[str]]:
    pieces = " ".join(f'"value {number:05}"' for number in range(count))
    return [pieces], [20 * f"value {number:08}" for number in range(count)]


def one_letter(count: int) -> tuple[list[str], list[str]]:
    return ["a" * 8 * count], ["a" * number for number in range(1, count)]


def escaped(count: int) -> tuple[list[str], list[str]]:
    return ['\\"\n' * count], [f'"{number}\n<&>' for number in range(count)]


def overlapping(count: int) -> tuple[list[str], list[str]]:
    text = "".join(f"{number:04}" for number in range(count))
    return [text], [text[start : start + 100] for start in range(count)]


SHAPES = [alike, quoted, one_letter, escaped, overlapping]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_four_times_as_much_takes_about_four_times_as_long(shape: Shape) -> None:
    def seconds(count: int) -> float:
        times = []
        for _ in range(3):
            messages, secrets = shape(count)
            begun = time.thread_time()
            mask_text.without(messages, secrets, frozenset())
            times.append(time.thread_time() - begun)
        return min(times)

    assert seconds(1600) <= 10 * max(seconds(400), 0.01)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_no_secret_is_shown_however_much_there_is_to_mask(shape: Shape) -> None:
    messages, secrets = shape(1500)
    shown = "".join(mask_text.without(messages, secrets, frozenset()))
    assert not any(secret in shown for secret in secrets if len(secret) >= mask_text.SHORT)


def test_an_answer_in_which_secrets_begin_everywhere_is_withheld() -> None:
    messages, secrets = one_letter(2000)
    (shown,) = mask_text.without(messages, secrets, frozenset())
    assert shown.startswith("refused; the API server's words are too many to be searched for secrets")


def test_of_very_many_quotations_and_secrets_the_last_are_hidden_in_doubt() -> None:
    pieces = " ".join(f'"other {number:04}"' for number in range(2000))
    secrets = [100 * f"value {number:08}" for number in range(4000)]
    (shown,) = mask_text.without([pieces], secrets, frozenset())
    assert shown.startswith('"other 0000"')
    assert shown.endswith('"***"')
