"""Cut texts, values and lists to what fits into a record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from towline import text
from towline.model import Person, Revision, Trailer

T = TypeVar("T")


def size(value: Any) -> int:
    """Return the size of a JSON value in bytes; text and numbers that JSON cannot hold count, too."""
    with suppress(TypeError):
        return len(orjson.dumps(value))
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def packs(
    items: Iterable[T], sizes: Callable[[T], int], room: int, most: int, first: int | None = None
) -> list[list[T]]:
    """Distribute items over packs, in order; there is at least one pack, and a large item has one alone.

    Args:
        items: what to distribute.
        sizes: bytes of one item.
        room: bytes of one pack.
        most: items of one pack.
        first: bytes of the first pack, where it has less room.
    """
    packed: list[list[T]] = [[]]
    left = room if first is None else first
    for item in items:
        needed = sizes(item)
        if packed[-1] and (needed > left or len(packed[-1]) == most):
            packed.append([])
            left = room
        packed[-1].append(item)
        left -= needed
    return packed


def fit(text: str, limit: int) -> str:
    """Return at most `limit` characters that UTF-8 can hold; `…` marks a cut."""
    if text.isascii() and len(text) <= limit:
        return text
    whole = text.encode("utf-8", "replace").decode()
    return whole if len(whole) <= limit else f"{whole[: limit - 1]}…"


def commit(revision: Revision) -> Revision:
    """Return a commit with names and subject cut to the length of a line."""
    return replace(
        revision,
        author=person(revision.author),
        committer=person(revision.committer),
        subject=text.printable(revision.subject, 512),
        pull_request=text.printable(revision.pull_request, 256),
        merged_by=text.printable(revision.merged_by, 256),
        trailers=tuple(
            Trailer(each.name[:64], text.printable(each.value, 256)) for each in revision.trailers
        ),
    )


def with_few_trailers(commits: Iterable[Revision], most: int) -> tuple[Revision, ...]:
    """Return commits whose trailers have at most `most` characters together; those of the first ones stay."""
    left = most
    found = []
    for revision in commits:
        left -= sum(len(each.name) + len(each.value) for each in revision.trailers)
        found.append(revision if left >= 0 else replace(revision, trailers=()))
    return tuple(found)


def person(given: Person) -> Person:
    """Return a person with both texts cut to what a line shows."""
    return Person(name=text.printable(given.name, 256), email=text.printable(given.email, 256))
