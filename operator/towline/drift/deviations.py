"""Describe drift of one object: which fields are not as declared, who wrote them, and when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from towline.api.syncrecord import FieldChange
from towline.errors import Refusal
from towline.fields import additions, align, compare, diff, edited_items, managed, owned_paths, pointer
from towline.fields.additions import Addition
from towline.fields.edited_items import LeftItem
from towline.fields.mask import Mask
from towline.model import Body, Difference, Manifest

_NEWEST = 100
"""Field managers that are looked at to find who wrote a field: each costs as much as what is declared."""


class Holder(NamedTuple):
    """Another field manager, and when it last wrote (RFC 3339); both are empty where it is not known."""

    name: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One field of one object, or the whole object (`field` is empty), that is not as it was applied.

    `want` and `have` are masked. `by` and `since` name the field manager that wrote it, and when; empty where unknown.
    `reason` is empty for drift, else a word of the contract; `message` says why its repair is refused.
    """

    object: str
    field: str = ""
    file: str = ""
    line: int = 0
    commit: str = ""
    want: Any = None
    have: Any = None
    by: str = ""
    since: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One read of an owned object: `sent` is what an apply of its manifest would send, `body` what is there.

    `manager` is Towline's field manager, `commit` the commit that set the object. `nulled` are pointers into `sent`
    where others have filled what is null in Git.
    """

    manifest: Manifest
    sent: Body
    body: Body
    manager: str
    commit: str
    nulled: tuple[str, ...] = ()

    @property
    def differing(self) -> frozenset[str]:
        """The fields that contradict what is declared, as pointers into it."""
        return frozenset((*compare.overridden(self.sent, self.body), *self.nulled))

    @property
    def others(self) -> tuple[managed.Node, ...]:
        """The `fieldsV1` of all other field managers, without those of subresources."""
        others = managed.others(managed.entries(self.body), self.manager)
        return tuple(managed.tree(entry) for entry in others)


def of(look: Look, mask: Mask, skipped: Iterable[str] = ()) -> tuple[Deviation, ...]:
    """Name the fields in which an object is not as declared, or that others hold; values are masked.

    `skipped` are pointers that are no drift.
    """
    holders = Holders(look.sent, look.body, look.manager)
    manifest = look.manifest
    differing = tuple(
        Deviation(
            object=str(manifest.ref),
            field=found.path,
            file=manifest.origin.file,
            line=manifest.origin.line,
            commit=look.commit,
            want=found.want,
            have=found.have,
            by=(who := holders.of(found.path, there=found.have is not None)).name,
            since=who.at,
        )
        for found in diff.values(look.sent, look.body, _paths(look, frozenset(skipped)), mask)
    )
    at = _at(manifest, look.commit, since="", reason="")
    return differing + tuple(
        replace(at, field=each.path, want=each.new, have=each.old, by=each.by, since=each.at)
        for each in taken_off(look.sent, look.body, look.manager, mask)
    )


def gone(manifest: Manifest, commit: str, since: str, reason: str = "") -> Deviation:
    """Describe an object that was deleted; `since` is when that was seen."""
    return _at(manifest, commit, since=since, reason=reason)


def overridden(
    manifest: Manifest, commit: str, differences: Iterable[Difference], since: str
) -> tuple[Deviation, ...]:
    """Describe fields to which admission gave other values than were sent."""
    reason = Refusal.OVERRIDDEN_BY_ADMISSION
    at = _at(manifest, commit, since=since, reason=reason, by="admission")
    return tuple(replace(at, field=each.path, want=each.want, have=each.have) for each in differences)


def timeless(found: Iterable[Deviation]) -> tuple[Deviation, ...]:
    """Return deviations without their times, for comparing."""
    return tuple(replace(each, since="") for each in found)


def _at(manifest: Manifest, commit: str, *, since: str, reason: str, by: str = "") -> Deviation:
    return Deviation(
        object=str(manifest.ref),
        file=manifest.origin.file,
        line=manifest.origin.line,
        commit=commit,
        by=by,
        since=since,
        reason=reason,
    )


def set_back(before: Iterable[Deviation], left: Iterable[Deviation], look: Look) -> tuple[Deviation, ...]:
    """Return the drift that others have set back, with who did so, and when.

    Args:
        before: what was reported of the object.
        left: what differs now.
        look: the object as it is.
    """
    differing = {each.field for each in left}
    ended = [each for each in before if not each.reason and each.field not in differing]
    holders = Holders(look.sent, look.body, look.manager) if ended else None
    return tuple(
        replace(each, have=each.want, by=who.name, since=who.at)
        for each in ended
        if holders
        for who in (holders.of(each.field, there=True) if each.field else holders.latest(),)
    )


def added_by_others(look: Look, mask: Mask, filled: Collection[Addition] = ()) -> tuple[Deviation, ...]:
    """Name the fields that others added inside declared list items; their line is that of the object.

    `filled` are those that the API server fills in anyway.
    """
    manifest, shown = look.manifest, mask.masked(look.body)
    known = {(each.steps, each.by, each.at) for each in filled}
    return tuple(
        Deviation(
            object=str(manifest.ref),
            field=each.path,
            file=manifest.origin.file,
            line=manifest.origin.line,
            commit=look.commit,
            have=diff.value_at(shown, each.path),
            by=each.by,
            since=each.at,
            reason=Refusal.FOREIGN_FIELDS,
        )
        for each in additions.additions(look.body, look.manager)
        if (each.steps, each.by, each.at) not in known
    )


def removals(body: Body, manager: str, mask: Mask) -> tuple[FieldChange, ...]:
    """Return the removal of such fields as the changes of a record."""
    shown = mask.masked(body)
    return tuple(
        FieldChange(path=each.path, old=diff.value_at(shown, each.path), new=None, by=each.by, at=each.at)
        for each in additions.additions(body, manager)
    )


def taken_off(sent: Body, body: Body, manager: str, mask: Mask) -> tuple[FieldChange, ...]:
    """Return the items that a repair removes because people left them in place of declared ones.

    An item that keeps its name is compared like any other; of it, only the parts of its key that Git leaves out are
    returned.
    """
    shown = mask.masked(body)
    found: list[FieldChange] = []
    compared = _Compared(sent, body)
    for each in edited_items.left(sent, body, manager):
        if not compared.holds(each):
            old = diff.value_at(shown, each.path)
            found.append(FieldChange(path=each.path, old=old, new=None, by=each.by, at=each.at))
        elif each.instead:
            for path, was, default in edited_items.defaulted_keys(sent, each):
                found.append(FieldChange(path=path, old=was, new=default, by=each.by, at=each.at))
    return tuple(found)


class _Compared:
    """Tells whether a live item corresponds by its name to one that is sent, so that only their keys differ."""

    def __init__(self, sent: Body, body: Body) -> None:
        self._sent = sent
        self._body = body
        self._places: dict[tuple[str, str], Sequence[int | None]] = {}

    def holds(self, found: LeftItem) -> bool:
        above, _, index = found.path.rpartition("/")
        places = self._places.get((above, found.among))
        if places is None:
            others = pointer.follow(self._sent, found.among)
            items = pointer.follow(self._body, above)
            places = align.counterparts(items, others if isinstance(others, list) else ())
            self._places[above, found.among] = places
        return places[int(index)] is not None


def _paths(look: Look, skipped: frozenset[str]) -> list[str]:
    """Name fields that differ or that Towline's entry lacks; below a named field nothing is named."""
    held = managed.encoded(managed.applied(managed.entries(look.body), look.manager))
    found = {*owned_paths.lost(look.sent, held), *look.differing} - skipped
    return sorted(path for path in found if found.isdisjoint(pointer.above(path)))


