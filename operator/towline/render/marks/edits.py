"""Write what a build reads with some of its sites changed."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import orjson

from towline.render.documents import YamlLimits
from towline.render.marks.sites import Role, Site, text
from towline.render.units import build_place, inputs
from towline.render.units.references import Steps
from towline.render.units.unit_files import UnitFiles

Edits: TypeAlias = Mapping[Site, Any]
"""New values of sites; of files that are no YAML, what is written behind the line or the file."""

_NEW_DOCUMENT = b"\n---\n"


def longer(site: Site, suffix: str) -> Any:
    """Return what a site holds with something behind it; a quote at the end of `key="value"` stays there."""
    if _is_raw(site):
        return suffix
    value = text(site.value)
    quoted = value.partition("=")[2]
    if site.role is Role.ENTRY and len(quoted) > 1 and quoted[0] == quoted[-1] and quoted[0] in "\"'":
        return f"{value[:-1]}{suffix}{value[-1]}"
    return value + suffix


def copies(unit: UnitFiles, edits: Edits) -> dict[str, bytes]:
    """Return all files, with those that are edited written anew: YAML as JSON, which kustomize reads as well."""
    by_file: dict[str, dict[Site, Any]] = defaultdict(dict)
    for site, value in edits.items():
        by_file[site.file][site] = value
    changed = dict.fromkeys((*by_file, *unit.rewritten))
    return dict(unit.contents) | {path: _edited(unit, path, by_file[path]) for path in changed}


def _edited(unit: UnitFiles, path: str, found: Edits) -> bytes:
    if any(_is_raw(site) for site in found):
        return _lengthened(unit.contents[path], found)
    documents = {one.index: copy.deepcopy(one.value) for one in unit.parsed[path].documents}
    put(documents, ((site.document, site.steps, value) for site, value in found.items() if not site.inner))
    inlines: dict[tuple[int, Steps], list[tuple[int, Steps, Any]]] = defaultdict(list)
    for site, value in found.items():
        if site.inner:
            inlines[site.document, site.steps].append((*site.inner, value))
    for (document, steps), inner in inlines.items():
        before = _at(documents[document], steps)
        put(documents, [(document, steps, _inside(before, inner))])
    folders = unit.rewritten.get(path, {})
    return dumped(build_place.rewritten(each, folders) if folders else each for each in documents.values())


def _is_raw(site: Site) -> bool:
    return not site.steps


def _lengthened(content: bytes, found: Edits) -> bytes:
    lines = content.splitlines(keepends=True)
    for site, suffix in found.items():
        if site.role is Role.CONTENT:
            return content + str(suffix).encode()
        line = lines[site.document]
        bare = line.rstrip(b"\r\n")
        lines[site.document] = bare + str(suffix).encode() + line[len(bare) :]
    return b"".join(lines)


def _inside(written: str, inner: Iterable[tuple[int, Steps, Any]]) -> str:
    documents = {one.index: one.value for one in inputs.parsed("", written.encode(), YamlLimits()).documents}
    put(documents, inner)
    return dumped(documents.values()).decode()


def put(documents: dict[int, Any], edits: Iterable[tuple[int, Steps, Any]]) -> None:
    """Set values in documents, each by the index of its document and the way to it."""
    for document, steps, value in edits:
        _at(documents[document], steps[:-1])[steps[-1]] = value


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value[step]
    return value


def dumped(values: Iterable[Any]) -> bytes:
    """Return documents as JSON, which YAML readers read as well."""
    return _NEW_DOCUMENT.join(_json(value) for value in values) + b"\n"


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(value).encode()
