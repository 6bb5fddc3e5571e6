"""One thing that a check of manifests finds, and how serious it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from towline.errors import Failure
from towline.model import Manifest


class Severity(StrEnum):
    """How serious a finding is; the words are those of SARIF."""

    ERROR = "error"
    """The commit, or the object, would be refused."""
    WARNING = "warning"
    """It works only if the cluster has what is not in the files, or not for long."""
    NOTE = "note"
    """What happens, and is probably meant."""


class FindingRule(StrEnum):
    """The names of findings that the operator has no reason for."""

    MISSING_FIELD = "MissingField"
    REMOVED_API = "RemovedAPI"
    DEPRECATED_API = "DeprecatedAPI"
    OPTIONAL_API = "OptionalAPI"
    WRITTEN_TOO_LATE = "WrittenTooLate"
    MEANINGLESS_ANNOTATION = "MeaninglessAnnotation"
    PRUNED = "Pruned"
    RELEASED = "Released"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFinding:
    """One finding.

    `rule` is a `FindingRule`, or the reason that the operator would give; `object` is written
    `Kind.group/namespace/name`; `field` is a JSON pointer into the object, empty where the finding is of a whole file.
    """

    rule: str
    severity: Severity
    message: str
    object: str = ""
    file: str = ""
    line: int = 0
    field: str = ""


def of(manifest: Manifest, rule: str, severity: Severity, field: str, message: str) -> ManifestFinding:
    """Return a finding in a manifest, at the line of the object."""
    return ManifestFinding(
        rule=rule,
        severity=severity,
        message=message,
        object=str(manifest.ref),
        file=manifest.origin.file,
        line=manifest.origin.line,
        field=field,
    )


def of_failure(failure: Failure) -> ManifestFinding:
    """Return what the operator refuses as a finding."""
    return ManifestFinding(
        rule=failure.reason,
        severity=Severity.ERROR,
        message=failure.message,
        object=failure.object,
        file=failure.file,
        line=failure.line,
        field=failure.field or ("/metadata/name" if failure.object else ""),
    )
