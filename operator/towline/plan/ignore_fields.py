"""Fields that are left to others: `spec.ignoreFields`.

Git's value of such a field counts once, when the object, or the list item that holds it, is created. After that the
live value counts: the field is left out of what is sent while another manager owns it, and sent as it is while Towline
is its only owner, because leaving it out would remove it. For the same reason it is sent as it is inside an atomic list
or map. So the field is never fought over, never set back, and never removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from towline.api import labels
from towline.api.ignoring import Rule
from towline.fields import align, managed, owned_paths, pointer, server_paths
from towline.model import Body, GroupKind, Manifest, ObjectRef

_SECRET = GroupKind("", "Secret")
_TEXTS = "/stringData"
_ABSENT: Any = object()
_NEW: Any = object()
"""Stands for what is live below a list item that is not live itself."""

_PROBE = "towline.dev/probe"
"""The name of a field that no object has."""


def marked(manifests: Sequence[Manifest], rules: Sequence[Rule]) -> tuple[Manifest, ...]:
    """Return the manifests, each with the pointers that are left to others.

    They are part of the digest, because a new or dropped rule changes what is applied.
    """
    return (
        tuple(leaving(manifest, ignored(manifest, rules)) for manifest in manifests)
        if rules
        else tuple(manifests)
    )


def leaving(manifest: Manifest, pointers: tuple[str, ...]) -> Manifest:
    """Return a manifest with the pointers that are left to others, which its digest covers."""
    if pointers == manifest.ignored:
        return manifest
    content = "\n".join((manifest.digest, *pointers)).encode()
    return replace(manifest, digest=f"v1:{hashlib.sha256(content).hexdigest()[:60]}", ignored=pointers)


def ignored(manifest: Manifest, rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return the JSON pointers that the rules name for a manifest, sorted, without those that lie below another."""
    named = [rule for rule in rules if _names(rule, manifest.ref)]
    declared = _labels(manifest) if any(rule.labels for rule in named) else {}
    found = {path for rule in named if rule.labels.items() <= declared.items() for path in rule.pointers}
    found |= set(manifest.ignored)
    if manifest.ref.group_kind == _SECRET:
        found = {_in_data(path) for path in found}
    return tuple(sorted(path for path in found if found.isdisjoint(pointer.above(path))))


def without(pointers: Iterable[str], lost: Iterable[str]) -> tuple[str, ...]:
    """Return those of `lost` (JSON pointers into the same manifest) that are not left to others."""
    left = frozenset(pointers)
    return tuple(path for path in lost if left.isdisjoint((path, *pointer.above(path))))


def unsure(body: Body, pointers: Iterable[str], lost: Sequence[str]) -> frozenset[str]:
    """Return those of `lost` that may be lost only because another manager set a field that is left to others.

    The API server owns some lists and maps as a whole: who sets one member takes them all, whatever their values.
    Which they are no entry tells once it is lost. So each counts of which no leaf is held and which has, or could
    have, such a field; but for those that are never owned so: items of a list, metadata, and maps at the top.

    Args:
        body: what is declared.
        pointers: what is left to others.
        lost: the declared leaves that our entry does not hold, those that are left to others among them.
    """
    leaves, gone = owned_paths.lost(body, b""), frozenset(lost)
    wholes = {whole for path in pointers for whole in _wholes(body, path)}
    taken = wholes - pointer.around(leaf for leaf in leaves if leaf not in gone)
    return frozenset(path for path in gone if not taken.isdisjoint(pointer.above(path)))


def sent(body: Body, pointers: Sequence[str], live: Body, manager: str) -> Body:
    """Return the body to apply onto a live object.

    Args:
        body: what is declared, as it would be sent.
        pointers: what is left to others.
        live: the object with its `managedFields`.
        manager: Towline's field manager.
    """
    declared = body  # what is settled already may no longer tell the items of a list apart
    for path in pointers:
        body = _settled(body, path, _find(pointer.split(path), declared, live), live, manager)
    return _stripped(body) if pointers else body


def _names(rule: Rule, ref: ObjectRef) -> bool:
    asked = (
        (rule.kind, ref.kind),
        (rule.group, ref.group),
        (rule.name, ref.name),
        (rule.namespace, ref.namespace),
    )
    return all(wanted is None or wanted == found for wanted, found in asked)


def _labels(manifest: Manifest) -> Mapping[str, Any]:
    declared: Mapping[str, Any] = (manifest.body.get("metadata") or {}).get("labels") or {}
    return declared


def _in_data(path: str) -> str:
    """Return where the API server keeps what a Secret declares as text."""
    return f"/data{path.removeprefix(_TEXTS)}" if pointer.is_within(path, _TEXTS) else path


def _wholes(body: Body, field: str) -> Iterator[str]:
    """Name the lists and maps above a field that the API server may own as a whole."""
    above: Any = None
    here: Any = body
    path = ""
    for depth, step in enumerate(pointer.split(field)):
        is_map = isinstance(here, Mapping) and depth > 1 and not isinstance(above, list)
        if (is_map or isinstance(here, list)) and not path.startswith("/metadata"):
            yield path
        above, here = here, _find([step], here, {})[0]
        path = pointer.extend(path, step)


def _settled(body: Body, path: str, found: tuple[Any, Any], live: Body, manager: str) -> Body:
    declared, have = found
    if have is _NEW:
        return body
    steps = pointer.split(path)
    bare = _without(body, steps, path)
    kept = _own(declared)
    if have is not _ABSENT:
        whole: Body = _placed(bare, steps, have)
        if _is_part(whole, bare, path, live):
            return whole
        kept = _Owners.of(whole, steps, live, manager).kept(have, declared, path)
    return bare if kept is _ABSENT else _placed(bare, steps, kept)


