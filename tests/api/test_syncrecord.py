"""What Towline writes as a record is what the schema allows, in the words of the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from towline.api import recordbody, syncrecord
from towline.api.pins import Pin
from towline.api.signed.verification import Signature, SignatureFormat, Trust, Verification
from towline.api.signed.verifying import VerifyMode
from towline.api.syncrecord import Ending, FieldChange, Flag, SyncRecord, Trigger
from towline.api.value_sources import ValuesCommit
from towline.errors import Failure
from towline.model import APPLIES, REMOVES, Action, Outcome, Result, Trailer
from towline.records import closing, opening
from towline.records.closing import FAILURES
from towline.records.opening import COMMITS, ENTRY_FIELDS, PART_CHANGES
from towline.records.signing import CheckpointKey

from tests.records import syncs

CRD = yaml.safe_load((Path(syncrecord.__file__).parents[1] / "crds/syncrecords.yaml").read_text())
[VERSION] = CRD["spec"]["versions"]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
SPEC = SCHEMA["properties"]["spec"]["properties"]
STATUS = SCHEMA["properties"]["status"]["properties"]


def full() -> SyncRecord:
    """Make a record in which every field says something."""
    fields = (
        FieldChange(path="/data/a", old="1", new="2", by="kubectl-edit", at="2026-01-01T00:00:00Z"),
        FieldChange(path="/data/b", old=None, new={"c": [1, 2.5, True]}),
    )
    commit = syncs.revision()
    changes = [
        syncs.change("a", Action.UPDATE),
        syncs.change("b", Action.PRUNE),
        *(syncs.change(f"o{number}") for number in range(1200)),
    ]
    about = syncs.sync(
        source="2" * 40,
        requested_by="ada",
        checkpoint=CheckpointKey(b"k" * 32).signed(
            uid=syncs.UID, sequence=7, digest="sha256:1", time="2026-01-01T00:00:00Z", trimmed="1-3"
        ),
        flags=(Flag.HISTORY_REWRITTEN, Flag.LATE),
        author=commit.author,
        pins=(Pin(name="https://h.example/charts/web", ref="1.2.3", resolved="web.tgz", digest="sha256:1"),),
        sources=(
            ValuesCommit(
                name="values", url="https://h.example/v.git", ref="refs/heads/main", commit="3" * 40
            ),
        ),
        verification=Verification(
            mode=VerifyMode.HEAD,
            secret="keys",
            signatures=(
                Signature(
                    sha=commit.sha,
                    trust=Trust.TRUSTED,
                    format=SignatureFormat.SSH,
                    key="SHA256:1",
                    signer="ada@example.com",
                ),
            ),
            total=1,
        ),
        commits=(
            replace(
                commit,
                pull_request="#7",
                merged_by="Bo",
                taken_back=True,
                trailers=(Trailer("Reviewed-by", "Cy"),),
            ),
        ),
    )
    parts = opening.opening(about, syncs.entries(changes, {changes[0].ref: fields}), None)
    fault = Failure(reason="NotOurs", message="exists", object="ConfigMap/shop/z")
    kept = Outcome(change=changes[1], result=Result.DONE, kept="is being deleted")
    ended = syncs.ended(
        Ending.PARTIAL, outcomes=(syncs.failed(changes[0]), kept), blocked=1, failures=(fault,)
    )
    first, second = closing.close(parts, ended)
    assert recordbody.to_body(second)["spec"]["part"] == {"of": 2, "number": 2}
    return first


def keys(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of all fields of a body, or of a schema's properties."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield f"{path}.{name}"
            yield from keys(child, f"{path}.{name}")
    elif isinstance(value, list):
        for child in value:
            yield from keys(child, f"{path}[]")


def properties(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from properties(child, f"{path}.{name}")
    if "items" in schema:
        yield from properties(schema["items"], f"{path}[]")


def test_a_record_passes_the_schema_of_its_crd() -> None:
    body = json.loads(json.dumps(recordbody.to_body(full())))
    jsonschema.Draft202012Validator(SCHEMA).validate(body)


def test_a_record_says_every_field_of_the_schema_and_no_other() -> None:
    known = {path for path, _ in properties(SCHEMA)} - {".metadata"}
    first, second = (set(keys(recordbody.to_body(made))) for made in (full(), *syncs.completed(1200)[1:]))
    said = {path for path in first | second if not path.startswith(".metadata")}
    assert known - said == set()
    assert {path for path in said - known if ".new." not in path} == set()


def test_a_record_reads_back_as_it_was_written() -> None:
    made = full()
    read = recordbody.from_body(json.loads(json.dumps(recordbody.to_body(made))))
    assert recordbody.to_body(read) == recordbody.to_body(made)
    assert read.intent.changes == made.intent.changes
    assert read.closing == made.closing


def test_what_is_empty_is_not_written() -> None:
    [made] = opening.opening(
        syncs.sync(commits=(), commits_total=0, target="", ref="", author=None), (), None
    )
    assert recordbody.to_body(made)["spec"].keys() == {
        *("repository", "sequence", "trigger", "operator", "startedAt", "digestVersion")
    }
    assert "status" not in recordbody.to_body(made)


def test_the_words_of_the_schema_are_those_of_the_code() -> None:
    assert SPEC["trigger"]["enum"] == [str(word) for word in Trigger]
    assert SPEC["flags"]["items"]["enum"] == [str(word) for word in Flag]
    assert STATUS["outcome"]["enum"] == [str(word) for word in Ending]
    assert set(SPEC["changes"]["items"]["properties"]["action"]["enum"]) == {
        str(action) for action in APPLIES | REMOVES
    }


def test_the_limits_of_the_schema_are_those_of_the_code() -> None:
    assert SPEC["commits"]["maxItems"] == COMMITS == 250
    assert SPEC["changes"]["maxItems"] == PART_CHANGES
    assert SPEC["changes"]["items"]["properties"]["fields"]["maxItems"] == ENTRY_FIELDS
    assert STATUS["failures"]["maxItems"] == FAILURES


def test_the_schema_has_no_defaults() -> None:
    assert not [path for path, schema in properties(SCHEMA) if "default" in schema]


def test_every_text_and_list_of_the_schema_has_a_limit() -> None:
    for path, schema in properties(SCHEMA["properties"]["spec"]):
        if schema.get("type") == "string":
            assert "maxLength" in schema or "enum" in schema, path
        if schema.get("type") == "array":
            assert "maxItems" in schema, path


@pytest.mark.parametrize(
    "column",
    ["SEQ", "COMMIT", "AUTHOR", "TRIGGER", "OUTCOME", "CHANGED", "PRUNED", "FAILED", "AGE", "SUBJECT"],
)
def test_every_column_shows_a_field_of_a_record(column: str) -> None:
    [path] = [
        shown["jsonPath"] for shown in VERSION["additionalPrinterColumns"] if shown["name"].upper() == column
    ]
    if column != "AGE":
        assert path.replace("[0]", "[]") in set(keys(recordbody.to_body(full())))


def test_the_rule_that_closes_a_record_once_is_that_of_the_contract() -> None:
    [rule] = SCHEMA["x-kubernetes-validations"]
    assert rule["rule"] == (
        "!has(oldSelf.status) || !has(oldSelf.status.outcome) || "
        "(has(self.status) && self.status == oldSelf.status)"
    )
