from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from towline.api.gitrepository import Drift
from towline.errors import Refusal
from towline.model import Action, Manifest, ObjectRef, Origin
from towline.plan.build import plan
from towline.plan.manifest import declare
from towline.plan.partners import partner

from tests.plan.strategies import POLICY, SHA

TOKEN = {"type": "kubernetes.io/service-account-token"}
OF_WEB = {"annotations": {"kubernetes.io/service-account.name": "web"}}
OF_SHOP = {"labels": {"kubernetes.io/service-name": "shop"}}
OWNED = {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "1"}]}


def of(version: str, kind: str, metadata: dict[str, Any] | None = None, **content: Any) -> Manifest:
    group, _, _ = version.rpartition("/")
    ref = ObjectRef(group, kind, "team", "thing")
    metadata = {"name": ref.name, **(metadata or {})}
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, **content}
    return declare(body, ref, "sha256:1", Origin(file="a.yaml", line=1))


@pytest.mark.parametrize(
    ("manifest", "named"),
    [
        (of("v1", "Secret", OF_WEB, **TOKEN), "ServiceAccount team/web"),
        (of("v1", "Secret", None, **TOKEN), ""),
        (of("v1", "Secret", OF_WEB, type="Opaque"), ""),
        (of("v1", "Secret", OWNED, type="Opaque"), "its owner, Deployment web"),
        (of("v1", "Endpoints"), "Service team/thing"),
        (of("discovery.k8s.io/v1", "EndpointSlice", OF_SHOP), "Service team/shop"),
        (of("discovery.k8s.io/v1", "EndpointSlice"), ""),
        (of("v1", "Pod", spec={"nodeName": "n1"}), "Node n1"),
        (of("v1", "Pod", spec={}), ""),
        (of("v1", "ConfigMap"), ""),
        (of("v1", "ConfigMap", OWNED), "its owner, Deployment web"),
        (of("v1", "ConfigMap", {"ownerReferences": ["web"], "annotations": []}), ""),
    ],
)
def test_it_names_what_the_control_plane_wants_to_see_next_to_an_object(
    manifest: Manifest, named: str
) -> None:
    assert partner(manifest) == named


@pytest.mark.parametrize("drift", list(Drift))
def test_what_the_control_plane_removed_at_once_is_written_again_however_drift_is_answered(
    drift: Drift,
) -> None:
    token = of("v1", "Secret", OF_WEB, **TOKEN)
    policy = replace(POLICY, drift=drift, written={token.ref: token.digest})

    (gone,) = plan((token,), {}, replace(policy, short_lived=frozenset({token.ref})), SHA).changes

    assert (gone.action, gone.reason) == (Action.CREATE, "")
    assert "without ServiceAccount team/web" in gone.message


def test_what_went_long_after_its_write_or_that_only_people_delete_is_drift() -> None:
    token, settings = of("v1", "Secret", OF_WEB, **TOKEN), of("v1", "ConfigMap")
    written = {each.ref: each.digest for each in (token, settings)}
    policy = replace(POLICY, drift=Drift.REPORT, written=written)

    changes = plan((token, settings), {}, replace(policy, short_lived=frozenset({settings.ref})), SHA).changes

    assert {(each.ref.kind, each.reason) for each in changes} == {
        ("Secret", "Drifted"),
        ("ConfigMap", "Drifted"),
    }


def test_what_is_removed_again_and_again_waits_and_names_its_partner() -> None:
    token = of("v1", "Secret", OF_WEB, **TOKEN)
    policy = replace(
        POLICY,
        written={token.ref: token.digest},
        short_lived=frozenset({token.ref}),
        contested={token.ref: "another field manager keeps changing it"},
    )

    (left,) = plan((token,), {}, policy, SHA).changes

    assert (left.action, left.reason) == (Action.SKIP, Refusal.CONTESTED)
    assert "Declare ServiceAccount team/web" in left.message
