"""Put the values of a release together as Helm does: the later layer wins, maps are merged, a null removes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from towline.api.helm_spec import set_syntax
from towline.api.helm_spec.helm_release import HelmParameter
from towline.api.helm_spec.set_syntax import SetSyntaxError
from towline.render.sops.decryption import SHORTEST


class ValuesError(ValueError):
    """Values cannot be put together; the message says where, and quotes no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLayer:
    """Values from a ConfigMap or Secret: a map, or a text that goes to one place.

    Attributes:
        where: what it is, for people.
        values: the map; it counts where `target` is empty.
        target: the path that `text` goes to, as after `--set`.
        text: the value for that path.
        is_secret: whether all of it must be shown nowhere.
    """

    where: str
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    target: str = ""
    text: str = field(default="", repr=False)
    is_secret: bool = False

    def over(self, below: Mapping[str, Any]) -> dict[str, Any]:
        """Return other values with these over them.

        Raises:
            ValuesError: the path cannot be read.
        """
        if not self.target:
            return merged(below, self.values)
        quoted = len(self.text) > 1 and self.text[0] == self.text[-1] and self.text[0] in "'\""
        text = self.text[1:-1] if quoted else self.text
        try:
            return set_syntax.applied(set_syntax.literal(self.target, text), below, texts_only=quoted)
        except SetSyntaxError as error:
            raise ValuesError(f"{self.where}: targetPath: {error}") from None

    @property
    def secrets(self) -> frozenset[str]:
        """What of it must be shown nowhere."""
        if not self.is_secret:
            return frozenset()
        return leaf_texts(self.text if self.target else self.values)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two maps as one; of a key in both the upper value counts, unless both are maps."""
    found = dict(below)
    for key, value in above.items():
        before = found.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        found[key] = merged(before, value) if both and isinstance(before, Mapping) else value
    return found


def layered(
    files: Sequence[Mapping[str, Any]],
    named: Sequence[NamedLayer],
    values: Mapping[str, Any],
    parameters: Sequence[HelmParameter],
) -> dict[str, Any]:
    """Return all values of a release over those of its chart.

    Raises:
        ValuesError: a path or a parameter cannot be read.
    """
    found: dict[str, Any] = {}
    for each in files:
        found = merged(found, each)
    for layer in named:
        found = layer.over(found)
    found = merged(found, values)
    for index, one in enumerate(parameters):
        try:
            found = set_syntax.applied(one.assignment, found, texts_only=one.force_string)
        except SetSyntaxError as error:
            raise ValuesError(f"spec.helm.parameters[{index}]: {error}") from None
    return found


def leaf_texts(values: Any) -> frozenset[str]:
    """Return the texts and numbers among values that are long enough to be looked for in other texts."""
    return frozenset(text for text in _leaves(values) if len(text) >= SHORTEST)


def _leaves(values: Any) -> Iterator[str]:
    if isinstance(values, Mapping):
        yield from _all_leaves(values.values())
    elif isinstance(values, list):
        yield from _all_leaves(values)
    elif isinstance(values, str | int | float) and not isinstance(values, bool):
        yield str(values)


def _all_leaves(values: Iterable[Any]) -> Iterator[str]:
    for each in values:
        yield from _leaves(each)
