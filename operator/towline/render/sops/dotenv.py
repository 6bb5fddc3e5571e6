"""Read and write files of `NAME=value` lines as SOPS does, whose own names begin with `sops_`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from towline.render.split import FileFault

_PREFIX = "sops_"
_ENTRY = re.compile(r"([a-z_]+?)__list_([0-9]{1,3})__map_([a-z_]+)")
_SEALED_COMMENT = "#ENC["
_OFF = frozenset({"", "0", "false"})


class DotenvError(ValueError):
    """A file is malformed; `fault` says where, and quotes no value."""

    def __init__(self, fault: FileFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Dotenv:
    """A file as one document with a map `sops`, the line of each name, and its comments and names in order."""

    document: dict[str, Any] = field(repr=False)
    lines: dict[str, int]
    layout: tuple[str, ...] = field(repr=False)


def read(content: bytes) -> Dotenv:
    """Return what a file holds.

    Raises:
        DotenvError: a line is not `NAME=value`, or a name is there twice.
    """
    document: dict[str, Any] = {}
    sops: dict[str, Any] = {}
    lines: dict[str, int] = {}
    layout: list[str] = []
    for number, line in enumerate(content.decode("utf-8", "surrogateescape").split("\n"), 1):
        name, equals, value = line.partition("=")
        if line.startswith("#"):
            layout.extend([] if line.startswith(_SEALED_COMMENT) else [line])
        elif not equals and line:
            raise DotenvError(FileFault(number, "a line must be NAME=value, empty, or begin with #"))
        elif name in lines:
            raise DotenvError(
                FileFault(number, f"the name is in line {lines[name]} already: remove one of them")
            )
        elif line:
            lines[name] = number
            plain = value.replace("\\n", "\n")
            if name.startswith(_PREFIX):
                _note(sops, name.removeprefix(_PREFIX), plain)
            else:
                document[name] = plain
                layout.append(f"{name}=")
    if sops:
        document["sops"] = {
            key: list(of.values()) if isinstance(of, dict) else of for key, of in sops.items()
        }
    return Dotenv(document=document, lines=lines, layout=tuple(layout))


def _note(sops: dict[str, Any], name: str, value: str) -> None:
    """Put one flat entry where it belongs: `age__list_0__map_enc` is `age[0].enc`."""
    if entry := _ENTRY.fullmatch(name):
        group = sops.setdefault(entry[1], {})
        if isinstance(group, dict):
            group.setdefault(entry[2], {})[entry[3]] = value
    elif value not in _OFF:
        sops[name] = value


def written(before: Dotenv, document: dict[str, Any]) -> bytes:
    """Return the file with the values of a document, and without what SOPS added."""
    return "".join(f"{line}\n" for line in _lines(before, document)).encode("utf-8", "surrogateescape")


def _lines(before: Dotenv, document: dict[str, Any]) -> Iterator[str]:
    for line in before.layout:
        if line.startswith("#"):
            yield line
        else:
            yield line + str(document[line.removesuffix("=")]).replace("\n", "\\n")
