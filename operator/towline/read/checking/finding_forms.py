"""Write findings: as lines, as JSON, as SARIF, and as the workflow commands of GitHub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import towline
from towline import text
from towline.model import display
from towline.read.checking.checked_folder import CheckedFolder
from towline.read.checking.manifest_finding import ManifestFinding, Severity

_LINE_BYTES = 4096
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_COMMANDS: Mapping[Severity, str] = MappingProxyType(
    {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
)


def lines(result: CheckedFolder) -> Iterator[str]:
    """Yield a line for each finding, and the sum."""
    for each in result.findings:
        where = f"{each.file}:{each.line}" if each.line else each.file
        yield text.printable(f"{where}: {each.severity}: {_said(each)} ({each.rule})", _LINE_BYTES)
    yield summary(result)


def summary(result: CheckedFolder) -> str:
    """Say in a line how many findings there are."""
    counts = Counter(each.severity for each in result.findings)
    told = ", ".join(text.many(counts[each], each.value) for each in Severity if counts[each])
    objects = text.many(result.objects, "object")
    return f"{objects}, Kubernetes {result.version}: {told or 'nothing found'}"


def body(result: CheckedFolder) -> dict[str, Any]:
    """Return the JSON form, which scripts may rely on."""
    return {
        "kubernetes": result.version,
        "objects": result.objects,
        "findings": [
            {
                "rule": str(each.rule),
                "severity": str(each.severity),
                "object": each.object,
                "file": each.file,
                "line": each.line,
                "field": each.field,
                "message": each.message,
            }
            for each in result.findings
        ],
    }


def sarif(result: CheckedFolder) -> dict[str, Any]:
    """Return a log of SARIF 2.1.0, as code scanning reads it."""
    rules = sorted({str(each.rule) for each in result.findings})
    driver = {
        "name": "towline check",
        "version": towline.__version__,
        "rules": [{"id": rule, "name": rule, "shortDescription": {"text": rule}} for rule in rules],
    }
    results = [_result(each, rules.index(str(each.rule))) for each in result.findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(each: ManifestFinding, index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(each.file), "uriBaseId": "%SRCROOT%"}}
    if each.line:
        place["region"] = {"startLine": each.line}
    location: dict[str, Any] = {"physicalLocation": place}
    named = f"{each.object}{each.field}"
    if named:
        location["logicalLocations"] = [{"fullyQualifiedName": named}]
    return {
        "ruleId": str(each.rule),
        "ruleIndex": index,
        "level": str(each.severity),
        "message": {"text": _said(each)},
        "locations": [location],
    }


def github(result: CheckedFolder) -> Iterator[str]:
    """Yield workflow commands, which GitHub shows at the lines of a pull request."""
    for each in result.findings:
        parts = {"file": each.file, "line": str(each.line) if each.line else "", "title": str(each.rule)}
        told = ",".join(f"{name}={_property(value)}" for name, value in parts.items() if value)
        yield f"::{_COMMANDS[each.severity]} {told}::{_escaped(_said(each))}"


def _said(each: ManifestFinding) -> str:
    subject = " ".join(filter(None, (display(each.object), text.dotted(each.field))))
    return f"{subject}: {each.message}" if subject else each.message


def _escaped(told: str) -> str:
    return text.printable(told.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"), _LINE_BYTES)


def _property(told: str) -> str:
    return _escaped(told).replace(":", "%3A").replace(",", "%2C")
