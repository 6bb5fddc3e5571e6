"""Read and write JSON pointers (RFC 6901), which name fields in rules, failures and records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from functools import reduce
from typing import Any


def extend(path: str, step: str | int) -> str:
    """Lengthen a pointer by one key or index."""
    text = step.replace("~", "~0").replace("/", "~1") if isinstance(step, str) else step
    return f"{path}/{text}"


def join(steps: Iterable[str | int]) -> str:
    """Return the pointer of some keys and indexes."""
    return reduce(extend, steps, "")


def split(path: str) -> list[str]:
    """Return the keys and indexes of a pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def is_below(path: str, whole: str) -> bool:
    """Tell whether a pointer leads into what another one leads to."""
    return path.startswith(f"{whole}/")


def is_within(path: str, whole: str) -> bool:
    """Tell whether a pointer is another one, or leads below it."""
    return path == whole or is_below(path, whole)


def above(path: str) -> Iterator[str]:
    """Yield what a pointer leads through: that of its list or map, and so on, without that of the whole."""
    while path := path.rpartition("/")[0]:
        yield path


def around(paths: Iterable[str]) -> frozenset[str]:
    """Return pointers with all that they lead through: whatever is one of them, or holds one."""
    return frozenset(place for path in paths for place in (path, *above(path)))


def place(items: Sized, step: str) -> int | None:
    """Return the index that a step means; None where it is none, or the list is shorter."""
    # Python refuses to read thousands of digits
    if not step.isdecimal() or len(step) > len(str(len(items))):
        return None
    return int(step) if int(step) < len(items) else None


def child(value: Any, step: str) -> Any:
    """Return what one key or index leads to; None where it leads nowhere."""
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and (index := place(value, step)) is not None:
        return value[index]
    return None


def follow(value: Any, path: str) -> Any:
    """Return what a pointer leads to; None where it leads nowhere."""
    return reduce(child, split(path), value)
