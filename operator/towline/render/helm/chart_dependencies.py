"""Say which charts another chart needs that are not in its charts/, each at the version that Chart.lock gives it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from towline.errors import Failure, Reason
from towline.render import documents
from towline.render.documents import Document, DocumentErrors, Places, YamlLimits

_FILES = (("Chart.yaml", "Chart.lock"), ("requirements.yaml", "requirements.lock"))
_FIELDS = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")
"""The fields of a dependency in the order in which Helm writes them to compute the digest of a lock file."""

_TEXTS = frozenset({"name", "version", "repository", "condition", "alias"})
_ALWAYS = frozenset({"name", "repository"})
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_UPDATE = "run helm dependency update, and commit what it changes"


class NeededChart(NamedTuple):
    """A chart that another one needs; `line` of `file` says so."""

    name: str
    version: str
    repository: str
    file: str
    line: int


class NeededCharts(NamedTuple):
    """The charts that are missing, and why they cannot be found out."""

    charts: tuple[NeededChart, ...] = ()
    failures: tuple[Failure, ...] = ()


def needed(files: Mapping[str, bytes], present: Collection[str]) -> NeededCharts:
    """Return the charts that a chart needs and lacks.

    A file that cannot be read, and a dependency without a repository, are left to who reads the chart.

    Args:
        files: the contents of a chart's files, by path.
        present: the names of the charts in its charts/.
    """
    for name, lock in _FILES:
        document = _document(files.get(name, b""))
        if found := _missing(document, present):
            return _resolved(
                name, document, found, lock if lock in files else "", _document(files.get(lock, b""))
            )
    return NeededCharts()


def names_in(paths: Collection[str]) -> Iterator[str]:
    """Yield what may be names of the charts in charts/, by the names of their folders and archives."""
    for path in paths:
        first, _, rest = path.removeprefix("charts/").partition("/")
        if not path.startswith("charts/"):
            continue
        if rest == "Chart.yaml":
            yield first
        elif not rest and first.endswith(".tgz"):
            name = first.removesuffix(".tgz")
            yield from (name[:at] for at, character in enumerate(name) if character == "-")


def digest(wanted: Sequence[Mapping[str, Any]], locked: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest that Helm writes into a lock file: of the dependencies and of what they were resolved to."""
    lists = [[_ordered(each) for each in dependencies] for dependencies in (wanted, locked)]
    text = json.dumps(lists, separators=(",", ":"), ensure_ascii=False)
    for character, escaped in _ESCAPED.items():
        text = text.replace(character, escaped)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()}"


def _missing(document: Document | None, present: Collection[str]) -> Mapping[int, Mapping[str, Any]]:
    """Return the dependencies that are elsewhere, by their place in the list."""
    return {
        at: each
        for at, each in enumerate(_dependencies(document))
        if _text(each.get("name")) not in {"", *present}
        and _text(each.get("repository"))
        and not _text(each.get("repository")).startswith("file:")
    }


def _resolved(
    name: str,
    document: Document | None,
    missing: Mapping[int, Mapping[str, Any]],
    lock: str,
    locked: Document | None,
) -> NeededCharts:
    """Give each missing dependency its version: that of the lock file, if there is one."""
    versions = _dependencies(document)
    if lock:
        if why := _differs(versions, locked):
            return NeededCharts(failures=(_failure(f"{why}: {_UPDATE}", lock, _line(locked, "digest")),))
        versions = _dependencies(locked)
    charts = (
        NeededChart(
            _text(each["name"]),
            _text(versions[at].get("version")),
            _text(each["repository"]),
            name,
            _line(document, "dependencies", at),
        )
        for at, each in missing.items()
    )
    return NeededCharts(charts=tuple(charts))


def _differs(wanted: Sequence[Mapping[str, Any]], lock: Document | None) -> str:
    """Say why a lock file is not that of these dependencies; empty where it is."""
    locked = _dependencies(lock)
    names, others = (
        [(_text(each.get("name")), _text(each.get("repository")).rstrip("/")) for each in dependencies]
        for dependencies in (wanted, locked)
    )
    if names != others:
        return "the dependencies are not those that the lock file has"
    if any(each.get("import-values") for each in wanted):
        return ""  # Helm computes the digest after it has changed them
    said, computed = _text(_map(lock).get("digest")), digest(wanted, locked)
    return (
        "" if said == computed else f"the digest is {said or 'missing'}, and the dependencies have {computed}"
    )


def _ordered(dependency: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dependency as Go writes it: in order, and without empty fields but for two."""
    values = {
        field: _text(dependency.get(field)) if field in _TEXTS else dependency.get(field) for field in _FIELDS
    }
    return {field: value for field, value in values.items() if value or field in _ALWAYS}


def _dependencies(document: Document | None) -> Sequence[Mapping[str, Any]]:
    given = _map(document).get("dependencies")
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _document(content: bytes) -> Document | None:
    try:
        return next(iter(documents.parse(content, YamlLimits())), None)
    except DocumentErrors:
        return None


def _line(document: Document | None, *steps: str | int) -> int:
    if document is None:
        return 0
    limits = YamlLimits()
    return Places(document.piece, limits, limits.room(len(document.piece.text))).line(*steps)


def _map(document: Document | None) -> Mapping[str, Any]:
    return document.value if document and isinstance(document.value, dict) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _failure(message: str, file: str, line: int) -> Failure:
    return Failure(reason=Reason.BUILD_FAILED, message=message, file=file, line=line)
