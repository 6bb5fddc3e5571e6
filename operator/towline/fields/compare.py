"""Tell whether a declared and a live object mean the same.

Only declared fields are compared. What JSON calls equal is the same; beyond that the API server itself rewrites
four things: quantities, in fields that hold one (`1000m` and `1` under `limits`,
but never in an environment variable, a ConfigMap or an annotation, which are text); empty values of built-in
kinds, which it drops; those that ask it to choose, which it fills in (`clusterIP: ""`, `nodePort: 0`); and the line
breaks of base64. Whatever still differs is for a dry run to settle.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from towline.fields import align, controller_fields, pointer, quantity, server_fields
from towline.model import Body

_AMOUNTS = frozenset({"limits", "requests", "capacity", "overhead", "podFixed"})
"""Maps whose values are quantities, in every kind."""

_AMOUNTS_OF = {
    "ResourceQuota": _AMOUNTS | {"hard"},
    "LimitRange": _AMOUNTS | {"max", "min", "default", "defaultRequest", "maxLimitRequestRatio"},
    "HorizontalPodAutoscaler": _AMOUNTS | {"target"},
}
"""The same for kinds with fields of their own, whose names mean something else in other kinds."""

_QUANTITIES = frozenset({"sizeLimit", "divisor", "averageValue"})
"""Fields that are quantities wherever they are."""

_TEXT = frozenset({"labels", "annotations", "data", "matchLabels", "nodeSelector", "selector"})
"""Maps of text: an empty value in them is a value."""

_MEANINGFUL = frozenset({"emptyDir", "podSelector", "namespaceSelector"})
"""Fields whose empty object says something, so that the API server keeps it."""

_CHOSEN = frozenset(
    {
        "clusterIP",
        "clusterIPs",
        "nodePort",
        "healthCheckNodePort",
        "targetPort",
        "ipFamilies",
        "ipFamilyPolicy",
    }
    | {
        "sessionAffinity",
        "internalTrafficPolicy",
        "externalTrafficPolicy",
        "protocol",
        "hostPort",
        "apiGroup",
    }
    | {"imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy", "restartPolicy", "dnsPolicy"}
    | {"schedulerName", "serviceAccount", "serviceAccountName", "priorityClassName", "nodeName", "scheme"}
    | {"timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold", "concurrencyPolicy"}
    | {
        "podManagementPolicy",
        "volumeMode",
        "volumeName",
        "volumeBindingMode",
        "persistentVolumeReclaimPolicy",
    }
    | {"reclaimPolicy", "policyTypes", "listKind", "singular", "matchingPrecedence", "queues", "handSize"}
    | {"queueLengthLimit", "caBundle", "type"}
)
"""Fields of built-in kinds in which an empty text or list, or a zero, asks the API server to choose."""

_WORDS = frozenset({"value", "command", "args"})
"""Fields in which an empty text is a value."""

_SETS = frozenset({"finalizers"})
"""Lists of text where others may add, and order means nothing."""


class _Place(NamedTuple):
    """Where a value is; whether the API server drops empty values there, and which maps hold quantities."""

    steps: tuple[str | int, ...]
    drops: bool
    amounts: frozenset[str]

    def below(self, step: str | int) -> _Place:
        return _Place((*self.steps, step), self.drops, self.amounts)

    @property
    def last(self) -> str | int:
        return self.steps[-1]

    @property
    def parent(self) -> str | int:
        return self.steps[-2] if len(self.steps) > 1 else ""

    def __str__(self) -> str:
        return pointer.join(self.steps)


def same(want: Body, have: Body) -> bool:
    """Say whether a live object means all that is declared; both are whole objects of one version."""
    return next(_object(want, have), None) is None


def differing(want: Body, have: Body) -> tuple[str, ...]:
    """Name the declared leaves that differ in the live object, as JSON pointers into `want`, in its order.

    A list that is longer, shorter or in another order than declared is named as a whole. Where its items
    have names, others may add theirs, and only the order of the declared ones counts.
    """
    return tuple(_object(want, have))


def overridden(sent: Body, answer: Body) -> tuple[str, ...]:
    """Name the leaves whose value in the answer to an apply differs from what was sent: admission changed them.

    An empty text or list of a built-in kind is none of them, as the API server fills in what is left to it; but for
    maps of text, values of variables and the words of a command line, where nothing is a value, too.
    """
    drops = is_built_in(sent)
    return tuple(path for path in differing(sent, answer) if not (drops and _is_open(sent, path)))


def _is_open(body: Body, path: str) -> bool:
    steps = pointer.split(path)
    return pointer.follow(body, path) in ("", []) and _TEXT.isdisjoint(steps) and steps[-1] not in _WORDS


def _object(want: Body, have: Body) -> Iterator[str]:
    want = _comparable(want)
    secret = want.get("kind") == "Secret" and want.get("apiVersion") == "v1"
    drops, amounts = is_built_in(want), _AMOUNTS_OF.get(str(want.get("kind")), _AMOUNTS)
    for key, value in want.items():
        if _identical(value, have.get(key)):
            continue
        here = _Place((key,), drops, amounts)
        if key == "binaryData" or (key == "data" and secret):
            yield from _bytes(value, have.get(key), here)
        else:
            yield from _value(value, have.get(key), here)


def _comparable(want: Body) -> Body:
    """Return what is declared without the fields that are a server's or a controller's."""
    slim, _ = controller_fields.split(want)
    return {**slim, "metadata": server_fields.metadata(slim)} if "metadata" in slim else slim


def is_built_in(body: Body) -> bool:
    """Say whether the API server reads the object into a type of its own; others are kept as they are."""
    group = str(body.get("apiVersion")).rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def _value(want: Any, have: Any, here: _Place) -> Iterator[str]:
    if want is None or (have is None and _dropped(want, here)) or _asks(want, have, here):
        return
    if isinstance(want, dict) and want and (have is None or isinstance(have, dict)):
        for key, item in want.items():
            if not _identical(item, other := (have or {}).get(key)):
                yield from _value(item, other, here.below(key))
    elif isinstance(want, dict) and isinstance(have, dict):
        return  # what is there beside an empty object was not declared
    elif isinstance(want, list) and isinstance(have, list):
        yield from _list(want, have, here)
    elif not _equal(want, have, here):
        yield str(here)


def _identical(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON, as nearly all are, so that nothing within them is looked at."""
    if one != other:
        return False
    return isinstance(one, str) or _spelt_alike(one, other)


