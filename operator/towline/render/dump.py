"""Write objects as YAML that people can read, and that kubectl reads back as the same objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from yaml.nodes import ScalarNode

from towline.render import scalars
from towline.text import is_hidden


def written(body: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return an object as a YAML document, its fields in their order; what a terminal would obey is escaped."""
    found = yaml.dump(body, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    if found.replace("\n", "").isprintable():
        return found
    return "".join(_escape(char) if is_hidden(char) and char not in "\n\t" else char for char in found)


def _escape(char: str) -> str:
    """Write a character as a text in double quotes may hold it: no other text has one that is hidden."""
    code = ord(char)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _text(dumper: yaml.CSafeDumper, text: str) -> ScalarNode:
    style = '"' if _has_hidden(text) else "|" if "\n" in text else '"' if _means_more(text) else None
    return dumper.represent_scalar(scalars.STR, text, style=style)


def _has_hidden(text: str) -> bool:
    if text.isprintable():
        return False
    return any(is_hidden(char) for char in text if char not in "\n\t")


def _means_more(text: str) -> bool:
    """Tell whether Kubernetes would read this text as another value if it had no quotes."""
    try:
        return text == "<<" or scalars.plain(text) != text
    except scalars.RefusedError:
        return True


class _Dumper(yaml.CSafeDumper):
    """Quotes by the rules of Kubernetes; by PyYAML's own, `017` and `y` need no quotes."""

    yaml_representers = {  # noqa: RUF012  where PyYAML looks for it
        **yaml.CSafeDumper.yaml_representers,
        str: _text,  # type: ignore[dict-item]  # the stubs want one that could write with any dumper
    }

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  its name is PyYAML's
        return True
