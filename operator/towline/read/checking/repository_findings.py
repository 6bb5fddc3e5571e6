"""Find what is wrong with GitRepositories by the rules of their own CRD and of the operator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from towline.api import gitrepository
from towline.api.schema import Schema
from towline.errors import Refusal
from towline.fields import pointer
from towline.model import Manifest
from towline.read.checking import manifest_finding
from towline.read.checking.manifest_finding import ManifestFinding, Severity

_GROUP = "towline.dev"
_STEP = re.compile(r"[^.\[\]]+")


def findings(
    manifests: Iterable[Manifest], rules: Schema, known: Iterable[ManifestFinding]
) -> Iterator[ManifestFinding]:
    """Yield what is wrong with the specs of GitRepositories, but for fields that have a finding already.

    Args:
        manifests: all objects.
        rules: the schema of the spec.
        known: the findings.
    """
    told = {(each.object, each.field) for each in known}
    for manifest in manifests:
        if (manifest.ref.group, manifest.ref.kind) != (_GROUP, gitrepository.RESOURCE.kind):
            continue
        spec = manifest.body.get("spec")
        for fault in gitrepository.faults(spec, rules) if isinstance(spec, dict) else ():
            field = pointer.join(_STEP.findall(fault.field))
            if (str(manifest.ref), field) not in told:
                yield manifest_finding.of(manifest, Refusal.INVALID, Severity.ERROR, field, fault.message)
