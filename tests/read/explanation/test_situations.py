"""What kubectl shows in the situations of a newcomer is explained by the change behind it, or by none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from towline.api import gitrepository
from towline.drift.deviations import Deviation
from towline.errors import Failure, Reason, Refusal
from towline.model import Action, Change, Health, ObjectRef, Person, Revision, State
from towline.read.explanation import cause, repository_explanation
from towline.read.explanation.health_causes import UnreadyObject
from towline.read.explanation.known_syncs import KnownSyncs
from towline.status import compute
from towline.status.compute import PassResult

SHA = "b" * 40
WEB = ObjectRef("apps", "Deployment", "team", "web")
BOB = Person(name="Bob", email="bob@example.com")
REVISION = Revision(
    sha=SHA,
    author=BOB,
    committer=BOB,
    authored_at="2026-01-01T00:00:00Z",
    committed_at="2026-01-01T00:00:00Z",
    subject="Add web",
)


class Situation(NamedTuple):
    """What a pass ended with, and what of its causes is expected: reasons, pointers, places."""

    reason: Reason
    message: str = ""
    failures: tuple[tuple[str, str], ...] = ()
    blocked: str = ""
    drift: str = ""
    ailing: str = ""
    expected: tuple[tuple[str, str, str], ...] = ()


def of_commit(reason: str, message: str, pointer: str = "") -> Situation:
    ready = Reason.BUILD_FAILED if reason == Reason.BUILD_FAILED else Reason.APPLY_FAILED
    return Situation(ready, failures=((reason, message),), expected=((reason, pointer, "web.yaml:5"),))


def of_spec(reason: Reason, message: str, pointer: str) -> Situation:
    return Situation(reason, message, expected=((reason, pointer, ""),))


def of_pods(said: str, reason: Reason = Reason.UNHEALTHY) -> Situation:
    return Situation(reason, ailing=said, expected=(("Failed", "", "web.yaml"),))


SITUATIONS = {
    "progressing": of_pods("0 of 3 replicas exist", Reason.PROGRESSING),
    "image pull": of_pods("cannot pull registry.example/web:1.4.2 (ImagePullBackOff)"),
    "crash loop": of_pods("container app: CrashLoopBackOff: OOMKilled, exit code 137 (image web:1)"),
    "unhealthy": of_pods("0 of 1 replicas are available"),
    "broken YAML": of_commit(Reason.BUILD_FAILED, '"[" is never closed'),
    "unknown field": of_commit(
        Refusal.UNKNOWN_FIELD, "unknown field spec.replicsa (did you mean replicas?)", "/spec/replicsa"
    ),
    "missing namespace": of_commit(Refusal.NAMESPACE_NOT_FOUND, "Namespace payments does not exist"),
    "RBAC": of_commit(Refusal.FORBIDDEN, "Towline may not manage roles: add get, list to rbac.rules"),
    "quota": of_commit(Refusal.QUOTA_EXCEEDED, "exceeded quota: small, requested: pods=1"),
    "admission": of_commit(Refusal.ADMISSION_DENIED, "policy says that no image may be :latest"),
    "immutable": of_commit(
        Refusal.IMMUTABLE_FIELD, "spec.template: Invalid value: …: field is immutable", "/spec/template"
    ),
    "401": of_spec(
        Reason.AUTHENTICATION_FAILED, "rejected the credentials in Secret team/tok", "/spec/secretRef"
    ),
    "404": of_spec(Reason.ACCESS_DENIED, "not found or no access: check spec.url", "/spec/url"),
    "Secret keys": of_spec(Reason.AUTH_CONFIG_INVALID, 'Secret team/x has only "foo"', "/spec/secretRef"),
    "DNS": Situation(Reason.GIT_UNAVAILABLE, "cannot reach git.nowhere.invalid: no such host"),
    "login page": Situation(Reason.GIT_UNAVAILABLE, "answers, but not as a Git server: check spec.url"),
    "TLS": of_spec(Reason.TLS_VERIFY_FAILED, "certificate is not signed by a known CA", "/spec/secretRef"),
    "ref missing": of_spec(Reason.REF_NOT_FOUND, "the remote has no branch mian", "/spec/ref"),
    "PVC prune": Situation(
        Reason.PRUNE_BLOCKED, "Waiting for you", blocked="loses data", expected=(("PruneBlocked", "", ""),)
    ),
    "shrink": Situation(
        Reason.PRUNE_BLOCKED,
        "Waiting for you",
        blocked="8 of 12 objects would be deleted",
        expected=(("PruneBlocked", "", ""),),
    ),
    "drift": Situation(Reason.SUCCEEDED, drift=" ", expected=(("Drifted", "/data/level", "web.yaml:5"),)),
    "contested": Situation(
        Reason.SUCCEEDED, drift=Refusal.CONTESTED, expected=(("Contested", "/data/level", "web.yaml:5"),)
    ),
    "dependsOn": of_spec(
        Reason.DEPENDENCY_NOT_READY, "depends on base, which is not ready", "/spec/dependsOn"
    ),
}


def passed(situation: Situation) -> PassResult:
    failures = tuple(
        Failure(reason=reason, message=message, object=str(WEB), file="web.yaml", line=5, commit=SHA)
        for reason, message in situation.failures
    )
    drift = Deviation(
        object=str(WEB),
        field="/data/level",
        file="web.yaml",
        line=5,
        commit=SHA,
        reason=situation.drift.strip(),
    )
    waits = Change(action=Action.PRUNE, ref=WEB, reason=Reason.PRUNE_BLOCKED, message=situation.blocked)
    given: dict[str, Any] = {"applied": REVISION} if situation.drift or situation.ailing else {}
    return PassResult(
        generation=1,
        reason=situation.reason,
        message=situation.message,
        observed=SHA,
        attempted=SHA,
        failures=failures,
        drift=(drift,) if situation.drift else None,
        blocked=(waits,) if situation.blocked else None,
        **given,
    )


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_is_explained(name: str) -> None:
    situation = SITUATIONS[name]
    status = compute.compute({}, passed(situation), datetime(2026, 1, 1, tzinfo=UTC))
    metadata = {"namespace": "team", "name": "shop", "uid": "uid", "generation": 1}
    body = {"metadata": metadata, "status": status}
    ailing = UnreadyObject(
        ref=WEB, health=Health(State.FAILED), said=situation.ailing, commit=SHA, source="web.yaml"
    )
    found = repository_explanation.explain(
        gitrepository.identify(body),
        body,
        (ailing,) if situation.ailing else (),
        KnownSyncs(revisions={SHA: REVISION}),
    )
    shown = tuple(
        (each.reason, each.pointer, f"{each.file}:{each.line}" if each.line else each.file)
        for each in found.causes
    )
    assert shown == situation.expected
    assert found.sentence
    assert not found.is_well
    assert ("No change explains this" in found.sentence) is (shown == ())
    for each in found.causes:
        assert each.evidence
        assert (each.author == "Bob") is bool(each.commit)
    told = cause.body(found)
    assert list(told) == ["sentence", "since", "causes"]
    assert told["since"] == "2026-01-01T00:00:00Z"
    for one in told["causes"]:
        assert list(one) == ["object", "pointer", "file", "line", "commit", "author", "reason", "evidence"]
        assert type(one["line"]) is int
        assert {type(value) for name, value in one.items() if name != "line"} <= {str, Reason, Refusal}
