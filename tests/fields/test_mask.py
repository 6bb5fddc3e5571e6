from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.fields.mask import Mask
from towline.model import ObjectRef

SECRET_REF = ObjectRef("", "Secret", "shop", "a")

MASK = Mask(b"k" * 32)
SECRET = "hunter2-and-more"


def secret(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}, **more}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config_map(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}


def custom(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.dev/v1", "kind": "Database", "metadata": {"name": "main"}, "spec": spec}


def scalars(value: Any) -> set[Any]:
    if isinstance(value, dict):
        return set().union(*map(scalars, value.values()))
    if isinstance(value, list):
        return set().union(*map(scalars, value))
    return {value}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["data", "stringData", "type", "metadata", "spec"]), json_values))
def test_of_a_secret_nothing_but_its_identity_is_shown(content: dict[str, Any]) -> None:
    metadata = {"name": "db", "namespace": "shop", "labels": content.pop("metadata", None)}
    masked = MASK.masked({"apiVersion": "v1", "kind": "Secret", **content, "metadata": metadata})
    assert masked["metadata"].pop("name"), masked["metadata"].pop("namespace")
    assert (masked.pop("apiVersion"), masked.pop("kind")) == ("v1", "Secret")
    masked["metadata"].pop("namespace", None)
    for shown in scalars(masked):
        assert shown is None or (shown.startswith("***") and len(shown) == 11)


def test_annotations_and_labels_of_a_secret_are_secret_and_its_keys_are_not() -> None:
    body = secret(data={"password": encoded(SECRET)}, type="Opaque", immutable=True)
    body["metadata"]["annotations"] = {"note": "the password is hunter2"}
    body["metadata"]["labels"] = {"hint": "hunter2"}
    text = json.dumps(MASK.masked(body))
    assert "hunter2" not in text
    assert "Opaque" not in text
    assert all(f'"{key}"' in text for key in ("password", "note", "hint", "db", "shop"))


def test_equal_values_look_equal_also_in_data_and_string_data() -> None:
    masked = MASK.masked(secret(data={"a": encoded("same"), "b": encoded("other")}, stringData={"c": "same"}))
    assert masked["data"]["a"] == masked["stringData"]["c"] != masked["data"]["b"]


def test_what_stands_for_a_secret_depends_on_the_key() -> None:
    body = secret(stringData={"a": "1234"})
    assert MASK.masked(body) != Mask(b"x" * 32).masked(body)
    assert MASK.digest("sha", SECRET_REF) != Mask(b"x" * 32).digest("sha", SECRET_REF) != "sha"
    assert MASK.digest("sha", ObjectRef("", "ConfigMap", "shop", "a")) == "sha"


def test_what_kubectl_applied_last_is_dropped_from_every_object() -> None:
    body = config_map(a="1")
    body["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"hunter2"}}',
        "kept": "yes",
    }
    assert MASK.masked(body)["metadata"]["annotations"] == {"kept": "yes"}


