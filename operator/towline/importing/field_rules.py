"""What becomes of each field of another tool's resources: where it goes, or why it goes nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

OFF = (False,)
"""The neutral value of a switch."""

_EMPTY: tuple[Any, ...] = (None, "", [], {})


class FieldRule(NamedTuple):
    """What becomes of one field, and of all fields below it.

    Attributes:
        ours: the field of the GitRepository that it becomes; empty where it becomes none.
        reason: why it becomes none, and what to do instead.
        neutral: values that mean the same as if the field were absent: these are not told.
        harmless: whether nothing is lost, because Towline does the same by itself.
    """

    ours: str = ""
    reason: str = ""
    neutral: tuple[Any, ...] = ()
    harmless: bool = False


class UsedField(NamedTuple):
    """A field that a resource sets, and what becomes of it; None where no rule knows it."""

    path: Path
    rule: FieldRule | None


def to(ours: str) -> FieldRule:
    """Return the rule of a field that becomes one of a GitRepository's."""
    return FieldRule(ours=ours)


def left(reason: str, *, unless: tuple[Any, ...] = ()) -> FieldRule:
    """Return the rule of a field whose effect is lost, unless it has one of the neutral values."""
    return FieldRule(reason=reason, neutral=(*_EMPTY, *unless))


def built_in(reason: str, *, unless: tuple[Any, ...] = ()) -> FieldRule:
    """Return the rule of a field that is not needed, because Towline does what it asks for by itself."""
    return FieldRule(reason=reason, neutral=(*_EMPTY, *unless), harmless=True)


class RuleTable:
    """The rules of one kind.

    Args:
        rules: by the names of fields: `spec.images[].name` is in each item of a list; `spec.components[]` is a list of
            plain values, `spec.values{}` a map of whatever. A rule that tells why a field is left out covers all that
            is below its name.
    """

    def __init__(self, rules: Mapping[str, FieldRule]) -> None:
        self._rules = {name.removesuffix("{}"): rule for name, rule in rules.items()}
        self._above = {above for name in self._rules for above in _above(name)}
        self._maps = {name.removesuffix("{}") for name in rules if name.endswith("{}")}

    def rules(self) -> Mapping[str, FieldRule]:
        """Return the rules by the names of their fields, in the order of the table."""
        return self._rules

    def find(self, name: str) -> FieldRule | None:
        """Return the rule of a field by its name, or that of the nearest field above it."""
        while name:
            if rule := self._rules.get(name):
                return rule
            name = name.removesuffix("[]") if name.endswith("[]") else name.rpartition(".")[0]
        return None

    def used(self, value: Any, name: str, path: Path) -> Iterator[UsedField]:
        """Yield the fields that a value sets, each with its rule: of what one rule covers the topmost field only."""
        if rule := self._rules.get(name):
            if not any(
                value is each or (value == each and type(value) is type(each)) for each in rule.neutral
            ):
                yield UsedField(path, rule)
        elif isinstance(value, Mapping) and (value or name in self._above):
            for key, item in value.items():
                yield from self.used(item, f"{name}.{key}", (*path, key))
        elif isinstance(value, list) and (value or name in self._above):
            for number, item in enumerate(value):
                yield from self.used(item, f"{name}[]", (*path, number))
        elif not (value is None and name in self._above):
            yield UsedField(path, None)

    def misshapen(self, value: Any, name: str, path: Path) -> Iterator[tuple[Path, str]]:
        """Yield the fields whose values have another shape than the rules know: where, and what they must be."""
        if value is None or (name not in self._above and name not in self._rules):
            return
        if f"{name}[]" in self._above or f"{name}[]" in self._rules:
            if not isinstance(value, list):
                yield path, "must be a list"
                return
            for number, item in enumerate(value):
                if item is None:
                    yield (*path, number), "must not be empty"
                yield from self.misshapen(item, f"{name}[]", (*path, number))
        elif name in self._above or name in self._maps:
            if not isinstance(value, Mapping):
                yield path, "must be a map"
                return
            for key, item in value.items() if name in self._above else ():
                yield from self.misshapen(item, f"{name}.{key}", (*path, key))
        elif self._rules[name].ours and isinstance(value, list | Mapping):
            yield path, "must be a plain value"


def _above(name: str) -> Iterator[str]:
    """Yield the names of all that a field is in: of `spec.a[].b` these are `spec.a[]`, `spec.a` and `spec`."""
    while name:
        name = name.removesuffix("[]") if name.endswith("[]") else name.rpartition(".")[0]
        if name:
            yield name
