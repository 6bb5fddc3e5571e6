"""What SOPS has encrypted is decrypted as its own binary does it, or refused.

`files/` was encrypted once with sops 3.11.0 for the key in `private.agekey`, which protects nothing else, and
`decrypted.json` holds what `sops --decrypt` made of it.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.render import documents
from towline.render.sops import decryption, keyring, sealed_values
from towline.render.sops.decryption import Decrypted, DecryptionError
from towline.render.sops.keyring import KeyringError

HERE = Path(__file__).parent
DECRYPTED: dict[str, Any] = json.loads((HERE / "decrypted.json").read_text())
SECRET = {"identity.agekey": (HERE / "private.agekey").read_bytes()}


def text(name: str) -> str:
    return (HERE / "files" / name).read_text()


def decrypted(content: str, secret: dict[str, bytes] = SECRET) -> Decrypted:
    read = documents.parse(content.encode(), documents.YamlLimits())
    return decryption.decrypt([each.value for each in read], keyring.keyring(secret))


def refusal(content: str) -> DecryptionError:
    with pytest.raises(DecryptionError) as caught:
        decrypted(content)
    return caught.value


@pytest.mark.parametrize("name", DECRYPTED)
def test_a_file_is_decrypted_as_sops_does_it(name: str) -> None:
    assert list(decrypted(text(name)).documents) == DECRYPTED[name]


def test_numbers_and_truths_keep_their_types() -> None:
    (thing,) = decrypted(text("types.yaml")).documents
    assert thing["spec"]["text"] == "3"
    assert thing["spec"]["number"] == 3
    assert thing["spec"]["truth"] is True
    assert thing["spec"]["nothing"] is None


def test_each_document_of_a_joined_file_has_its_own_code_and_plain_ones_stay() -> None:
    login, plain, regex = decrypted(text("joined.yaml")).documents
    assert [login] == DECRYPTED["secret.yaml"]
    assert plain == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain"}}
    assert [regex] == DECRYPTED["encrypted_regex.yaml"]


def test_what_is_not_encrypted_needs_no_key_and_stays_as_it_is() -> None:
    plain = [{"a": 1}, ["x"], {"sops": "a word"}, None]
    assert list(decryption.decrypt(plain, keyring.keyring(SECRET)).documents) == plain


def test_every_value_that_was_encrypted_is_told_with_its_field() -> None:
    found = decrypted(text("joined.yaml")).values
    assert {(each.document, each.path): each.value for each in found} == {
        (0, ("apiVersion",)): "v1",
        (0, ("kind",)): "Secret",
        (0, ("metadata", "name")): "login",
        (0, ("stringData", "user")): "alice",
        (0, ("stringData", "password")): "correct horse",
        (0, ("stringData", "multi")): "a\nb\n",
        (2, ("data", "a")): "Zmlyc3Q=",
        (2, ("stringData", "b")): "second",
        (2, ("stringData", "deeper")): "third",
    }


def test_fields_are_those_of_the_decrypted_list_where_a_comment_was_an_item() -> None:
    found = {each.path: each.value for each in decrypted(text("types.yaml")).values}
    assert found["spec", "list", "1"] == 2
    assert found["spec", "list", "2", "b"] == "c"


def test_texts_from_four_characters_on_are_masked_anywhere_raw_and_decoded() -> None:
    found = decryption.texts(decrypted(text("joined.yaml")).values)
    assert {"correct horse", "alice", "Zmlyc3Q=", "first", "second"} <= found
    assert not {each for each in found if len(each) < decryption.SHORTEST}
    assert not {"Secret", "login"} & found


def test_no_value_is_shown_by_what_holds_it() -> None:
    found = decrypted(text("secret.yaml"))
    assert "horse" not in repr(found)
    assert "AGE-SECRET" not in repr(keyring.keyring(SECRET))


VALUE = r"ENC\[AES256_GCM,data:\S+\]"


def swapped(content: str) -> str:
    """Let two values of a file change places."""
    user, password = (re.search(rf"{name}: ({VALUE})", content) for name in ("user", "password"))
    assert user
    assert password
    return content.replace(user[1], "<user>").replace(password[1], user[1]).replace("<user>", password[1])


def without_line(content: str, word: str) -> str:
    return "".join(line for line in content.splitlines(keepends=True) if word not in line)


TAMPERED = {
    "a plain value": (text("encrypted_regex.yaml").replace("Opaque", "opaque"), "wrong MAC", ("sops", "mac")),
    "a name": (text("secret.yaml").replace("user:", "users:"), "renamed", ("stringData", "users")),
    "two values": (swapped(text("secret.yaml")), "moved", ("stringData", "user")),
    "a value that is gone": (without_line(text("secret.yaml"), "password:"), "wrong MAC", ("sops", "mac")),
    "a value that was added": (
        text("encrypted_regex.yaml").replace("type:", "x: 1\ntype:", 1),
        "wrong MAC",
        ("sops", "mac"),
    ),
    "a value that was added in plain": (
        text("secret.yaml").replace("stringData:", "stringData:\n    new: plain", 1),
        "not encrypted",
        ("stringData", "new"),
    ),
    "a document that is gone": (text("documents.yaml").partition("\n---\n")[2], "wrong MAC", ("sops", "mac")),
    "the time": (
        re.sub(r'lastmodified: "....', 'lastmodified: "1999', text("secret.yaml")),
        "wrong MAC",
        ("sops", "mac"),
    ),
    "the rule": (
        text("encrypted_regex.yaml").replace(
            "encrypted_regex: ^(data|stringData)$", "encrypted_regex: ^data$"
        ),
        "wrong MAC",
        ("sops", "mac"),
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_after_encryption_is_refused_with_its_field(what: str) -> None:
    content, words, path = TAMPERED[what]
    error = refusal(content)
    assert words in error.message
    assert error.path == path


@given(st.data())
def test_no_letter_of_a_sealed_value_can_be_changed(data: st.DataObject) -> None:
    content = text("encrypted_regex.yaml")
    sealed = [
        match.span() for match in re.finditer(r"(?<=_GCM,data:)[^,]+|(?<=iv:)[^,]+|(?<=tag:)[^,]+", content)
    ]
    start, end = data.draw(st.sampled_from(sealed))
    at = data.draw(st.integers(start, end - 3))  # the last letters hold bits that base64 ignores
    letter = data.draw(st.sampled_from([each for each in "AQgw09+/" if each != content[at]]))
    assert refusal(content[:at] + letter + content[at + 1 :]).path


def test_a_wrong_key_is_refused_with_who_it_is_encrypted_for() -> None:
    import pyrage

    stranger = {"x.agekey": str(pyrage.x25519.Identity.generate()).encode()}
    with pytest.raises(DecryptionError) as caught:
        decrypted(text("secret.yaml"), stranger)
    assert "encrypted for age1" in caught.value.message
    assert caught.value.path == ("sops", "age")


def test_one_key_of_several_is_enough() -> None:
    import pyrage

    stranger = f"# another\n\n{pyrage.x25519.Identity.generate()}\n".encode()
    both = {"a.agekey": stranger, **SECRET, "readme.txt": b"no key"}
    assert list(decrypted(text("secret.yaml"), both).documents) == DECRYPTED["secret.yaml"]


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ({}, "no key of the Secret ends in .agekey"),
        ({"identity.txt": SECRET["identity.agekey"]}, "no key of the Secret ends in .agekey"),
        ({"x.agekey": b"# empty\n"}, "no key of the Secret ends in .agekey"),
        ({"x.agekey": b"\nage1abc"}, "line 2 of the key x.agekey is not a private key"),
        (
            {"x.agekey": b"AGE-SECRET-KEY-1ABC"},
            "line 1 of the key x.agekey is a private key of age with a wrong",
        ),
    ],
)
def test_a_secret_without_a_usable_key_is_refused(secret: dict[str, bytes], words: str) -> None:
    with pytest.raises(KeyringError, match=words):
        keyring.keyring(secret)


UNSUPPORTED = {
    "time.yaml": ("type time is not supported", ("spec", "at")),
    "mac_only_encrypted.yaml": ("mac_only_encrypted is not supported", ("sops", "mac_only_encrypted")),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_proven_equal_to_sops_is_refused_with_what_to_do(name: str) -> None:
    words, path = UNSUPPORTED[name]
    error = refusal(text(name))
    assert words in error.message
    assert "encrypt the file again" in error.message
    assert error.path == path


@pytest.mark.parametrize(
    ("sops", "words"),
    [
        ({"pgp": [{"fp": "x"}]}, "encrypted for PGP, and not for age"),
        ({"kms": [{"arn": "x"}], "gcp_kms": [{}]}, "encrypted for AWS KMS, GCP KMS, and not for age"),
        ({"age": []}, "encrypted for nobody"),
        ({"age": {}}, "encrypted for nobody"),
        ({"age": "x"}, "must be a list"),
        ({"shamir_threshold": 2}, "shamir_threshold is not supported"),
        ({"key_groups": [{}]}, "key_groups is not supported"),
        ({"encrypted_comment_regex": "x"}, "encrypted_comment_regex is not supported"),
        ({"lastmodified": None}, "lastmodified is missing"),
        ({"age": [{"enc": "x"}], "encrypted_suffix": "a", "encrypted_regex": "b"}, "the only rule"),
    ],
)
def test_other_keys_and_rules_are_refused_with_what_is_needed(sops: dict[str, Any], words: str) -> None:
    document = {"a": "b", "sops": {"mac": "x", "lastmodified": "2026-01-01T00:00:00Z", **sops}}
    with pytest.raises(DecryptionError, match=words):
        decryption.decrypt([document], keyring.keyring(SECRET))


@pytest.mark.parametrize("pattern", ["(", "(?<=a)b", r"(a)\1", "(" * 90 + "a{90}" * 60 + ")" * 90])
def test_a_malformed_or_huge_rule_is_refused(pattern: str) -> None:
    content = text("encrypted_regex.yaml").replace(
        "encrypted_regex: ^(data|stringData)$", f"encrypted_regex: {json.dumps(pattern)}"
    )
    assert refusal(content).path == ("sops", "encrypted_regex")


def test_a_value_from_another_document_does_not_open() -> None:
    other = re.search(rf"stringData:\n\s+a: ({VALUE})", text("documents.yaml"))
    assert other
    assert refusal(re.sub(rf"user: {VALUE}", lambda _: f"user: {other[1]}", text("secret.yaml"))).path == (
        "stringData",
        "user",
    )


@pytest.mark.parametrize(
    "sealed",
    [
        "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]",
        "ENC[AES256_GCM,data:A,iv:A,tag:A,type:str]",
        "ENC[AES256_GCM,data:,iv:,tag:,type:str]",
        "ENC[AES256_GCM,data:AAAA,iv:,tag:AAAA,type:str]",
        "ENC[AES256_CBC,data:AAAA,iv:AAAA,tag:AAAA,type:str]",
        "ENC[" * 10_000,
    ],
)
def test_a_damaged_value_is_refused_without_being_quoted(sealed: str) -> None:
    with pytest.raises(sealed_values.SealedValueError) as caught:
        sealed_values.opened(sealed, b"k" * 32, "a:")
    assert "AAAA" not in str(caught.value)


def test_what_is_base64_of_something_that_is_no_text_is_masked_as_it_is() -> None:
    value = base64.b64encode(b"\xff\xfe\xfd\xfc").decode()
    found = decryption.texts([decryption.DecryptedValue(document=0, path=(), value=value)])
    assert found == {value}
