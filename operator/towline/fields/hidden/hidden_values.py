"""Remember, for each repository, the values that were encrypted or came from a Secret, to hide them everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from towline.api import labels
from towline.fields import mask_text
from towline.model import Body, Key, Manifest, ObjectRef

_MARK = "***"

_MOST = 20_000
"""Texts of a repository up to which those of earlier revisions are hidden, too: records quote what is replaced."""

_IDENTITY = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})

Place = tuple[str, ...]
Hide = Callable[[Any, Place], Any]


class SecretTexts:
    """Texts that are found in others at the price of one look at each of their characters.

    Args:
        texts: none of them is shorter than `mask_text.SHORT`.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._begun: dict[str, set[str]] = defaultdict(set)
        for each in texts:
            for form in mask_text.written_forms(each):
                if len(form) >= mask_text.SHORT:
                    self._begun[form[: mask_text.SHORT]].add(form)

    def without(self, message: str) -> str:
        """Return a message with `***` for every text in it; where they overlap, for all of both."""
        parts: list[str] = []
        shown = end = 0
        for at in range(len(message)):
            longest = self._longest(message, at)
            if not longest:
                continue
            if at >= end:
                parts += [message[shown:at], _MARK]
            end = max(end, at + longest)
            shown = end
        return "".join((*parts, message[shown:]))

    def are_in(self, message: str) -> bool:
        """Whether a message holds any of the texts."""
        return any(self._longest(message, at) for at in range(len(message)))

    def _longest(self, message: str, at: int) -> int:
        begun = self._begun.get(message[at : at + mask_text.SHORT])
        return max((len(each) for each in begun if message.startswith(each, at)), default=0) if begun else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenOfRepository:
    """What must be shown nowhere of one repository: texts, and places of objects."""

    texts: frozenset[str] = field(repr=False)
    places: Mapping[ObjectRef, frozenset[Place]]
    found: SecretTexts = field(repr=False)

    def applied(self, body: Body, ref: ObjectRef, hide: Hide) -> Body:
        """Return an object with `hide` applied to each value that must not be shown."""
        shown = self._shown(body, (), self.places.get(ref, frozenset()), hide)
        return shown if isinstance(shown, dict) else body

    def _shown(
        self, value: Any, place: Place, places: frozenset[Place], hide: Hide, *, below: bool = False
    ) -> Any:
        below = below or place in places
        if isinstance(value, Mapping):
            return {
                key: self._shown(each, (*place, key), places, hide, below=below)
                for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._shown(each, (*place, ""), places, hide, below=below) for each in value]
        if value is None or place in _IDENTITY:
            return value
        secret = below or (not isinstance(value, bool) and self.found.are_in(str(value)))
        return hide(value, place) if secret else value


class HiddenValues:
    """Remembers what must be shown nowhere, for all repositories; what it holds is replaced, never changed."""

    def __init__(self) -> None:
        self._known: dict[str, HiddenOfRepository] = {}
        self._declared: dict[ObjectRef, frozenset[str]] = {}

    def learn(self, key: Key, texts: frozenset[str], manifests: Iterable[Manifest]) -> None:
        """Note what a revision of a repository holds; what it held before stays hidden, too."""
        label = labels.repository_label(key)
        known = self._known.get(label)
        found = {one.ref: one.hidden for one in manifests}
        distinct = {id(each.texts): each.texts for each in found.values() if each}  # most have one in common
        texts = texts.union(*distinct.values())
        if known is None and not texts and not any(found.values()):
            return
        held = known.texts if known else frozenset[str]()
        if known and texts <= held and not found:
            return
        texts = texts if len(texts | held) > _MOST else texts | held
        places = dict(known.places) if known else {}
        for ref, hidden in found.items():
            places[ref] = places.get(ref, frozenset()) | (hidden.places if hidden else frozenset())
            self._declared[ref] = self._declared.get(ref, frozenset()) | {label}
        self._known[label] = HiddenOfRepository(texts=texts, places=places, found=SecretTexts(texts))

    def forget(self, key: Key) -> None:
        """Forget a repository that is gone."""
        label = labels.repository_label(key)
        known = self._known.pop(label, None)
        for ref in known.places if known else ():
            left = self._declared.pop(ref, frozenset()) - {label}
            if left:
                self._declared[ref] = left

    def of(self, body: Body) -> tuple[ObjectRef, tuple[HiddenOfRepository, ...]]:
        """Return what must not be shown of an object: of every repository that declares it or owns it."""
        ref = _ref(body)
        own = _map(_map(body.get("metadata")).get("labels")).get(labels.REPOSITORY_LABEL)
        named = {*self._declared.get(ref, ()), *([own] if isinstance(own, str) else ())}
        return ref, tuple(self._known[each] for each in sorted(named) if each in self._known)

    def holds(self, ref: ObjectRef) -> bool:
        """Whether an object belongs to a repository with values that must not be shown."""
        return bool(self._declared.get(ref))

    def told(self, key: Key, message: str) -> str:
        """Return a message about a repository without the values of that repository."""
        known = self._known.get(labels.repository_label(key))
        return known.found.without(message) if known else message

    def status(self, key: Key, status: Any) -> Any:
        """Return a status whose messages hold none of the values of its repository."""
        if labels.repository_label(key) not in self._known:
            return status
        if isinstance(status, Mapping):
            return {name: self._field(key, name, each) for name, each in status.items()}
        return [self.status(key, each) for each in status] if isinstance(status, list | tuple) else status

    def whole(self, key: Key, value: Any) -> Any:
        """Return what a log line tells of a repository without its values."""
        if isinstance(value, str):
            return self.told(key, value)
        if isinstance(value, Mapping):
            return {name: self.whole(key, each) for name, each in value.items()}
        return [self.whole(key, each) for each in value] if isinstance(value, list | tuple) else value

    def _field(self, key: Key, name: str, value: Any) -> Any:
        return (
            self.told(key, value) if name == "message" and isinstance(value, str) else self.status(key, value)
        )


def _ref(body: Body) -> ObjectRef:
    metadata = _map(body.get("metadata"))
    group, _, _ = str(body.get("apiVersion", "")).rpartition("/")
    names = (str(metadata.get(name) or "") for name in ("namespace", "name"))
    return ObjectRef(group, str(body.get("kind", "")), *names)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
