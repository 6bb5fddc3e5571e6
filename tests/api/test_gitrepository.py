from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from towline.api import gitrepository, schema
from towline.api.gitrepository import Drift, Ref, RefKind, Removal, Spec
from towline.errors import Reason, SpecError
from towline.model import Key

CRD = yaml.safe_load((Path(__file__).parents[2] / "crds" / "gitrepositories.yaml").read_text())
SCHEMA = schema.validator(CRD)
URL = "https://git.example/app.git"
SHA = "0123456789abcdef0123456789abcdef01234567"


def repository(spec: Any = None, **metadata: Any) -> gitrepository.GitRepository:
    known = {"namespace": "shop", "name": "app", "uid": "u-1", "generation": 2, "resourceVersion": "7"}
    raw = {"metadata": {**known, **metadata}, "spec": {"url": URL} if spec is None else spec}
    return gitrepository.identify(raw)


def specify(**spec: Any) -> Spec:
    return gitrepository.specify(repository({"url": URL, **spec}), SCHEMA)


def refused(**spec: Any) -> SpecError:
    with pytest.raises(SpecError) as caught:
        specify(**spec)
    return caught.value


def test_a_resource_is_identified_by_its_metadata() -> None:
    found = repository(
        finalizers=["towline.dev/finalizer"],
        annotations={"towline.dev/reconcile": "1"},
        creationTimestamp="2026-01-01T00:00:00Z",
    )
    assert (found.key, found.uid, found.generation) == (Key("shop", "app"), "u-1", 2)
    assert found.finalizers == ("towline.dev/finalizer",)
    assert found.annotations == {"towline.dev/reconcile": "1"}
    assert found.created_at == "2026-01-01T00:00:00Z"
    assert not found.deleting
    assert repository(deletionTimestamp="2026-01-01T00:00:00Z").deleting
    assert (found.label, found.manager) == ("shop.app", "towline:shop/app")


@pytest.mark.parametrize("spec", [[], "text", 3, {}, {"url": []}])
def test_a_resource_with_any_spec_can_be_identified(spec: Any) -> None:
    found = repository(spec)
    assert found.key == Key("shop", "app")
    with pytest.raises(SpecError):
        gitrepository.specify(found, SCHEMA)


def test_what_the_stored_object_lacks_has_its_default() -> None:
    spec = specify()
    assert spec.ref == Ref(kind=RefKind.HEAD)
    assert (spec.path, spec.interval, spec.timeout) == (".", 60.0, 60.0)
    assert (spec.default_namespace, spec.secret_name, spec.exclude) == ("shop", "", ())
    assert (spec.prune, spec.preflight, spec.force, spec.suspend) == (True, True, False, False)
    assert (spec.mode, spec.drift, spec.adopt) == ("Enforce", "Repair", "Always")
    assert spec.deletion_policy == "Delete"


def test_what_is_given_is_kept() -> None:
    spec = specify(
        ref={"tag": "v1"},
        path="deploy",
        interval="1h30m",
        timeout="5s",
        secretRef={"name": "git"},
        exclude=["*.tmp.yaml", "/old"],
        defaultNamespace="other",
        prune=False,
        preflight=False,
        force=True,
        deletionPolicy="Orphan",
        suspend=True,
        adopt="Never",
    )
    assert spec.ref == Ref(kind=RefKind.TAG, value="v1")
    assert (spec.path, spec.interval, spec.timeout, spec.secret_name) == ("deploy", 5400.0, 5.0, "git")
    assert spec.exclude == ("*.tmp.yaml", "/old")
    assert (spec.default_namespace, spec.adopt, spec.deletion_policy) == ("other", "Never", "Orphan")
    assert (spec.prune, spec.preflight, spec.force, spec.suspend) == (False, False, True, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("serviceAccountName", "deployer"),
        ("serviceAccountName", ""),
    ],
)
def test_what_is_not_served_yet_is_said_and_never_ignored(field: str, value: Any) -> None:
    error = refused(**{field: value})
    assert error.reason is Reason.INVALID_SPEC
    assert error.message.startswith(f"spec.{field}: ")
    assert error.message.endswith("not supported yet")


def test_what_is_served_one_day_is_read_without_another_change() -> None:
    reported = gitrepository.specify(
        repository({"url": URL, "drift": "Report"}), SCHEMA, unserved=frozenset()
    )
    assert reported.drift is Drift.REPORT


@pytest.mark.parametrize(
    "spec",
    [
        {"url": URL},
        {"url": URL, "deletionPolicy": "Delete", "mode": "Enforce", "prune": True, "suspend": False},
        {"url": "file:///srv", "interval": "0s", "ref": 3},
        {"url": URL, "drift": "Report"},
    ],
)
def test_deletion_prunes_whatever_else_the_spec_says(spec: Any) -> None:
    assert gitrepository.removal(repository(spec)) is Removal.PRUNE


@pytest.mark.parametrize(
    "spec",
    [
        {"url": URL, "deletionPolicy": "Orphan"},
        {"url": URL, "suspend": True},
        {"url": URL, "prune": False},
        {"url": URL, "mode": "Observe"},
        {"url": URL, "deletionPolicy": "delete"},
        {"url": URL, "deletionPolicy": None},
        {"url": URL, "prune": "true"},
        {"url": URL, "suspend": "false"},
        {"url": URL, "mode": ["Enforce"]},
        {},
        [],
        "text",
    ],
)
def test_deletion_releases_where_the_spec_says_so_or_cannot_be_read(spec: Any) -> None:
    assert gitrepository.removal(repository(spec)) is Removal.RELEASE
