from __future__ import annotations

from typing import Any

import pytest
from towline.api.syncrecord import FieldChange
from towline.errors import Failure, Refusal
from towline.model import Action, Key, ObjectRef
from towline.read.comparison import compared
from towline.read.comparison.compared import ComparedChange, Comparison, Effect, StayingObject

WEB = ObjectRef("apps", "Deployment", "shop", "web")
CLAIM = ObjectRef("", "PersistentVolumeClaim", "shop", "uploads")
IMAGE = FieldChange(path="/spec/template/spec/containers/0/image", old="app:1", new="app:2")
REPLICAS = FieldChange(path="/spec/replicas", old=2, new=3)


def effect(*fields: FieldChange, ref: ObjectRef = WEB, action: Action = Action.UPDATE, **spec: Any) -> Effect:
    return compared.effect(action, ref, fields, {"spec": spec})


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        (Action.CREATE, "create"),
        (Action.UPDATE, "update"),
        (Action.ADOPT, "adopt"),
        (Action.REPAIR, "repair"),
        (Action.REPLACE, "replace"),
        (Action.PRUNE, "delete"),
        (Action.RELEASE, "release"),
    ],
)
def test_each_planned_action_is_told_in_the_words_of_who_runs_the_cluster(action: Action, shown: str) -> None:
    assert effect(REPLICAS, action=action) == shown


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
@pytest.mark.parametrize("action", [Action.UPDATE, Action.ADOPT, Action.REPAIR])
def test_a_changed_pod_template_restarts_the_workload(kind: str, action: Action) -> None:
    assert effect(IMAGE, REPLICAS, ref=WEB._replace(kind=kind), action=action) == "restart"


def test_a_new_hash_in_the_name_of_a_generated_config_map_restarts_what_names_it() -> None:
    path = "/spec/template/spec/volumes/0/configMap/name"
    assert effect(FieldChange(path=path, old="settings-4f2a", new="settings-91bc")) == "restart"


@pytest.mark.parametrize(
    ("field", "ref", "spec"),
    [
        (REPLICAS, WEB, {}),
        (FieldChange(path="/spec/templates", old=1, new=2), WEB, {}),
        (IMAGE, WEB, {"paused": True}),
        (IMAGE, WEB._replace(kind="StatefulSet"), {"updateStrategy": {"type": "OnDelete"}}),
        (IMAGE, WEB._replace(group="batch", kind="CronJob"), {}),
        (IMAGE, WEB._replace(group="example.com"), {}),
    ],
)
def test_what_replaces_no_running_pod_is_an_update(
    field: FieldChange, ref: ObjectRef, spec: dict[str, Any]
) -> None:
    assert effect(field, ref=ref, **spec) == "update"


def test_a_replaced_workload_is_not_called_a_restart() -> None:
    assert effect(IMAGE, action=Action.REPLACE) == "replace"


def test_the_json_form_names_objects_actions_fields_refusals_and_what_waits() -> None:
    found = Comparison(
        repository=Key("team", "shop"),
        target="main",
        sha="a" * 40,
        changes=(
            ComparedChange(ref=WEB, action=Effect.RESTART, fields=(IMAGE,), file="deploy/web.yaml", line=9),
            ComparedChange(ref=CLAIM, action=Effect.RELEASE, message="released: spec.prune is false"),
        ),
        refused=(
            Failure(
                reason=Refusal.IMMUTABLE_FIELD,
                message="field is immutable",
                object=str(WEB),
                file="deploy/web.yaml",
                line=12,
                field="/spec/selector",
            ),
        ),
        blocked=(StayingObject(ref=CLAIM, reason="PruneBlocked", message="loses data", waits=True),),
        notes=("you may not patch Secret/shop/db",),
    )
    assert compared.body(found) == {
        "repository": "team/shop",
        "revision": "a" * 40,
        "changes": [
            {
                "object": "Deployment.apps/shop/web",
                "action": "restart",
                "fields": [{"path": IMAGE.path, "old": "app:1", "new": "app:2"}],
                "file": "deploy/web.yaml",
                "line": 9,
            },
            {
                "object": "PersistentVolumeClaim/shop/uploads",
                "action": "release",
                "fields": [],
                "message": "released: spec.prune is false",
            },
        ],
        "refused": [
            {
                "object": "Deployment.apps/shop/web",
                "reason": "ImmutableField",
                "message": "field is immutable",
                "field": "/spec/selector",
                "file": "deploy/web.yaml",
                "line": 12,
            }
        ],
        "blocked": [
            {
                "object": "PersistentVolumeClaim/shop/uploads",
                "action": "delete",
                "reason": "PruneBlocked",
                "message": "loses data",
                "waits": True,
            }
        ],
        "notes": ["you may not patch Secret/shop/db"],
    }


@pytest.mark.parametrize(
    ("found", "changes"),
    [
        ({}, False),
        ({"changes": (ComparedChange(ref=WEB, action=Effect.CREATE),)}, True),
        ({"refused": (Failure(reason=Refusal.INVALID, message="bad", object=str(WEB)),)}, True),
        ({"blocked": (StayingObject(ref=CLAIM, reason="", message="", waits=True),)}, True),
        ({"blocked": (StayingObject(ref=CLAIM, reason="", message="kept", waits=False),)}, False),
        ({"notes": ("you may not list ConfigMap",)}, False),
    ],
)
def test_what_would_change_be_refused_or_wait_counts_and_what_is_kept_anyway_does_not(
    found: dict[str, Any],
    changes: bool,  # noqa: FBT001  a column of the table
) -> None:
    assert Comparison(repository=Key("team", "shop"), target="main", **found).changes_anything is changes
