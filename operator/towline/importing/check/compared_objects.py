"""Compare the objects that two tools render, one by one and field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from towline.fields import diff
from towline.fields.mask import Mask
from towline.importing.check.check_result import ObjectDifference
from towline.model import Body

_HOOKS = ("helm.sh/hook", "argocd.argoproj.io/hook", "towline.dev/")


def differences(
    there: Iterable[Body], here: Iterable[Body], namespace: str, mask: Mask
) -> tuple[ObjectDifference, ...]:
    """Return what differs between the objects of two renders, in the order of the objects.

    What only says when an object is written does not count: annotations of hooks and of Towline itself.

    Args:
        there: those of the other tool.
        here: those of Towline.
        namespace: of objects that name none.
        mask: hides secret values.
    """
    theirs, ours = (_by_name(each, namespace) for each in (there, here))
    return tuple(
        found
        for name in sorted({*theirs, *ours})
        for found in _of(name, theirs.get(name), ours.get(name), mask)
    )


def _of(name: str, there: Body | None, here: Body | None, mask: Mask) -> Iterator[ObjectDifference]:
    if there is None or here is None:
        yield ObjectDifference(object=name, field="", there=bool(there), here=bool(here))
        return
    for change in diff.fields(there, here, here, mask):
        yield ObjectDifference(object=name, field=change.path, there=change.old, here=change.new)


def _by_name(objects: Iterable[Body], namespace: str) -> dict[str, Body]:
    found: dict[str, Body] = {}
    for each in objects:
        body = _content(each)
        metadata = body["metadata"]
        place = metadata.get("namespace") or namespace
        metadata.pop("namespace", None)
        group = str(body.get("apiVersion", "")).rpartition("/")[0]
        kind = f"{body.get('kind')}.{group}" if group else str(body.get("kind"))
        found[f"{kind} {place}/{metadata.get('name')}"] = body
    return found


def _content(body: Body) -> dict[str, Any]:
    metadata = dict(body.get("metadata") or {})
    annotations: Mapping[str, Any] = metadata.pop("annotations", None) or {}
    kept = {name: value for name, value in annotations.items() if not name.startswith(_HOOKS)}
    return {**body, "metadata": {**metadata, **({"annotations": kept} if kept else {})}}
