from __future__ import annotations

import pytest
from towline.read.explanation import stuck_deletions

NAME = "ConfigMap/shop/settings"


def going(*finalizers: str, **more: object) -> dict[str, object]:
    return {"metadata": {"deletionTimestamp": "2026-01-02T00:00:00Z", "finalizers": list(finalizers), **more}}


@pytest.mark.parametrize(
    ("finalizer", "who"),
    [
        ("towline.dev/finalizer", "the Towline operator"),
        ("kubernetes.io/pvc-protection", "no Pod uses it"),
        ("kubernetes.io/pv-protection", "no PersistentVolumeClaim is bound to it"),
        ("foregroundDeletion", "the garbage collector"),
        ("service.kubernetes.io/load-balancer-cleanup", "its load balancer is gone"),
        ("customresourcecleanup.apiextensions.k8s.io", "all objects of the kind are gone"),
        ("example.com/backup", "the controller of example.com"),
    ],
)
def test_each_finalizer_says_who_should_remove_it(finalizer: str, who: str) -> None:
    (each,) = stuck_deletions.causes(going(finalizer), NAME)
    assert finalizer in each.evidence
    assert who in each.evidence
    assert (each.object, each.pointer) == (NAME, "/metadata/finalizers/0")


def test_the_field_manager_that_set_a_finalizer_is_its_author() -> None:
    held: dict[str, object] = {"f:metadata": {"f:finalizers": {'v:"example.com/backup"': {}}}}
    entries = [{"manager": "backup-operator", "operation": "Update", "fieldsV1": held}]
    (each,) = stuck_deletions.causes(going("example.com/backup", managedFields=entries), NAME)
    assert each.author == "backup-operator"
    assert "set by backup-operator" in each.evidence


def test_a_namespace_waits_for_what_is_in_it() -> None:
    body = {**going(), "spec": {"finalizers": ["kubernetes"]}}
    (each,) = stuck_deletions.causes(body, "Namespace/shop")
    assert each.pointer == "/spec/finalizers"
    assert "the namespace controller removes when everything in the namespace is gone" in each.evidence


def test_a_deletion_that_nothing_holds_says_so() -> None:
    assert stuck_deletions.sentence("ConfigMap shop/a", going(), ()) == (
        "ConfigMap shop/a is being deleted since 2026-01-02T00:00:00Z: nothing holds it, so it ends soon"
    )