@pytest.mark.parametrize(
    "body",
    [
        pod(containers=[{"name": "c", "env": [{"name": "DB_PASSWORD", "value": SECRET}]}]),
        pod(containers=[{"name": "c", "env": [{"name": "githubToken", "value": SECRET}]}]),
        pod(initContainers=[{"name": "c", "env": [{"name": "AWS_SECRET_ACCESS", "value": SECRET}]}]),
        pod(
            containers=[
                {"readinessProbe": {"httpGet": {"httpHeaders": [{"name": "X-Api-Key", "value": SECRET}]}}}
            ]
        ),
        config_map(**{"api-key": SECRET}),
        config_map(secretName=SECRET),
        config_map(DATABASE_CREDENTIALS=SECRET),
        {"metadata": {"annotations": {"example.dev/apiToken": SECRET}}},
        {"kind": "StorageClass", "parameters": {"restuserkey": SECRET}},
        custom(adminPassword=SECRET),
        custom(auth={"clientSecret": SECRET}),
        custom(credentials={"user": "ada", "pass": SECRET}),
        custom(tokens=["first", SECRET]),
        custom(secret=SECRET),
        custom(secret={"name": "x", "value": SECRET}),
        custom(secret=[{"name": "x", "plain": SECRET}]),
        custom(apiKeys=[{"name": "ci", "key": SECRET}]),
        custom(tls={"name": "web", "key": SECRET}),
        custom(password={"path": SECRET}),
        {"kind": "CustomResourceDefinition", "metadata": {"annotations": {"password": SECRET}}},
        custom(tls={"cert": "public", "key": SECRET}),
        custom(parameters=[{"name": "smtp_password", "value": SECRET}]),
        custom(passwords=[{"name": "ada", "value": SECRET}]),
        custom(passphrases={"items": [SECRET]}),
        custom(manifest=secret(stringData={"a": SECRET})),
        custom(manifests=[secret(type=SECRET)]),
        custom(template={"stringData": {"a": SECRET}}),
    ],
)
def test_the_value_of_a_name_that_says_secret_is_masked_in_every_kind(body: dict[str, Any]) -> None:
    assert SECRET not in json.dumps(MASK.masked(body))
    assert SECRET not in MASK.text(f'spec: Invalid value: "{SECRET}": no', body)


KEYS_WITH_A_PURPOSE = (
    *(
        "apiKey",
        "api_key",
        "API_KEY",
        "X-Api-Key",
        "apikey",
        "APIKey",
        "apiKeys",
        "AWS_ACCESS_KEY_ID",
        "access-key",
    ),
    *(
        "private.key",
        "privateKey",
        "PRIVATE KEY",
        "signing_key",
        "signKey",
        "encryptionKey",
        "ENCRYPTION-KEY",
    ),
    *("sshKey", "ssh-key", "SSH_HOST_RSA_KEY", "tls.key", "server.key", "ca.key", "masterkey", "hmac-key"),
    *("JWT_KEY", "ed25519_key", "example.dev/api-key", "storageAccountKey", "web.example.org.key"),
)


@pytest.mark.parametrize("name", KEYS_WITH_A_PURPOSE)
def test_a_key_with_its_purpose_is_secret_in_any_spelling(name: str) -> None:
    env = [{"name": name, "value": SECRET}]
    for body in (config_map(**{name: SECRET}), custom(**{name: SECRET}), pod(containers=[{"env": env}])):
        assert SECRET not in json.dumps(MASK.masked(body))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "key",
            "Key",
            "KEY",
            "keys",
            "key1",
            "KEYCLOAK_URL",
            "keyboard",
            "topologyKey",
            "labelKey",
            "sortKey",
        ),
        *(
            "publicKey",
            "ssh-public-key",
            "partition_key",
            "primaryKey",
            "monkey",
            "keyPrefix",
            "app.kubernetes.io/key",
        ),
    ],
)
def test_the_bare_word_key_hides_nothing(name: str) -> None:
    env = [{"name": name, "value": "seen"}]
    for body in (config_map(**{name: "seen"}), custom(**{name: "seen"}), pod(containers=[{"env": env}])):
        assert MASK.masked(body) == body
    assert MASK.masked(config_map(name="x", key="seen")) == config_map(name="x", key="seen")


def test_a_private_key_in_pem_is_secret_whatever_it_is_called() -> None:
    pem = f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----\n"
    for body in (config_map(key=pem), custom(files=[{"name": "web", "content": pem}])):
        assert SECRET not in json.dumps(MASK.masked(body))


@pytest.mark.parametrize("number", [1234, 12.5])
def test_a_number_may_be_a_password(number: float) -> None:
    body = custom(password=number)
    assert str(number) not in json.dumps(MASK.masked(body))
    assert str(number) not in MASK.text(f"spec.password: Invalid value: {number}: too short", body)


