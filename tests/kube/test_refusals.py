"""The texts are those of a real API server (1.37)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from towline.errors import ApiError, Cause, Refusal
from towline.fields import mask
from towline.kube import object_failures, refusals
from towline.model import Action, Change, Live, ObjectRef, Origin
from towline.plan.manifest import declare

TYPED = "failed to create typed patch object (t/web; apps/v1, Kind=Deployment): "
SCHEMA = "field not declared in schema"
DENIED = "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no"
RPC = (
    "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2970122 vs. 2097152)"
)
MASK = mask.Mask(b"k" * 32)


def answer(
    code: int, message: str, *causes: tuple[str, str, str], reason: str = "", kind: str = ""
) -> ApiError:
    """One answer; causes are (reason, message, field)."""
    return ApiError(
        code,
        message,
        status_reason=reason,
        details_kind=kind,
        causes=tuple(Cause(reason=why, message=text, field=field) for why, text, field in causes),
    )


def invalid(*causes: tuple[str, str, str]) -> ApiError:
    message = ", ".join(f"{field}: {text}" for _, text, field in causes)
    return answer(
        422, f'Deployment.apps "web" is invalid: {message}', *causes, reason="Invalid", kind="Deployment"
    )


def forbidden(rest: str, *causes: tuple[str, str, str]) -> ApiError:
    return answer(403, f'configmaps "a" is forbidden: {rest}', *causes, reason="Forbidden", kind="configmaps")


CASES: dict[str, tuple[ApiError, Refusal, str]] = {
    "a wrong type": (
        answer(500, TYPED + ".spec.replicas: expected numeric (int or float), got string"),
        Refusal.WRONG_TYPE,
        ".spec.replicas",
    ),
    "a wrong type in a map": (
        answer(500, TYPED + ".data.a: expected string, got &value.valueUnstructured{Value:1}"),
        Refusal.WRONG_TYPE,
        ".data.a",
    ),
    "an unknown field": (
        answer(500, f"{TYPED}.spec.replcas: {SCHEMA}"),
        Refusal.UNKNOWN_FIELD,
        ".spec.replcas",
    ),
    "an unknown field in a list": (
        answer(500, f'{TYPED}.spec.template.spec.containers[name="c1"].imagee: {SCHEMA}'),
        Refusal.UNKNOWN_FIELD,
        '.spec.template.spec.containers[name="c1"].imagee',
    ),
    "a list key twice": (
        answer(500, TYPED + '.spec.template.spec.containers: duplicate entries for key [name="c1"]'),
        Refusal.INVALID,
        ".spec.template.spec.containers",
    ),
    "data that is no base64": (
        answer(
            500,
            "failed to convert new object (t/a; /v1, Kind=Secret) to proper version: unable to convert "
            "unstructured object: error decoding from json: illegal base64 data at input byte 0",
        ),
        Refusal.INVALID,
        "",
    ),
    "too much for etcd": (answer(500, "etcdserver: request is too large"), Refusal.TOO_LARGE, ""),
    "too much for gRPC": (answer(500, RPC), Refusal.TOO_LARGE, ""),
    "too much for HTTP": (
        answer(413, "Request entity too large: limit is 3145728", reason="RequestEntityTooLarge"),
        Refusal.TOO_LARGE,
        "",
    ),
    "a large ConfigMap": (
        invalid(("FieldValueTooLong", "Too long: may not be more than 1048576 bytes", "[]")),
        Refusal.TOO_LARGE,
        "",
    ),
    "large annotations": (
        invalid(("FieldValueTooLong", "Too long: may not be more than 262144 bytes", "metadata.annotations")),
        Refusal.TOO_LARGE,
        "metadata.annotations",
    ),
    "a long value": (
        invalid(("FieldValueTooLong", "Too long: may not be more than 63 bytes", "spec.serviceName")),
        Refusal.INVALID,
        "spec.serviceName",
    ),
    "a webhook that is down": (
        answer(
            500,
            'Internal error occurred: failed calling webhook "w.example.com": connection refused',
            ("", 'failed calling webhook "w.example.com"', ""),
            reason="InternalError",
        ),
        Refusal.SERVER_ERROR,
        "",
    ),
    "any other fault of the server": (
        answer(503, "the server is currently unable"),
        Refusal.SERVER_ERROR,
        "",
    ),
    "a missing namespace": (
        answer(404, 'namespaces "zzz" not found', reason="NotFound", kind="namespaces"),
        Refusal.NAMESPACE_NOT_FOUND,
        "",
    ),
    "a group that is not served": (answer(404, "404 page not found"), Refusal.UNKNOWN_KIND, ""),
    "a kind that is not served": (
        answer(404, "the server could not find the requested resource", reason="NotFound"),
        Refusal.UNKNOWN_KIND,
        "",
    ),
    "a role that is not there": (
        answer(
            404,
            'rolebindings.rbac.authorization.k8s.io "nope" not found',
            reason="NotFound",
            kind="rolebindings",
        ),
        Refusal.FORBIDDEN,
        "",
    ),
    "missing rights": (
        forbidden('User "bob" cannot patch resource "configmaps" in API group "" in the namespace "t"'),
        Refusal.FORBIDDEN,
        "",
    ),
    "an escalation": (
        forbidden('user "bob" is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""]}'),
        Refusal.FORBIDDEN,
        "",
    ),
    "a quota": (
        forbidden("exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1"),
        Refusal.QUOTA_EXCEEDED,
        "",
    ),
    "a quota that wants limits": (
        forbidden("failed quota: q: must specify limits.cpu for: c"),
        Refusal.QUOTA_EXCEEDED,
        "",
    ),
    "a namespace on its way out": (
        forbidden(
            "unable to create new content in namespace dying because it is being terminated",
            ("NamespaceTerminating", "namespace dying is being terminated", "metadata.namespace"),
        ),
        Refusal.NAMESPACE_TERMINATING,
        "",
    ),
    "a policy that forbids": (forbidden(DENIED, ("", DENIED, "")), Refusal.ADMISSION_DENIED, ""),
    "a policy that calls it invalid": (
        answer(
            422, f"configmaps is forbidden: {DENIED}", ("", DENIED, ""), reason="Invalid", kind="configmaps"
        ),
        Refusal.ADMISSION_DENIED,
        "",
    ),
    "a webhook that denies": (
        answer(400, 'admission webhook "w.example.com" denied the request: no', reason="BadRequest"),
        Refusal.ADMISSION_DENIED,
        "",
    ),
    "a missing service account": (
        forbidden('error looking up service account t/nosa: serviceaccount "nosa" not found'),
        Refusal.ADMISSION_DENIED,
        "",
    ),
    "an immutable selector": (
        invalid(
            (
                "FieldValueInvalid",
                'Invalid value: {"matchLabels":{"a":"c"}}: field is immutable',
                "spec.selector",
            )
        ),
        Refusal.IMMUTABLE_FIELD,
        "spec.selector",
    ),
    "a cluster IP": (
        invalid(
            (
                "FieldValueInvalid",
                'Invalid value: ["10.0.0.77"]: may not change once set',
                "spec.clusterIPs[0]",
            )
        ),
        Refusal.IMMUTABLE_FIELD,
        "spec.clusterIPs[0]",
    ),
    "an immutable ConfigMap": (
        invalid(("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", "data")),
        Refusal.IMMUTABLE_FIELD,
        "data",
    ),
    "a claim that shrinks": (
        invalid(
            (
                "FieldValueForbidden",
                "Forbidden: spec is immutable after creation except resources.requests\n@@ -6,7 +6,7 @@\n",
                "spec",
            )
        ),
        Refusal.IMMUTABLE_FIELD,
        "spec",
    ),
    "a wrong type in a custom resource": (
        invalid(("FieldValueTypeInvalid", 'Invalid value: "string": must be of type integer', "spec.n")),
        Refusal.WRONG_TYPE,
        "spec.n",
    ),
    "another object in its place": (
        invalid(("FieldValueInvalid", 'Invalid value: "12": field is immutable', "metadata.uid")),
        Refusal.CONFLICT,
        "metadata.uid",
    ),
    "a rival field manager": (
        answer(
            409,
            'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .data.b',
            ("FieldManagerConflict", 'conflict with "kubectl-edit" using v1', ".data.b"),
            reason="Conflict",
        ),
        Refusal.CONFLICT,
        ".data.b",
    ),
    "an old version": (
        answer(409, 'Operation cannot be fulfilled on configmaps "im"', reason="Conflict", kind="configmaps"),
        Refusal.CONFLICT,
        "",
    ),
    "a name that is not the path's": (
        answer(
            400, "the name of the object (web) does not match the name on the URL (web2)", reason="BadRequest"
        ),
        Refusal.INVALID,
        "",
    ),
    "a kind that cannot be patched": (
        answer(
            405, "the server does not allow this method on the requested resource", reason="MethodNotAllowed"
        ),
        Refusal.INVALID,
        "",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_has_a_reason_and_names_its_field(case: str) -> None:
    error, reason, path = CASES[case]

    [fault] = refusals.faults(error)

    assert (fault.reason, fault.path) == (reason, path)
    assert fault.message


def test_several_faults_of_one_schema_error_are_told_apart() -> None:
    message = (
        f"{TYPED}errors:\n  .spec.a: {SCHEMA}\n  .spec.replicas: expected numeric (int or float), got string"
    )

    found = [(fault.reason, fault.path) for fault in refusals.faults(answer(500, message))]

    assert found == [(Refusal.UNKNOWN_FIELD, ".spec.a"), (Refusal.WRONG_TYPE, ".spec.replicas")]


def test_all_unknown_fields_of_a_strict_creation_are_named() -> None:
    message = (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        'unknown field "spec.replcas", unknown field "spec.template.spec.containers[0].env[0].valeu"'
    )

    found = refusals.faults(answer(400, message, reason="BadRequest"))

    assert [fault.path for fault in found] == [
        "spec.replcas",
        "spec.template.spec.containers[0].env[0].valeu",
    ]
    assert {fault.reason for fault in found} == {Refusal.UNKNOWN_FIELD}


def test_a_value_of_the_wrong_type_and_a_key_twice_in_strict_decoding_are_told_apart() -> None:
    wrong = 'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string'
    twice = 'strict decoding error: key "a" already set in map'

    assert refusals.faults(answer(400, wrong))[0].reason == Refusal.WRONG_TYPE
    assert refusals.faults(answer(400, twice))[0].reason == Refusal.INVALID


def test_each_cause_of_an_invalid_object_is_a_failure_of_its_own() -> None:
    error = invalid(
        ("FieldValueInvalid", 'Invalid value: "kubernetes.io/tls": field is immutable', "type"),
        ("FieldValueRequired", "Required value", "data[tls.crt]"),
        (
            "FieldValueInvalid",
            "Invalid value: null: some validation rules were not checked because …",
            "<nil>",
        ),
    )

    found = [(fault.reason, fault.message) for fault in refusals.faults(error)]

    assert found == [
        (Refusal.IMMUTABLE_FIELD, 'type: Invalid value: "kubernetes.io/tls": field is immutable'),
        (Refusal.INVALID, "data[tls.crt]: Required value"),
    ]


def test_a_dumped_struct_is_cut_out_of_the_message() -> None:
    dump = '{"labels":{"a":"b"},"Spec":' + "x" * 3000 + "}"
    error = invalid(("FieldValueInvalid", f"Invalid value: {dump}: field is immutable", "spec.template"))

    [fault] = refusals.faults(error)

    assert fault.message == "spec.template: Invalid value: …: field is immutable"
    assert fault.reason == Refusal.IMMUTABLE_FIELD


def change(body: dict[str, Any], kind: str = "Secret") -> Change:
    ref = ObjectRef("", kind, "shop", "login")
    manifest = declare(body, ref, "d", Origin(file="a.yaml", line=7))
    return Change(action=Action.CREATE, ref=ref, manifest=manifest)


def test_a_failure_names_object_file_line_commit_and_field() -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "login"}, "data": {"a.b": 1}}
    error = answer(500, TYPED + ".data.a.b: expected string, got &value.valueUnstructured{Value:1}")

    [failure] = object_failures.failures(
        error, object_failures.subject(change(body, "ConfigMap"), "c0ffee"), MASK
    )

    assert failure.object == "ConfigMap/shop/login"
    assert (failure.file, failure.line, failure.commit) == ("a.yaml", 7, "c0ffee")
    assert failure.field == "/data/a.b"
    assert failure.message == "data.a.b: expected string, got a value of another type"


def test_a_failure_shows_no_secret_and_at_most_one_kibibyte() -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login"},
        "stringData": {"password": "hunter2", "pin": 1234},
    }
    error = invalid(
        ("FieldValueInvalid", 'Invalid value: "hunter2": no', "stringData[password]"),
        ("FieldValueInvalid", "Invalid value: 1234: " + "no " * 1000, "stringData[pin]"),
    )

    found = object_failures.failures(error, object_failures.subject(change(body), "c0ffee"), MASK)

    assert "hunter2" not in str(found)
    assert "1234" not in str(found)
    assert all(len(failure.message.encode()) <= 1024 for failure in found)


def test_a_failed_removal_names_the_file_and_commit_that_last_declared_the_object() -> None:
    ref = ObjectRef("", "ConfigMap", "shop", "web")
    live = Live(
        ref=ref,
        uid="u",
        resource_version="1",
        generation=-1,
        label="shop.app",
        owner="",
        digest="",
        commit="c0ffee",
        source="old.yaml",
        manager="",
        fields=b"",
        entry_time="",
        terminating=False,
        prune_disabled=False,
    )

    about = object_failures.subject(Change(action=Action.PRUNE, ref=ref, live=live), "f00d")

    assert (about.file, about.commit) == ("old.yaml", "c0ffee")


def test_no_object_is_to_blame_for_refused_credentials_or_a_rate_limit() -> None:
    assert refusals.concerns_all(answer(401, "Unauthorized"))
    assert refusals.concerns_all(answer(429, "too many requests"))
    assert not refusals.concerns_all(answer(403, "forbidden"))


def test_an_object_that_changed_since_it_was_read_is_told_from_a_rival() -> None:
    gone = answer(
        409,
        "uid mismatch: the provided object specified uid 12, and no existing object was found",
        reason="Conflict",
    )

    assert refusals.is_conflict(gone)
    assert refusals.is_conflict(CASES["another object in its place"][0])
    assert refusals.is_conflict(CASES["an old version"][0])
    assert not refusals.is_conflict(CASES["a rival field manager"][0])
    assert not refusals.is_conflict(CASES["an immutable selector"][0])


def test_a_failed_test_of_a_patch_is_stale_and_an_invalid_object_is_not() -> None:
    assert refusals.is_stale(
        answer(422, "the server rejected our request due to an error in our request", reason="Invalid")
    )
    assert not refusals.is_stale(CASES["an immutable selector"][0])


@pytest.mark.parametrize("case", ["a group that is not served", "a kind that is not served"])
def test_a_kind_that_is_not_served_is_no_absent_object(case: str) -> None:
    error = CASES[case][0]

    assert refusals.is_unserved(error)
    assert not refusals.is_absent(error)
    assert refusals.is_absent(answer(404, 'configmaps "a" not found', reason="NotFound", kind="configmaps"))


def test_only_what_the_schema_of_an_apply_refuses_is_typed() -> None:
    assert refusals.is_typed(CASES["an unknown field"][0])
    assert refusals.is_typed(CASES["a wrong type"][0])
    assert not refusals.is_typed(CASES["an immutable selector"][0])
    assert not refusals.is_typed(answer(500, "etcdserver: request timed out"))


def test_old_secrets_are_taken_out_of_a_message_and_what_we_add_is_not() -> None:
    ref = ObjectRef("", "Secret", "shop", "web")
    annotations = {"towline.dev/source": "apps/web.yaml", "note": "old note"}
    metadata = {"name": "web", "namespace": "shop", "uid": "4711", "annotations": annotations}
    held = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "data": {"password": "b2xkIHBhc3N3b3Jk"},
    }
    said = "was b2xkIHBhc3N3b3Jk (old password, old note) from apps/web.yaml, uid 4711"
    removal = Change(action=Action.PRUNE, ref=ref)

    (found,) = object_failures.failures(
        answer(403, said, reason="Forbidden"), object_failures.subject(removal, "c0ffee", held), MASK
    )

    assert found.message == "was *** (***, ***) from apps/web.yaml, uid 4711"


def test_of_a_secret_that_cannot_be_read_no_word_of_the_server_is_shown() -> None:
    removal = Change(action=Action.PRUNE, ref=ObjectRef("", "Secret", "shop", "web"))
    about = object_failures.subject(removal, "c0ffee", None)

    (found,) = object_failures.failures(answer(403, "must keep hunter2", reason="Forbidden"), about, MASK)

    assert "hunter2" not in found.message
    assert "cannot be read" in found.message


def test_a_kind_that_is_not_served_is_refused_in_our_words() -> None:
    words = "the API server serves Deployment in apps/v1, not in v1beta1: write apiVersion: apps/v1"
    (fault,) = refusals.faults(answer(404, words, reason=refusals.NOT_SERVED))
    assert (fault.reason, fault.message) == (Refusal.UNKNOWN_KIND, words)


def crowded(count: int, kind: str = "Secret") -> tuple[ApiError, object_failures.Subject]:
    """An answer about as many keys as an object has, each with a value of its own that the answer quotes."""
    data = {f"bad key {number}!": f"value-of-{number:06}-and-more" for number in range(count)}
    body = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": "a", "namespace": "t"},
        "stringData": data,
    }
    causes = (
        ("FieldValueInvalid", f'Invalid value: "{value}": a valid config key', f"data[{key}]")
        for key, value in data.items()
    )
    return invalid(*causes), object_failures.subject(change(body, kind), "c0ffee")


def test_of_many_faults_of_one_answer_a_hundred_are_told_and_the_others_counted() -> None:
    found = object_failures.failures(*crowded(4000), MASK)
    assert len(found) == 101
    assert (found[-1].reason, found[-1].message) == ("Invalid", "and 3,900 more")
    assert not any("value-of-" in each.message for each in found)


def test_the_price_of_an_answer_grows_with_its_secrets_not_with_their_square() -> None:
    """Twice the secrets and twice the faults: about twice the time, at most three times with what a machine adds."""

    def seconds(count: int) -> float:
        error, about = crowded(count)
        times = []
        for _ in range(5):
            start = time.process_time()
            object_failures.failures(error, about, MASK)
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(8000) < 3 * seconds(4000)


@pytest.mark.parametrize(
    "words",
    [
        "maximum cpu usage per Container is 1, but limit is 2",
        "maximum memory usage per Pod is 1Gi.  No limit is specified",
        "[cpu max limit to request ratio per Container is 2, but provided ratio is 4, minimum cpu usage per Pod is 1]",
        "minimum storage usage per PersistentVolumeClaim is 2Gi, but request is 1Gi",
    ],
)
def test_what_a_limit_range_refuses_is_no_missing_right(words: str) -> None:
    (found,) = refusals.faults(forbidden(words))
    assert found.reason is Refusal.ADMISSION_DENIED
    assert words in found.message
    assert "LimitRange" in found.message


@pytest.mark.parametrize("code", [400, 403, 404, 409, 422, 500])
@pytest.mark.parametrize("letter", ["a", "\n", "[a", " ", "is forbidden: ", 'User "', "namespaces"])
def test_an_answer_that_quotes_a_very_long_value_is_read_at_once(code: int, letter: str) -> None:
    """A pattern that begins anew at each letter takes minutes, and holds up all threads meanwhile."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"password": "abcdef"}}
    about = object_failures.subject(change(body), "c0ffee")
    begun = time.thread_time()
    for message in (letter * 60_000, f"{TYPED}{letter * 60_000}"):
        object_failures.failures(answer(code, message), about, MASK)
    assert time.thread_time() - begun < 3