def _is_part(body: Body, bare: Body, path: str, live: Body) -> bool:
    """Tell whether a field of `body` is a part of something that is sent without it, too, and is owned as a whole.

    Who owns the whole holds any other field at that place, too, which nobody does who owns fields one by one.
    """
    above = pointer.split(path)[:-1]
    while not isinstance(_find(above, bare, {})[0], Mapping | list):
        above.pop()
    place, _ = _find(above, body, {})
    beside = len(place) if isinstance(place, list) else _PROBE
    probed = _placed(body, above, [*place, _PROBE] if isinstance(place, list) else {**place, beside: ""})
    probe = pointer.join((*above, beside))
    around = pointer.around(owned_paths.leaves_at(probed, pointer.split(path)))
    is_held = False
    for tree in map(managed.tree, managed.entries(live)):
        if any(owned_paths.held_at(probed, tree, pointer.split(probe))):
            is_held = True
        elif not around.isdisjoint(owned_paths.held_at(probed, tree, pointer.split(path))):
            return False
    return is_held


def _without(body: Body, steps: Sequence[str], path: str) -> Body:
    """Take a value out; the place of a list item is kept until all pointers are settled, as they count by it."""
    above, _ = _find(steps[:-1], body, {})
    if isinstance(above, list):
        is_there = pointer.place(above, steps[-1]) is not None
        return _placed(body, steps, _ABSENT) if is_there else body
    return server_paths.without(body, path)


def _stripped(here: Any) -> Any:
    if isinstance(here, Mapping):
        return {key: _stripped(value) for key, value in here.items()}
    if isinstance(here, list):
        return [_stripped(value) for value in here if value is not _ABSENT]
    return here


def _own(declared: Any) -> Any:
    """Return the keys of an ignored map that Towline always owns."""
    if not isinstance(declared, Mapping):
        return _ABSENT
    return {key: value for key, value in declared.items() if _is_own(key)} or _ABSENT


def _is_own(key: str) -> bool:
    return key.startswith(labels.PREFIX) or key == labels.CHANGE_CAUSE


def _find(steps: Sequence[str], want: Any, have: Any) -> tuple[Any, Any]:
    """Follow a pointer into what is declared and what is live, where list items correspond by what tells them apart."""
    for depth, step in enumerate(steps, 1):
        if isinstance(want, list):
            index = pointer.place(want, step)
            if index is None:
                return _ABSENT, _ABSENT
            have = _counterpart(want, index, have, is_last=depth == len(steps))
            want = want[index]
        elif isinstance(want, Mapping) or want is _ABSENT or want is None:
            want = want.get(step, _ABSENT) if isinstance(want, Mapping) else _ABSENT
            if have is not _NEW:
                have = have.get(step, _ABSENT) if isinstance(have, Mapping) else _ABSENT
        else:
            return _ABSENT, _ABSENT  # nothing lies below a text or a number, whatever is live there
    return want, have


def _counterpart(items: Sequence[Any], index: int, have: Any, *, is_last: bool) -> Any:
    if have is _NEW:
        return _NEW
    found = align.counterpart(items, index, have)
    if found is None:
        return _ABSENT if is_last else _NEW
    return found


def _placed(here: Any, steps: Sequence[str], value: Any) -> Any:
    """Return `here` with a value at the end of some steps; maps on the way are made where they are missing."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(here, list):
        index = int(step)
        return [*here[:index], _placed(here[index], rest, value), *here[index + 1 :]]
    return {**(here or {}), step: _placed((here or {}).get(step), rest, value)}


@dataclass(frozen=True, slots=True)
class _Owners:
    """The leaves at and below one field that Towline holds, those that no other manager holds, and all above them."""

    ours: frozenset[str]
    alone: frozenset[str]

    @classmethod
    def of(cls, body: Body, steps: Sequence[str], live: Body, manager: str) -> _Owners:
        """Ask every entry of the live object; those of subresources (a scale) own as much as others."""
        ours: set[str] = set()
        others: set[str] = set()
        for entry in managed.entries(live):
            holder = ours if managed.is_applied_by(entry, manager) else others
            holder.update(owned_paths.held_at(body, managed.tree(entry), steps))
        leaves = owned_paths.leaves_at(body, steps)
        mine = (leaf for leaf in leaves if not ours.isdisjoint((leaf, *pointer.above(leaf))))
        left = (leaf for leaf in leaves if others.isdisjoint((leaf, *pointer.above(leaf))))
        return cls(pointer.around(mine), pointer.around(left))

    def kept(self, have: Any, declared: Any, path: str) -> Any:
        """Return of a live value what is sent: each key of a map for itself, anything else as a whole."""
        if isinstance(have, Mapping) and have and (declared is _ABSENT or isinstance(declared, Mapping)):
            below = {} if declared is _ABSENT else declared
            found = {
                key: self.kept(item, below.get(key, _ABSENT), pointer.extend(path, key))
                for key, item in have.items()
                if not _is_own(key)
            }
            left = {key: item for key, item in found.items() if item is not _ABSENT}
            own = _own(below)
            return left | ({} if own is _ABSENT else own) or _ABSENT
        if declared is _ABSENT and path not in self.ours:
            return _ABSENT
        return have if path in self.alone else _ABSENT