@pytest.mark.parametrize(
    "body",
    [
        pod(automountServiceAccountToken=True, imagePullSecrets=[{"name": "registry"}]),
        pod(
            containers=[
                {"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]}
            ]
        ),
        pod(containers=[{"envFrom": [{"secretRef": {"name": "a", "optional": True}}]}]),
        pod(
            containers=[{"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]}]
        ),
        pod(
            volumes=[
                {
                    "name": "a",
                    "secret": {"secretName": "b", "defaultMode": 288, "items": [{"key": "k", "path": "p"}]},
                }
            ]
        ),
        pod(
            volumes=[
                {"projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 600}}]}}
            ]
        ),
        pod(tolerations=[{"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoSchedule"}]),
        pod(affinity={"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}]}),
        pod(topologySpreadConstraints=[{"topologyKey": "zone", "matchLabelKeys": ["a"], "maxSkew": 1}]),
        {"kind": "ServiceAccount", "secrets": [{"name": "a"}]},
        {"kind": "Ingress", "spec": {"tls": [{"secretName": "a", "hosts": ["b"]}]}},
        {"kind": "Role", "rules": [{"resources": ["secrets"], "verbs": ["get"]}]},
        {"kind": "CustomResourceDefinition", "spec": {"properties": {"password": {"type": "string"}}}},
        custom(
            passwordSecretRef={"name": "a", "key": "b"}, tokenExpirationSeconds=600, tokenPath="/run/token"
        ),
        custom(allowEmptyPassword=False),
        custom(source={"apiVersion": "v1", "kind": "Secret", "name": "a", "namespace": "b"}),
        custom(credentials={"secretRef": {"namespace": "a", "name": "b", "key": "c"}}),
    ],
)
def test_what_only_refers_to_a_secret_stays_readable(body: dict[str, Any]) -> None:
    assert MASK.masked(body) == body


def test_a_masked_object_leaves_the_original_alone() -> None:
    body = secret(stringData={"a": SECRET})
    MASK.masked(body)
    assert body["stringData"] == {"a": SECRET}


BODY = secret(
    data={"password": encoded(SECRET), "pin": encoded("12"), "name": encoded("shop")}, type="Opaque"
)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (f'data[password]: Invalid value: "{SECRET}": no', 'data[password]: Invalid value: "***": no'),
        (f"got {encoded(SECRET)}", "got ***"),
        (f"got {encoded(SECRET).rstrip('=')}!", "got ***!"),
        ('value "hunter2-an..." is too long', 'value "***" is too long'),
        ("data[pin]: Invalid value: 12: want 125 of 12.", "data[pin]: Invalid value: ***: want 125 of ***."),
        ('secrets "db" not found in shop', 'secrets "db" not found in shop'),
        ('namespaces "shop" is forbidden', 'namespaces "shop" is forbidden'),
        ("nothing to hide", "nothing to hide"),
        ("", ""),
    ],
)
def test_the_words_of_the_server_lose_what_is_secret_and_keep_the_rest(message: str, shown: str) -> None:
    assert MASK.text(message, BODY) == shown


def test_a_secret_of_many_lines_is_found_line_by_line_and_however_it_is_escaped() -> None:
    key = "-----BEGIN KEY-----\nMIIEvAIBADAN\tBgkqhkiG9w0\n-----END KEY-----\n"
    body = secret(stringData={"tls.key": key})
    for said in (key, json.dumps(key), json.dumps(json.dumps(key)), key.splitlines()[1], key.strip()):
        assert "MIIEvAIBADAN" not in MASK.text(f"cannot read {said} as a key", body)


def test_a_secret_is_found_in_what_go_writes_as_json() -> None:
    body = secret(stringData={"a": "pä<ss>&\\w\u2028rd"})
    once = r"pä\u003css\u003e\u0026\\w\u2028rd"
    twice = once.replace("\\", "\\\\")
    for said in (once, twice):
        assert MASK.text(f'cannot read {{"a":"{said}"}}', body) == 'cannot read {"a":"***"}'


def test_a_secret_with_a_nul_is_found_however_it_is_written() -> None:
    word = "hunter2\0\0"
    body = secret(stringData={"a": word})
    for said in (word, encoded(word), json.dumps(word)[1:-1], r"hunter2\x00\x00"):
        assert MASK.text(f"cannot read {said}", body) == "cannot read ***"


def test_a_secret_that_begins_like_a_name_is_replaced_whole() -> None:
    body = secret(stringData={"a": "db-password-1"})
    assert MASK.text('secret db: "db-password-1"', body) == 'secret db: "***"'


@settings(max_examples=100)
@given(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=8, max_size=30), min_size=1, max_size=4),
    st.data(),
)
def test_no_secret_survives_in_any_message(values: list[str], data: st.DataObject) -> None:
    body = secret(stringData={f"k{index}": value for index, value in enumerate(values)})
    forms = [form for value in values for form in (value, encoded(value), json.dumps(value), value.strip())]
    words = st.sampled_from([*forms, "Invalid value: ", ' "', "'", "`", ": must not be ", "db", "\\", "é"])
    shown = MASK.text("".join(data.draw(st.lists(words, max_size=8))), body)
    for value in values:
        if len(value.strip()) >= 4:
            assert value not in shown
            assert encoded(value) not in shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["serve", f"--db-password={SECRET}", "--port=80"], ["serve", "--db-password=***", "--port=80"]),
        (["--token", SECRET, "--token"], ["--token", "***", "--token"]),
        (["env", f"API_KEY={SECRET}", "run"], ["env", "API_KEY=***", "run"]),
        (["-c", "echo password here", "--secret-name=db"], ["-c", "echo password here", "--secret-name=db"]),
        (
            ["--key-file", "/etc/tls.key", "--token-auth=true"],
            ["--key-file", "/etc/tls.key", "--token-auth=true"],
        ),
        (["--passwordless", "--port", 80, None], ["--passwordless", "--port", 80, None]),
    ],
)
@pytest.mark.parametrize("field", ["args", "command"])
def test_what_a_command_line_says_of_a_secret_is_masked(
    field: str, words: list[Any], shown: list[Any]
) -> None:
    body = pod(containers=[{"name": "web", field: words}])
    masked = MASK.masked(body)["spec"]["containers"][0][field]
    assert [
        re.sub(r"\*\*\*[0-9a-f]{8}$", "***", word) if word == str(word) else word for word in masked
    ] == shown
    assert SECRET not in MASK.text(f"Invalid value: {words}", body)


