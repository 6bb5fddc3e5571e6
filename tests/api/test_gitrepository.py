from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from towline.api import gitrepository, schema
from towline.api.gitrepository import Ref, RefKind, Removal, Spec
from towline.api.signed.verifying import Verify, VerifyMode
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
    assert (spec.mode, spec.drift, spec.adopt) == ("Enforce", "Repair", "Unmanaged")
    assert (spec.deletion_policy, spec.render) == ("Created", "Auto")


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
    assert error.message.endswith("is not supported yet; remove it")


def test_signatures_are_asked_for_by_a_mode_and_a_secret() -> None:
    assert specify().verify is None
    head = specify(verify={"secretRef": {"name": "signers"}}).verify
    assert head == Verify(mode=VerifyMode.HEAD, secret_name="signers")
    tag = {"mode": "Tag", "secretRef": {"name": "signers"}}
    for ref in ({"tag": "v1"}, {"semver": "1.x"}, {"name": "refs/tags/v1"}):
        assert specify(ref=ref, verify=tag).verify == Verify(mode=VerifyMode.TAG, secret_name="signers")
    for ref in ({}, {"branch": "main"}, {"name": "refs/heads/main"}, {"commit": "a" * 40}):
        error = refused(ref=ref, verify=tag)
        assert error.reason is Reason.INVALID_SPEC
        assert error.message.startswith("spec.verify.mode: Tag needs a ref that is a tag: set spec.ref.tag")
    assert refused(verify={"mode": "Head"}).message == "spec.verify.secretRef: is required"


@pytest.mark.parametrize(
    ("old", "new"), [("Always", "Unmanaged"), ("IfUnowned", "IfNoConflict"), ("TakeOver", "Any")]
)
def test_a_stored_value_that_was_renamed_is_refused_with_the_new_word(old: str, new: str) -> None:
    error = refused(adopt=old)
    assert error.reason is Reason.INVALID_SPEC
    assert error.message == f"spec.adopt: {old} is called {new} now: write {new}"


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("git@github.com:org/app.git", "ssh://git@github.com/org/app.git"),
        ("git@git.example:/srv/app", "ssh://git@git.example/srv/app"),
        ("ada.l@10.0.0.1:app", "ssh://ada.l@10.0.0.1/app"),
    ],
)
def test_an_scp_like_url_is_refused_with_the_form_to_copy(url: str, form: str) -> None:
    error = refused(url=url)
    assert error.reason is Reason.INVALID_URL
    assert error.message == f"spec.url: is an scp-like address; write it as {form}"


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({"url": URL}, Removal.CREATED),
        ({"url": URL, "deletionPolicy": "Created"}, Removal.CREATED),
        (
            {"url": URL, "deletionPolicy": "Delete", "mode": "Enforce", "prune": True, "suspend": False},
            Removal.ALL,
        ),
        ({"url": "file:///srv", "interval": "0s", "ref": 3}, Removal.CREATED),
        ({"url": URL, "drift": "Report"}, Removal.CREATED),
    ],
)
def test_deletion_prunes_whatever_else_the_spec_says(spec: Any, what: Removal) -> None:
    assert gitrepository.removal(repository(spec)) is what


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
    assert gitrepository.removal(repository(spec)) is Removal.NONE


def test_variables_and_the_keys_that_decrypt_are_read_with_their_defaults() -> None:
    spec = specify(
        substitute={"variables": {"B": "2", "A": "1"}, "from": [{"kind": "Secret", "name": "s"}]},
        decryption={"provider": "sops", "secretRef": {"name": "keys"}},
    )
    assert spec.decryption_secret == "keys"
    assert spec.substitute
    assert spec.substitute.variables == (("A", "1"), ("B", "2"))
    assert [(each.kind, each.name, each.optional) for each in spec.substitute.sources] == [
        ("Secret", "s", False)
    ]
    assert (spec.substitute.strict, spec.substitute.types) == (True, "Flux")
    assert specify().substitute is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec.substitute.variables", {"substitute": {"variables": {"A": 1}}}),
        ("spec.substitute.variables['A.b']", {"substitute": {"variables": {"A.b": "1"}}}),
        ("spec.substitute.from[0].kind", {"substitute": {"from": [{"kind": "Pod", "name": "a"}]}}),
        ("spec.decryption", {"decryption": {"provider": "sops"}}),
        ("spec.decryption.provider", {"decryption": {"provider": "vault", "secretRef": {"name": "a"}}}),
    ],
)
def test_variables_and_keys_that_cannot_be_read_are_refused_with_their_field(
    field: str, value: dict[str, Any]
) -> None:
    assert refused(**value).message.startswith(field)
