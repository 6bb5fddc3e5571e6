"""List the changed fields of one object, with old and new value, both masked first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from towline.api import labels
from towline.api.syncrecord import FieldChange
from towline.fields import align, compare, pointer, server_fields
from towline.fields.mask import Mask
from towline.model import Body, Difference

LARGEST = 2048
"""Bytes of JSON; a larger value is replaced by its length, digest and head."""

HEAD = 256
"""Characters."""

EXACT = 2**53 - 1
"""Beyond this a JSON number is not the same number everywhere (RFC 8259, section 6): it stands as text."""

_STAMPS = frozenset(
    {
        labels.REPOSITORY_LABEL,
        labels.COMMIT,
        labels.SOURCE,
        labels.OWNER,
        labels.DIGEST,
        labels.ADOPTED,
    }
)


def fields(
    before: Body | None, after: Body | None, declared: Body | None, mask: Mask
) -> tuple[FieldChange, ...]:
    """Return the changed fields of one object, in the order of their paths; none where there was no object.

    Items of a list are named by their index in the new list, those that go away by that in the old one.

    Args:
        before: the live object.
        after: what the server says it will be; None without a dry run: declared leaves stand for it then.
        declared: the object in Git, None for one that is not in Git.
        mask: hides secret values, before anything is compared.
    """
    if before is None:
        return ()
    ignored = _STAMPS if _declares_cause(declared) else _STAMPS | {labels.CHANGE_CAUSE}
    if after is None:
        return _leaves(before, _content(declared or {}, ignored), mask)
    old, new = (_content(mask.masked(body), ignored) for body in (before, after))
    return tuple(sorted(_compared(*align.narrowed(old, new)), key=lambda change: change.path))


def overridden(sent: Body, answer: Body, mask: Mask) -> tuple[Difference, ...]:
    """Return the fields to which admission gave another value than was sent."""
    paths = compare.overridden(sent, answer)
    return values(sent, answer, paths, mask) if paths else ()


def values(declared: Body, live: Body, paths: Iterable[str], mask: Mask) -> tuple[Difference, ...]:
    """Return what is declared and what is live of each path, a JSON pointer into `declared`, masked and bounded."""
    want, have = mask.masked(declared), mask.masked(live)
    found = []
    for path in paths:
        one, other = _lookup(path, want, have)
        found.append(Difference(path, _bounded(one), _bounded(other)))
    return tuple(found)


def value_at(live: Body, path: str) -> Any:
    """Return the value at a JSON pointer into a live object that is masked already, as a record holds it."""
    return _bounded(pointer.follow(live, path))


def _leaves(before: Body, declared: Body, mask: Mask) -> tuple[FieldChange, ...]:
    found = values(declared, before, compare.differing(declared, before), mask)
    return tuple(FieldChange(path=each.path, old=each.have, new=each.want) for each in found)


def _lookup(path: str, want: Any, have: Any) -> tuple[Any, Any]:
    """Follow a pointer into `want`, and to its counterpart in `have`: list items by what tells them apart."""
    for key in pointer.split(path):
        if isinstance(want, list):
            want, have = want[int(key)], align.counterpart(want, int(key), have)
        else:
            want, have = _entry(want, key), _entry(have, key)
    return want, have


def _entry(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _declares_cause(declared: Body | None) -> bool:
    """Tell whether the author wrote a change cause; in a stamped body Towline may have written it."""
    annotations = ((declared or {}).get("metadata") or {}).get("annotations") or {}
    return labels.CHANGE_CAUSE in annotations and labels.OWNER not in annotations


def _content(body: Body, ignored: frozenset[str]) -> dict[str, Any]:
    """Return the part of an object that people write."""
    metadata = server_fields.metadata(body)
    for place in ("annotations", "labels"):
        words = metadata.pop(place, None) or {}
        kept = {name: value for name, value in words.items() if name not in ignored}
        metadata |= {place: kept} if kept else {}
    return {name: value for name, value in body.items() if name != server_fields.STATUS} | {
        "metadata": metadata
    }


def _compared(old: Any, new: Any) -> Iterator[FieldChange]:
    if old == new == {}:
        return
    from deepdiff import DeepDiff  # loads for a quarter of a second, and only a sync needs it
    from deepdiff.helper import notpresent

    left, right = align.unlined(old), align.unlined(new)
    for levels in DeepDiff(left, right, view="tree", threshold_to_diff_deeper=0).values():
        for level in levels:
            steps = level.path(output_format="list")
            path = pointer.join(step.place if isinstance(step, align.At) else step for step in steps)
            was, is_now = (None if value is notpresent else _bounded(value) for value in (level.t1, level.t2))
            if was is not None or is_now is not None:  # a record has no word for a null in place of nothing
                yield FieldChange(path=path, old=was, new=is_now)


def _bounded(value: Any) -> Any:
    """Return a value as a record holds it."""
    exact = _exact(value)
    text = exact if isinstance(exact, str) else json.dumps(exact, ensure_ascii=False, sort_keys=True)
    content = text.encode()
    if len(content) <= LARGEST:
        return exact
    digest = hashlib.sha256(content).hexdigest()
    return {"length": len(content), "digest": f"sha256:{digest}", "head": text[:HEAD]}


def _exact(value: Any) -> Any:
    if isinstance(value, align.Whole):
        return _exact(value.value)
    if isinstance(value, Mapping):
        return {name: _exact(child) for name, child in value.items() if child is not None}
    if isinstance(value, list | tuple):
        return [_exact(child) for child in value]
    if isinstance(value, int | float) and abs(value) > EXACT:
        return str(value)
    return value
