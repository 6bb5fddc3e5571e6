"""Put what the sops binary has opened into the place of what was encrypted, and note each value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from towline.render.sops import sealed_values

DIFFERS = (
    "the sops binary reads it otherwise than Kubernetes does: write values that look like dates or numbers of another "
    "base in quotes, and encrypt the file again with sops"
)


class OpenedTreeError(ValueError):
    """What the binary has printed is not the document without its encryption; `path` leads to where they differ."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(DIFFERS)
        self.path = path


class OpenedTree:
    """A document without its encryption, and each value that was encrypted with its path in it.

    Args:
        sealed: the document as Git has it, without its map `sops`.
        plain: what the binary has made of it, as read by Kubernetes' rules.

    Raises:
        OpenedTreeError: they differ in anything but values that were encrypted, and comments.
    """

    def __init__(self, sealed: Any, plain: Any) -> None:
        self.values: list[tuple[tuple[str, ...], Any]] = []
        self.document = self._value(sealed, plain, (), ())

    def _value(self, sealed: Any, plain: Any, source: tuple[str, ...], target: tuple[str, ...]) -> Any:
        if isinstance(sealed, Mapping):
            if not isinstance(plain, Mapping) or sealed.keys() != plain.keys():
                raise OpenedTreeError(source)
            return {
                name: self._value(each, plain[name], (*source, name), (*target, name))
                for name, each in sealed.items()
            }
        if isinstance(sealed, list):
            return self._items(sealed, plain, source, target)
        if isinstance(sealed, str) and sealed_values.is_sealed(sealed) and sealed != plain:
            if isinstance(plain, Mapping | list) or plain is None:
                raise OpenedTreeError(source)
            if sealed_values.kind(sealed) == "str" and not isinstance(plain, str):
                raise OpenedTreeError(source)
            self.values.append((target, plain))
            return plain
        if sealed != plain or isinstance(sealed, bool) != isinstance(plain, bool):
            raise OpenedTreeError(source)
        return sealed

    def _items(
        self, sealed: list[Any], plain: Any, source: tuple[str, ...], target: tuple[str, ...]
    ) -> list[Any]:
        """Match the items of a list; SOPS makes a comment in it one that is encrypted, and no item when decrypted."""
        kept = [
            (index, each)
            for index, each in enumerate(sealed)
            if not (isinstance(each, str) and sealed_values.kind(each) == "comment")
        ]
        if not isinstance(plain, list) or len(plain) != len(kept):
            raise OpenedTreeError(source)
        return [
            self._value(each, value, (*source, str(index)), (*target, str(at)))
            for at, ((index, each), value) in enumerate(zip(kept, plain, strict=True))
        ]
