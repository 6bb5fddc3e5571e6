"""The objects of a file are decrypted and filled in before they are checked, and every error has its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyrage
from towline.errors import Failure
from towline.render import plain
from towline.render.documents import YamlLimits
from towline.render.plain import TreatedFile
from towline.render.sops import keyring
from towline.render.variables.substitution import Substitution, Types
from towline.render.variables.treatment import Treatment

SOPS = Path(__file__).parents[1] / "sops"
KEYS = keyring.keyring({"identity.agekey": (SOPS / "private.agekey").read_bytes()})
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${NAME}\n"


def treated(text: str | bytes, treatment: Treatment) -> TreatedFile:
    content = text if isinstance(text, bytes) else text.encode()
    return plain.treated("a.yaml", "blob", content, YamlLimits(), treatment)


def filled(text: str, *, types: Types = Types.FLUX, **values: str) -> TreatedFile:
    return treated(text, Treatment(substitution=Substitution(values=values, types=types)))


def bodies(found: TreatedFile) -> list[Any]:
    assert found.failures == ()
    return [manifest.body for manifest in found.manifests]


def told(failures: tuple[Failure, ...]) -> list[tuple[int, str, str]]:
    return [(one.line, one.field, one.message) for one in failures]


def test_an_object_is_known_by_the_name_that_its_variables_give_it() -> None:
    (manifest,) = filled(CONFIG, NAME="web").manifests
    assert str(manifest.ref) == "ConfigMap/web"
    assert (manifest.origin.file, manifest.origin.line) == ("a.yaml", 1)


def test_a_variable_that_is_not_set_is_named_with_file_and_line() -> None:
    text = f"---\n{CONFIG}data:\n  a: b\n  c: ${{GONE}}\n"
    assert told(filled(text, NAME="web").failures) == [
        (8, "/data/c", "variable GONE is not set (write $${GONE} for a literal)")
    ]


def test_the_digest_goes_with_the_values() -> None:
    text = f"{CONFIG}data: {{a: 'x${{V}}'}}\n"
    one, same, other = (filled(text, NAME="web", V=value).manifests[0].digest for value in ("1", "1", "2"))
    assert one == same != other


def test_what_variables_make_wrong_is_refused_as_if_it_were_written() -> None:
    text = f"{CONFIG}  labels:\n    count: ${{V}}\n"
    ((line, field, message),) = told(filled(text, NAME="web", V="3").failures)
    assert (line, field) == (6, "/metadata/labels/count")
    assert "must be a string" in message
    assert bodies(filled(text, NAME="web", V="3", types=Types.KEEP))[0]["metadata"]["labels"] == {
        "count": "3"
    }


def test_each_item_of_a_list_opts_out_for_itself() -> None:
    script = "data: {run.sh: 'echo ${x}'}"
    out = "annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}"
    text = (
        "apiVersion: v1\nkind: List\nitems:\n"
        f"- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: a, {out}}}, {script}}}\n"
        f"- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: b}}, {script}}}\n"
    )
    found = filled(text, x="1")
    assert [body["data"]["run.sh"] for body in bodies(found)] == ["echo ${x}", "echo 1"]


def test_an_encrypted_file_declares_what_it_holds() -> None:
    found = treated((SOPS / "files" / "joined.yaml").read_bytes(), Treatment(keys=KEYS))
    login, plain_one, regex = bodies(found)
    assert login["metadata"]["name"] == "login"
    assert login["data"]["user"] == "YWxpY2U="
    assert plain_one["metadata"]["name"] == "plain"
    assert regex["data"]["a"] == "Zmlyc3Q="
    assert {each.document for each in found.values} == {0, 2}


def test_variables_are_filled_into_what_was_decrypted() -> None:
    given = Treatment(keys=KEYS, substitution=Substitution(values={}))
    assert bodies(treated((SOPS / "files" / "secret.yaml").read_bytes(), given))


def test_a_wrong_code_is_refused_with_its_line_and_the_other_documents_are_still_checked() -> None:
    content = (SOPS / "files" / "encrypted_regex.yaml").read_text().replace("Opaque", "opaque")
    found = treated(f"{content}---\nkind: ConfigMap\nmetadata: {{name: a}}\n", Treatment(keys=KEYS))
    line = next(at for at, each in enumerate(content.splitlines(), 1) if each.startswith("    mac:"))
    first, second = told(found.failures)
    assert first[:2] == (line, "/sops/mac")
    assert "wrong MAC" in first[2]
    assert "apiVersion is missing" in second[2]


def test_an_encrypted_document_beside_a_broken_one_is_not_called_unsupported() -> None:
    content = (SOPS / "files" / "secret.yaml").read_text()
    found = treated(f"{content}---\na: b: c\n", Treatment(keys=KEYS))
    assert len(found.failures) == 1
    assert "SOPS" not in found.failures[0].message


def test_without_keys_an_encrypted_file_is_refused_as_before() -> None:
    (failure,) = treated((SOPS / "files" / "secret.yaml").read_bytes(), Treatment()).failures
    assert failure.message.startswith("encrypted by SOPS, and spec.decryption is not set")


def test_an_encrypted_document_with_aliases_is_refused() -> None:
    content = (SOPS / "files" / "secret.yaml").read_text()
    shared = content.replace("kind: ", "x: &k [1]\nagain: *k\nkind: ", 1)
    (failure,) = treated(shared, Treatment(keys=KEYS)).failures
    assert "aliases" in failure.message


def test_the_fingerprint_tells_values_keys_and_ways_apart_and_shows_none_of_them() -> None:
    another = keyring.keyring({"x.agekey": str(pyrage.x25519.Identity.generate()).encode()})
    given = [
        Treatment(),
        Treatment(keys=KEYS),
        Treatment(keys=another),
        *(
            Treatment(keys=keys, substitution=Substitution(values=values, strict=strict, types=types))
            for keys in (None, KEYS)
            for values in ({}, {"A": "s3cr3t"}, {"A": "other"}, {"B": "s3cr3t"})
            for strict in (True, False)
            for types in Types
        ),
    ]
    found = [treatment.fingerprint(b"key") for treatment in given]
    assert len(set(found)) == len(given)
    assert found == [treatment.fingerprint(b"key") for treatment in given]
    assert not set(found[1:]) & {treatment.fingerprint(b"another") for treatment in given}
    assert "s3cr3t" not in "".join(found)


def test_the_order_of_variables_means_nothing() -> None:
    one, other = ({"A": "1", "B": "2"}, {"B": "2", "A": "1"})
    assert Treatment(substitution=Substitution(values=one)).fingerprint(b"k") == Treatment(
        substitution=Substitution(values=other)
    ).fingerprint(b"k")


SECRETS = Substitution(
    values={"NAME": "web", "PIN": "0123", "WORD": "hunter2"}, secret_names=frozenset({"PIN", "WORD"})
)


def test_what_depends_on_a_secret_variable_is_known_by_its_place_and_as_text() -> None:
    text = f"{CONFIG}data: {{a: 'x${{WORD}}', b: '${{WORD^^}}', c: '${{NAME}}', d: plain}}\n"
    (manifest,) = treated(text, Treatment(substitution=SECRETS)).manifests
    assert manifest.hidden
    assert manifest.hidden.places == {("data", "a"), ("data", "b")}
    assert {"hunter2", "HUNTER2"} <= manifest.hidden.texts
    assert "web" not in manifest.hidden.texts


def test_a_value_that_was_encrypted_is_known_by_its_place_and_as_text() -> None:
    (manifest,) = treated((SOPS / "files" / "secret.yaml").read_bytes(), Treatment(keys=KEYS)).manifests
    assert manifest.hidden
    assert ("stringData", "password") in manifest.hidden.places
    assert "correct horse" in manifest.hidden.texts


def test_a_secret_variable_in_the_name_of_a_field_is_refused_without_its_value() -> None:
    for line in ("data: {'${WORD}': a}", "data: {}"):
        marks = "" if "WORD" in line else "  annotations: {towline.dev/wave: '${WORD}'}\n"
        (failure,) = treated(f"{CONFIG}{marks}{line}\n", Treatment(substitution=SECRETS)).failures
        assert "which is shown everywhere" in failure.message
        assert "hunter2" not in str(failure)


def test_a_refused_value_is_not_quoted() -> None:
    text = CONFIG.replace("${NAME}", "'${WORD} !'")
    found = treated(text, Treatment(substitution=SECRETS))
    assert found.failures
    assert "hunter2" not in str(found)
