"""Decide which nulls of a manifest are sent, and find those that are filled in the live object.

A null is sent as `kubectl apply --server-side` sends it: it is a value where a schema calls the field nullable, it
removes the field elsewhere, and either way the entry in `managedFields` holds it. Four nulls are not sent, because
no schema gives them a meaning and the API server deals badly with them (measured on 1.37):

- fields of `metadata`: a null list of finalizers would remove those of others;
- an entry of labels, annotations, or the data of a ConfigMap or Secret: the API server keeps it as an empty text, and
  writes the object anew at each apply; so the empty text is sent;
- the key of a list item (`protocol`, `name`) of a built-in kind: the item would be added once more at each apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from towline.fields import align, compare, pointer
from towline.model import Body

_TEXTS = frozenset({"labels", "annotations"})
_DATA = frozenset({"data", "binaryData"})
_KEYS = frozenset({"name", "protocol"})
"""What tells the items of lists of built-in kinds apart where it may be left out."""


def settled(body: Body) -> dict[str, Any]:
    """Return an object with the nulls that are sent."""
    found = _keyed(body) if _has_keys(body) else dict(body)
    found["metadata"] = {
        name: _texts(value) if name in _TEXTS else value
        for name, value in (body.get("metadata") or {}).items()
        if value is not None
    }
    if body.get("apiVersion") == "v1" and body.get("kind") in {"ConfigMap", "Secret"}:
        found |= {name: _texts(found[name]) for name in _DATA & found.keys()}
    return found


class Filled(NamedTuple):
    """A declared null where a live object holds something: pointers into what is declared, and into the object."""

    declared: str = ""
    live: str = ""

    def below(self, declared: str | int, live: str | int) -> Filled:
        """Return the place one step deeper."""
        return Filled(pointer.extend(self.declared, declared), pointer.extend(self.live, live))


_TOP = Filled()


def filled(want: Any, have: Any, here: Filled = _TOP) -> Iterator[Filled]:
    """Name the declared nulls where a live object holds something.

    A default of the API server and a value of another field manager look alike here: a dry run tells them apart.
    """
    if want is None:
        if have is not None:
            yield here
    elif isinstance(want, Mapping) and isinstance(have, Mapping):
        for key, value in want.items():
            yield from filled(value, have.get(key), here.below(key, key))
    elif isinstance(want, list) and isinstance(have, list):
        for index, place in enumerate(align.counterparts(want, have)):
            if want[index] is not None and place is not None and have[place] is not None:
                yield from filled(want[index], have[place], here.below(index, place))


def _has_keys(body: Body) -> bool:
    """Tell whether lists have the keys of built-in kinds; a CRD holds values of any kind, and none of such lists."""
    return compare.is_built_in(body) and body.get("kind") != "CustomResourceDefinition"


def _texts(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {name: "" if text is None else text for name, text in value.items()}


def _keyed(value: Any, *, item: bool = False) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _keyed(child)
            for name, child in value.items()
            if not (item and child is None and name in _KEYS)
        }
    if isinstance(value, list):
        return [_keyed(child, item=True) for child in value]
    return value
