"""Write canonical JSON (RFC 8785), where equal values have equal bytes."""

from __future__ import annotations

import re
from typing import Any

import orjson
import rfc8785

_SPECIAL = re.compile(rb'(?:":|,|\[)-?(?:[0-9]+[.eE]|[0-9]{16})')
"""Where a number may stand that is no integer below 10^15; the inside of a string may look so, too.

Each way to begin is a literal, which `re` looks for three times as fast.
"""


def dumps(value: Any) -> bytes:
    """Return the canonical JSON of a value.

    Where all text is ASCII and all numbers are small integers, as nearly always, sorted compact JSON is canonical
    (sections 3.2.2 and 3.2.3), and is written forty times as fast.

    Raises:
        ValueError: it holds an integer from 2^53 on, or half of a surrogate pair.
    """
    try:
        plain = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return rfc8785.dumps(value)
    return plain if plain.isascii() and not _SPECIAL.search(b"," + plain) else rfc8785.dumps(value)