@pytest.mark.parametrize("said", [{"value": SECRET}, {"values": [SECRET]}, {"default": SECRET}])
@pytest.mark.parametrize("named", [{"name": "X-Api-Key"}, {"key": "dbPassword", "type": "string"}])
def test_what_stands_beside_a_name_that_says_secret_is_masked(
    named: dict[str, Any], said: dict[str, Any]
) -> None:
    assert SECRET not in json.dumps(MASK.masked(custom(headers=[{**named, **said}])))


def test_what_a_selector_looks_for_is_shown() -> None:
    wanted = [{"key": "example.dev/secret-store", "operator": "In", "values": ["vault"]}]
    body = pod(affinity={"matchExpressions": wanted})
    assert MASK.masked(body)["spec"]["affinity"]["matchExpressions"] == wanted


def test_words_that_are_too_many_to_be_searched_are_withheld_only_where_there_is_a_secret() -> None:
    long = f"{SECRET} {'x' * 40_000}"
    first, second = MASK.texts((f"got {SECRET}", long), BODY)
    assert first == "got ***"
    assert "are not shown" in second
    assert MASK.texts((long,), {"apiVersion": "v1", "kind": "ConfigMap"}) == (long,)


def test_secrets_that_overlap_in_a_message_are_both_hidden() -> None:
    body = secret(stringData={"a": "first-and-second", "b": "second-and-third"})
    assert MASK.text("got first-and-second-and-third!", body) == "got ***!"


def test_a_quotation_that_never_ends_is_searched_once_and_what_it_cuts_is_hidden() -> None:
    assert MASK.text('value "hunter2-an', BODY) == 'value "***'
    assert MASK.text('\\"' * 10_000 + " 'hunter2-an...'", BODY).endswith(" '***'")


def test_a_null_byte_in_a_message_or_a_secret_moves_no_other_message() -> None:
    body = secret(stringData={"a": "with\0null"})
    assert MASK.texts(("a\0b", "got with\0null", "c"), body) == ("a b", "got ***", "c")
