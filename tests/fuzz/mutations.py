"""Make inputs that resemble valid ones: bytes are changed, removed, repeated and taken from another input."""

from __future__ import annotations

import random
from collections.abc import Sequence

_SPICE = (
    *(bytes([byte]) for byte in b"\0\t\n\r \"'\\/[]{}()*&!%:,-.?#|<>~^=0f9"),
    *(
        b"0000",
        b"0001",
        b"fff0",
        b"---\n",
        b"...\n",
        b"<<: ",
        b"*m",
        b"&m ",
        b"1e999",
        b"9" * 5000,
        b"\xff\xfe",
    ),
    *(
        "\u2028ä😀٣²".encode(),
        b"/" * 50,
        b"**/" * 5,
        b"[" * 50,
        b"{a: " * 50,
        b"(" * 200,
        b"!" * 300,
        b"\\u0000",
    ),
)
_LONGEST = 20_000


def mutated(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """Return one of the inputs after a few random changes."""
    found = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        found = _changed(found, seeds, chance)
    return found[:_LONGEST]


def _changed(text: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    start = chance.randint(0, len(text))
    end = min(len(text), start + chance.choice((0, 1, 2, 5, 20)))
    other = chance.choice(seeds)
    begin = chance.randint(0, len(other))
    new = chance.choice(
        (
            b"",
            chance.choice(_SPICE),
            chance.choice(_SPICE),
            bytes([chance.randrange(256)]),
            text[start:end] * chance.choice((2, 3, 100)),
            other[begin : begin + chance.choice((1, 5, 50))],
        )
    )
    return text[:start] + new + text[end:]