def _spelt_alike(one: Any, other: Any) -> bool:
    """Tell whether equal values are the same JSON, too, where 1 is not true."""
    try:
        return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
            other, option=orjson.OPT_SORT_KEYS
        )
    except TypeError:
        return False


def _dropped(want: Any, here: _Place) -> bool:
    if want == "" and here.parent in _TEXT:
        return False
    return here.drops and not want and here.last not in _MEANINGFUL


def _asks(want: Any, have: Any, here: _Place) -> bool:
    """Tell whether the API server was asked to choose, and has chosen."""
    is_empty = not want and not isinstance(want, bool | dict)
    return is_empty and bool(have) and here.drops and here.last in _CHOSEN and here.parent not in _TEXT


def _equal(want: Any, have: Any, here: _Place) -> bool:
    if isinstance(want, bool) or isinstance(have, bool):
        return want is have  # True == 1 in Python, and nowhere else
    if want == have:
        return True
    if here.parent not in here.amounts and here.last not in _QUANTITIES:
        return False
    if not _TEXT.isdisjoint(here.steps):
        return False
    amount = quantity.parse(want)
    return amount is not None and amount == quantity.parse(have)


def _list(want: Sequence[Any], have: Sequence[Any], here: _Place) -> Iterator[str]:
    keys = align.telling(want, have) if want else ()
    if here.last in _SETS:
        yield from (str(here.below(index)) for index, item in enumerate(want) if item not in have)
    elif keys:
        yield from _keyed(want, have, keys, here)
    elif len(want) != len(have):
        yield str(here)
    else:
        for index, (item, other) in enumerate(zip(want, have, strict=True)):
            yield from _value(item, other, here.below(index))


def _keyed(
    want: Sequence[Mapping[str, Any]], have: Sequence[Mapping[str, Any]], keys: Sequence[str], here: _Place
) -> Iterator[str]:
    places = {align.named(item, keys): index for index, item in enumerate(have)}
    found = [places.get(align.named(item, keys)) for item in want]
    there = [place for place in found if place is not None]
    if there != sorted(there):
        yield str(here)
    for index, (item, place) in enumerate(zip(want, found, strict=True)):
        if place is None:
            yield str(here.below(index))
        else:
            yield from _value(item, have[place], here.below(index))


def _bytes(want: Any, have: Any, here: _Place) -> Iterator[str]:
    """Compare maps of base64 by what they encode."""
    for key, value in (want or {}).items():
        other = have.get(key) if isinstance(have, Mapping) else None
        if value is not None and (other is None or _decoded(value) != _decoded(other)):
            yield str(here.below(key))


def _decoded(value: Any) -> Any:
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (AttributeError, ValueError):
        return value  # the API server refuses it, in its own words
