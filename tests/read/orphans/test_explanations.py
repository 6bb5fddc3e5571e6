"""What explains an object, and what is reported of one that nothing explains."""

from __future__ import annotations

from typing import Any

import pytest
from towline.api import gitrepository
from towline.model import ObjectRef
from towline.read.orphans import explanations
from towline.read.orphans.explanations import OrphanKind

SETTINGS = ObjectRef("", "ConfigMap", "shop", "settings")
SECRET = ObjectRef("", "Secret", "shop", "git")


def repository(namespace: str = "shop", name: str = "app", uid: str = "u1", **spec: Any) -> Any:
    metadata = {"namespace": namespace, "name": name, "uid": uid}
    return gitrepository.identify({"metadata": metadata, "spec": {"url": "https://git.example/a", **spec}})


EVERYTHING = explanations.known([repository(secretRef={"name": "git"})], None)
ONE_NAMESPACE = explanations.known([repository()], frozenset({"shop"}))


def metadata(label: str = "", owner: str = "", *writers: str, **more: Any) -> dict[str, Any]:
    labels = {"towline.dev/repository": label} if label else {}
    notes = {"towline.dev/owner": owner} if owner else {}
    entries = [{"manager": each, "operation": "Update"} for each in writers]
    return {"labels": labels, "annotations": notes, "managedFields": entries, **more}


OWN = "u1:ConfigMap/shop/settings:0"
EARLIER = "u0:ConfigMap/shop/settings:0"
COPY = "u1:ConfigMap/shop/other:0"


@pytest.mark.parametrize(
    ("ref", "body"),
    [
        (SETTINGS, metadata("shop.app", OWN)),
        (SETTINGS, metadata("", OWN)),
        (SETTINGS, metadata("gone.app", EARLIER, ownerReferences=[{"kind": "Job"}])),
        (SETTINGS, metadata(ownerReferences=[{"kind": "Job"}])),
        (SETTINGS, metadata("", "", "kube-controller-manager")),
        (SETTINGS, {"labels": {"kapp.k14s.io/app": "x"}}),
        (SETTINGS._replace(name="kube-root-ca.crt"), {}),
        (ObjectRef("", "ServiceAccount", "shop", "default"), {}),
        (ObjectRef("coordination.k8s.io", "Lease", "shop", "leader"), {}),
        (ObjectRef("", "Endpoints", "shop", "web"), {}),
        (ObjectRef("towline.dev", "GitRepository", "shop", "app"), {}),
        (SECRET, metadata("", "", "kubectl")),
        (SECRET._replace(name="towline-keys"), {}),
        (SECRET._replace(name="token"), {"annotations": {"kubernetes.io/service-account.name": "x"}}),
        (SECRET._replace(name="sh.helm.release.v1.web.v1"), {"labels": {"owner": "helm"}}),
    ],
)
def test_what_something_explains_is_not_reported(ref: ObjectRef, body: dict[str, Any]) -> None:
    assert explanations.orphan(ref, body, EVERYTHING) is None


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (metadata(), OrphanKind.UNEXPLAINED, "no repository declares it, and nothing owns it"),
        (metadata("", "", "kubectl", "kube-controller-manager"), OrphanKind.UNEXPLAINED, "no repository"),
        (
            metadata("shop.gone", EARLIER),
            OrphanKind.LEFTOVER,
            "left behind by GitRepository shop/gone, which is gone",
        ),
        (metadata("h-1234", ""), OrphanKind.LEFTOVER, "left behind by GitRepository h-1234"),
        (metadata("shop.app", EARLIER), OrphanKind.LEFTOVER, "made by an earlier GitRepository shop/app"),
        (metadata("shop.app", COPY), OrphanKind.LEFTOVER, "shop/app, which did not make it"),
        (metadata("", EARLIER), OrphanKind.LEFTOVER, "that is gone (uid u0), and without its label"),
        (metadata("", COPY), OrphanKind.LEFTOVER, "the owner annotation of another object"),
    ],
)
def test_what_nothing_explains_is_reported_with_the_reason(
    body: dict[str, Any], kind: OrphanKind, why: str
) -> None:
    found = explanations.orphan(SETTINGS, body, EVERYTHING)
    assert found
    assert (found.kind, why in found.why) == (kind, True)


def test_a_repository_that_the_user_may_not_see_counts_as_there() -> None:
    assert explanations.orphan(SETTINGS, metadata("blog.app", EARLIER), ONE_NAMESPACE) is None
    assert explanations.orphan(SETTINGS, metadata("h-1234", EARLIER), ONE_NAMESPACE) is None
    assert explanations.orphan(SETTINGS, metadata("", EARLIER), ONE_NAMESPACE) is None
    assert explanations.orphan(SETTINGS, metadata("shop.gone", EARLIER), ONE_NAMESPACE)
    assert explanations.orphan(SETTINGS, metadata(), ONE_NAMESPACE)
