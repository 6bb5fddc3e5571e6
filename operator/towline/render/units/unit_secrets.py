"""Collect the secrets of what a build reads, so that nothing its tool says can show them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from towline.render.documents import YamlLimits
from towline.render.units import inputs, tree_paths
from towline.render.units.tree_paths import LedOutError
from towline.render.units.unit_inputs import UnitInputs


def secrets(read: UnitInputs) -> frozenset[str]:
    """Return every value of a Secret, or of a generator of one, that the files of a unit declare, or had encrypted."""
    found = (
        text
        for file in read.files.values()
        for _, _, value in file.objects
        for text in (*_declared(value), *_generated(value, file.path.rpartition("/")[0], read.contents))
    )
    encrypted = (str(one.value) for values in read.values.values() for one in values)
    return frozenset(each for each in (*found, *encrypted) if each.strip())


def _declared(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the values of a Secret, or of a patch for one."""
    if value.get("kind") == "Secret":
        yield from _texts(value.get("stringData"))
        for text in _texts(value.get("data")):
            yield text
            yield from _decoded(text)
    patches = value.get("patches")
    for patch in patches if isinstance(patches, list) else ():
        inline = patch.get("patch") if isinstance(patch, dict) else None
        if isinstance(inline, str) and "Secret" in inline:
            for _, _, inner in inputs.parsed("", inline.encode(), YamlLimits()).objects:
                yield from _declared(inner)


def _generated(value: Mapping[str, Any], folder: str, contents: Mapping[str, bytes]) -> Iterator[str]:
    generators = value.get("secretGenerator")
    for generator in generators if isinstance(generators, list) else ():
        if not isinstance(generator, dict):
            continue
        for literal in _listed(generator.get("literals")):
            yield literal.partition("=")[2].strip("'\"")
        for name in ("files", "envs", "env"):
            for text in _listed(generator.get(name)):
                yield from _lines(folder, text.rpartition("=")[2], contents)


def _lines(folder: str, text: str, contents: Mapping[str, bytes]) -> Iterator[str]:
    try:
        content = contents.get(tree_paths.joined(folder, text), b"").decode("utf-8", "replace")
    except LedOutError:
        return
    yield content
    for line in content.splitlines():
        yield line
        yield line.partition("=")[2]


def _texts(values: Any) -> Iterator[str]:
    if isinstance(values, dict):
        yield from (each for each in values.values() if isinstance(each, str))


def _listed(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, list):
        yield from (each for each in values if isinstance(each, str))


def _decoded(text: str) -> Iterator[str]:
    try:
        yield base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return
