"""Find what a change removes from the cluster, and what keeps it, by the operator's own plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from towline.api import gitrepository
from towline.api.gitrepository import GitRepository, Spec
from towline.api.schema import Schema
from towline.errors import Failure
from towline.model import Manifest, ObjectRef
from towline.plan import build, ownership
from towline.read.checking import manifest_finding
from towline.read.checking.manifest_finding import FindingRule, ManifestFinding, Severity
from towline.read.comparison import compared, recorded_objects
from towline.read.comparison.compared import Effect

_NAME = "/metadata/name"


def assumed() -> GitRepository:
    """Return the GitRepository that is assumed where the user names none: one with the defaults of the CRD."""
    return gitrepository.identify(
        {
            "metadata": {"namespace": "default", "name": "checked", "uid": "none"},
            "spec": {"url": "https://git.example/checked"},
        }
    )


def spec_of(repository: GitRepository, against: Schema) -> Spec:
    """Return the spec of a GitRepository.

    Raises:
        SpecError: it is malformed.
    """
    return gitrepository.specify(repository, against)


def findings(
    before: Mapping[ObjectRef, Manifest],
    after: Mapping[ObjectRef, Manifest],
    repository: GitRepository,
    spec: Spec,
) -> Iterator[ManifestFinding]:
    """Yield what a repository would remove that has applied `before` and now declares `after`.

    Args:
        before: what the older revision declares.
        after: what is declared now.
        repository: whose plan it is.
        spec: of the repository.
    """
    policy = replace(ownership.policy(repository), prune=spec.prune, gated=False)
    live = recorded_objects.live(before, policy)
    plan = build.replan(after, live, policy, "", recorded_objects.verdicts(after))
    found = recorded_objects.of_plan(plan, map(compared.changed, plan.removals))
    for each in found.changes:
        rule = FindingRule.RELEASED if each.action is Effect.RELEASE else FindingRule.PRUNED
        what = "stays in the cluster, without an owner" if rule is FindingRule.RELEASED else "is deleted"
        why = f": {each.message}" if each.message else ""
        message = f"{each.ref.display} is no longer declared, and {what}{why}"
        yield manifest_finding.of(before[each.ref], rule, Severity.NOTE, _NAME, message)
    for staying in found.blocked:
        what = "its removal waits for a confirmation" if staying.waits else "it stays"
        message = f"{staying.ref.display} is no longer declared, and {what}: {staying.message}"
        yield manifest_finding.of(before[staying.ref], staying.reason, Severity.WARNING, _NAME, message)
    yield from (_refused(each, after) for each in found.refused)


def _refused(failure: Failure, after: Mapping[ObjectRef, Manifest]) -> ManifestFinding:
    told = manifest_finding.of_failure(failure)
    manifest = next((each for ref, each in after.items() if str(ref) == failure.object), None)
    if manifest is None:
        return told
    return replace(told, file=manifest.origin.file, line=manifest.origin.line, field=told.field or _NAME)
