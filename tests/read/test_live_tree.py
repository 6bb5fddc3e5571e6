"""What a repository has in the cluster: each object with its state, and what is not well first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from towline.api import gitrepository, labels
from towline.api.gitrepository import GitRepository
from towline.model import CURRENT, Health, ObjectRef, State
from towline.read.live_tree import tree_object, tree_rows
from towline.read.live_tree.object_authors import KnownPlaces
from towline.read.live_tree.tree_object import ObjectState, StatusEntries, TreeObject
from towline.read.live_tree.tree_rows import Grouping

WEB = ObjectRef("apps", "Deployment", "shop", "web")
MAP = ObjectRef("", "ConfigMap", "shop", "settings")
SHA = "1a2b3c4" + "0" * 33


def repository(**status: Any) -> GitRepository:
    raw = {"metadata": {"namespace": "shop", "name": "shop", "uid": "uid-shop"}, "status": status}
    return gitrepository.identify(raw)


def body(ref: ObjectRef, owner: str = "", **annotations: str) -> dict[str, Any]:
    notes = {
        labels.OWNER: owner or f"uid-shop:{ref}:stamp",
        labels.COMMIT: SHA,
        labels.SOURCE: "shop/web.yaml",
        **annotations,
    }
    return {
        "metadata": {
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": f"uid-{ref.name}",
            "annotations": notes,
        }
    }


def owned(ref: ObjectRef, said: Mapping[str, Any], **more: Any) -> TreeObject:
    of = repository(**said)
    return tree_object.owned(body(ref, **more), ref, CURRENT, of, StatusEntries.of(of.status))


FAILURE = {
    "object": str(WEB),
    "reason": "Invalid",
    "message": "no",
    "file": "shop/a.yaml",
    "line": 7,
    "commit": "9" * 40,
}
DRIFT = {
    "object": str(WEB),
    "field": "/spec/replicas",
    "have": 5,
    "want": 2,
    "by": "kubectl-edit",
    "file": "shop/web.yaml",
    "line": 9,
}


@pytest.mark.parametrize(
    ("said", "state", "message"),
    [
        ({}, ObjectState.APPLIED, ""),
        ({"failures": [FAILURE]}, ObjectState.FAILED, "Invalid: no"),
        (
            {"drift": [DRIFT]},
            ObjectState.DRIFTED,
            "Deployment shop/web spec.replicas is 5, Git says 2 (kubectl-edit)",
        ),
        ({"drift": [{**DRIFT, "reason": "ForeignFields"}]}, ObjectState.APPLIED, ""),
        ({"failures": [FAILURE], "drift": [DRIFT]}, ObjectState.FAILED, "Invalid: no"),
        (
            {"blocked": {"prunes": [{"object": str(WEB), "reason": "DataKind", "message": "it holds data"}]}},
            ObjectState.WAITING,
            "its deletion waits for a confirmation: it holds data",
        ),
        ({"failures": [{**FAILURE, "object": str(MAP)}]}, ObjectState.APPLIED, ""),
    ],
)
def test_an_object_has_the_state_that_the_status_gives_it(
    said: Mapping[str, Any], state: ObjectState, message: str
) -> None:
    found = owned(WEB, said)
    assert (found.state, found.message) == (state, message)
    assert found.is_well == (state is ObjectState.APPLIED)


def test_a_failed_object_names_the_line_and_the_commit_that_failed() -> None:
    found = owned(WEB, {"failures": [FAILURE]})
    assert (found.file, found.line, found.commit) == ("shop/a.yaml", 7, "9" * 40)


@pytest.mark.parametrize(
    "owner", ["uid-other:Deployment.apps/shop/web:stamp", "uid-shop:Deployment.apps/shop/copy:x", "?"]
)
def test_a_copy_with_the_label_is_not_called_an_object_of_the_repository(owner: str) -> None:
    assert owned(WEB, {}, owner=owner).state is ObjectState.NOT_OWNED


def test_a_refused_object_that_does_not_exist_is_missing() -> None:
    found = tree_object.missing(FAILURE)
    assert (found.ref, found.state, found.message) == (WEB, ObjectState.MISSING, "Invalid: no")


@pytest.mark.parametrize("reason", ["NotOurs", "Conflict", "OwnedByAnother", "ManagedByAnotherTool"])
def test_an_object_that_may_not_be_taken_over_is_not_called_missing(reason: str) -> None:
    assert tree_object.missing({**FAILURE, "reason": reason}).state is ObjectState.NOT_OWNED


def test_the_wave_is_that_in_which_the_operator_writes() -> None:
    assert owned(MAP, {}).wave == 2
    assert owned(MAP, {}, **{labels.WAVE: "1"}).wave == 102
    assert owned(MAP, {}, **{labels.WAVE: "soon"}).wave == 2


def at(ref: ObjectRef, **more: Any) -> TreeObject:
    return TreeObject(ref=ref, state=ObjectState.APPLIED, wave=2, **more)


def test_a_workload_is_as_unwell_as_what_it_has_made_and_comes_first() -> None:
    pod = TreeObject(
        ref=ObjectRef("", "Pod", "shop", "web-1"),
        state=ObjectState.MADE,
        health=Health(State.FAILED, "it crashes"),
    )
    old = TreeObject(
        ref=ObjectRef("apps", "ReplicaSet", "shop", "web-0"), state=ObjectState.MADE, is_idle=True
    )
    web = at(WEB, children=(old, pod))
    rows, left = tree_rows.rows([at(MAP), web], Grouping.OWNERS, everything=False)
    assert [(row.indent, row.found.ref.name) for row in rows if row.found] == [
        ("├─ ", "web"),
        ("│  └─ ", "web-1"),
        ("└─ ", "settings"),
    ]
    assert left == 0
    whole, _ = tree_rows.rows([at(MAP), web], Grouping.OWNERS, everything=True)
    assert len(whole) == 4, "--all shows the ReplicaSet of an earlier roll-out"


def test_two_hundred_objects_are_drawn_and_the_rest_is_counted() -> None:
    many = [at(MAP._replace(name=f"m{number}")) for number in range(250)]
    rows, left = tree_rows.rows(many, Grouping.OWNERS, everything=False)
    assert (len(rows), left) == (200, 50)
    assert len(tree_rows.rows(many, Grouping.OWNERS, everything=True)[0]) == 250


def test_waves_are_drawn_in_the_order_of_writes() -> None:
    early, late = at(MAP), replace(at(WEB), wave=105)
    rows, _ = tree_rows.rows([late, early], Grouping.WAVES, everything=False)
    drawn = [row.title or (row.found.ref.name if row.found else "") for row in rows]
    assert drawn == ["wave 2", "settings", "wave 5 of towline.dev/wave: 1", "web"]


def test_a_line_counts_only_for_the_commit_and_the_file_that_the_object_names() -> None:
    known = KnownPlaces(authors={SHA: "Ada"}, lines={(str(WEB), SHA): ("shop/web.yaml", 12)})
    web = owned(WEB, {})
    assert (known.put(web).author, known.put(web).line) == ("Ada", 12)
    assert known.put(replace(web, commit="9" * 40)).line == 0
    assert known.put(replace(web, file="elsewhere.yaml")).line == 0
    assert not known.lacks([web])
    assert known.lacks([replace(web, commit="9" * 40)])
