from __future__ import annotations

from typing import Any

from towline.api import gitrepository
from towline.api.gitrepository import GitRepository
from towline.errors import Failure, Refusal
from towline.model import Live, ObjectRef, Plan
from towline.plan import claims
from towline.plan.claims import Claim
from towline.read.comparison.others_claims import OthersClaims

from tests.plan import strategies

REF = ObjectRef("", "ConfigMap", "team", "shared")
OLD, NEW = "1" * 40, "2" * 40


def repository(name: str, branch: str) -> GitRepository:
    metadata = {"namespace": "team", "name": name, "uid": name, "creationTimestamp": "2026-11-01T00:00:00Z"}
    spec: dict[str, Any] = {"url": "https://git.example.com/shop", "ref": {"branch": branch}}
    return gitrepository.identify({"metadata": metadata, "spec": spec})


def owned(label: str) -> Live:
    return strategies.live(REF)._replace(label=label)


def others(owner: GitRepository, sha: str) -> OthersClaims:
    claim = Claim(sha=sha, refs=frozenset({REF}))
    return OthersClaims(
        live={REF: owned(owner.label)}, neighbours=(claims.neighbour(owner, claim, tried=True),)
    )


def refused() -> Plan:
    return Plan(failures=(Failure(reason=Refusal.OWNED_BY_ANOTHER, message="", object=str(REF)),))


def test_an_object_waits_for_its_owner_where_that_will_read_the_same_commit() -> None:
    me, owner = repository("me", "main"), repository("owner", "main")
    found = others(owner, OLD)
    standing, told = found.stand(me, NEW, refused(), found.live)
    assert standing.coming == {REF: owner.key}
    assert told == (
        "ConfigMap team/shared waits: GitRepository team/owner owns it, and may release it when it reads this commit",
    )


def test_an_object_stays_with_its_owner_where_that_has_read_the_commit_or_never_will() -> None:
    me = repository("me", "main")
    for owner, sha in ((repository("owner", "main"), NEW), (repository("owner", "other"), OLD)):
        found = others(owner, sha)
        assert found.stand(me, NEW, refused(), found.live) == (claims.ALONE, ())