class Holders:
    """Find out who else wrote a live object, by its managedFields.

    Args:
        sent: what Towline would apply; paths are pointers into it.
        body: the live object.
        manager: Towline's field manager, which is left out.
    """

    def __init__(self, sent: Body, body: Body, manager: str) -> None:
        entries = managed.entries(body)
        others = [entry for entry in entries if entry.get("manager") != manager]
        self._sent = sent
        mine = (_time(entry) for entry in entries if entry.get("manager") == manager)
        self._others = sorted(others, key=_time, reverse=True)[:_NEWEST]
        self._ours_at = max(mine, default="")
        self._lost: dict[int, frozenset[str]] = {}
        self._left = {each.instead: each for each in edited_items.left(sent, body, manager) if each.instead}

    def of(self, path: str, *, there: bool) -> Holder:
        """Return the latest holder of a field; for one that is gone, the latest manager that wrote after Towline."""
        for index, entry in enumerate(self._others):
            if there and self._holds(index, entry, path):
                return _holder(entry)
        for place in (path, *pointer.above(path)):
            if each := self._left.get(place):
                return Holder(each.by, each.at)
        latest = self.latest()
        return latest if not there and latest.at >= self._ours_at else Holder()

    def latest(self) -> Holder:
        """Return the manager that wrote last, apart from subresources."""
        return next((_holder(each) for each in managed.direct(self._others)), Holder())

    def attributed(self, changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
        """Say of changed fields who gave them their old value, and when; what is said already stays."""
        return tuple(change if change.by else self._attributed(change) for change in changes)

    def _attributed(self, change: FieldChange) -> FieldChange:
        who = self.of(change.path, there=change.old is not None)
        return replace(change, by=who.name, at=who.at)

    def _holds(self, index: int, entry: Body, path: str) -> bool:
        if index not in self._lost:
            lost = owned_paths.lost(self._sent, managed.encoded(entry))
            self._lost[index] = pointer.around(lost) | ({""} if lost else set())
        return path not in self._lost[index]


def _time(entry: Body) -> str:
    return str(entry.get("time", ""))


def _holder(entry: Body) -> Holder:
    return Holder(str(entry.get("manager", "")), str(entry.get("time", "")))
