"""The commands that ask for something: what they write, what they wait for, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli import documented
from tests.cli.requesting.writable_api import WritableApi, condition, looks, repository
from tests.kube.api_of_bodies import command

SINCE = "2026-12-24T09:00:00Z"


def never(_body: dict[str, Any]) -> None:
    """An operator that does not run."""


def suspends(body: dict[str, Any]) -> None:
    """An operator that reads the annotation of a suspension."""
    told = "Suspended since 2026-12-24T09:00:00Z until 2026-12-24T18:00:00Z, at 1a2b3c4: nothing is fetched or written"
    told += "; by ada (as claimed); reason: release freeze"
    body["status"]["conditions"][1] = condition("Suspended", "True", "Suspended", told)
    body["status"]["suspension"] = {
        "source": "Annotation",
        "until": "2026-12-24T18:00:00Z",
        "reason": "release freeze",
        "by": "ada",
    }


def resumes(body: dict[str, Any]) -> None:
    body["status"]["conditions"][1] = condition("Suspended", "False", "Idle", "spec.suspend is not set")


async def test_a_sync_says_how_it_ended_and_names_who_asked(tmp_path: Path) -> None:
    api = WritableApi(repository())
    ended = await command(api, tmp_path, "sync", "shop", "--wait")
    assert (ended.stdout, ended.exit_code) == (documented.output("towline sync shop --wait"), 0)
    (patch,) = api.patches
    assert patch["metadata"]["annotations"]["towline.dev/reconcile"].endswith(", by=ada")
    again = await command(api, tmp_path, "reconcile", "shop", "--wait", "-o", "json")
    assert json.loads(again.stdout) == json.loads(documented.output("towline sync shop --wait -o json"))
    first, second = (each["metadata"]["annotations"]["towline.dev/reconcile"] for each in api.patches)
    assert first != second, "a value that is not new asks for nothing"


async def test_a_sync_that_ends_unready_or_not_in_time_is_not_as_wanted(tmp_path: Path) -> None:
    failed = repository(status={"conditions": [condition("Ready", "False", "BuildFailed", "a.yaml:3: no")]})
    ended = await command(WritableApi(failed), tmp_path, "sync", "shop", "--wait")
    assert (ended.exit_code, "a.yaml:3: no" in ended.stdout) == (1, True)
    ended = await command(
        WritableApi(repository(), never), tmp_path, "sync", "shop", "--wait", "--timeout", "1s"
    )
    assert (ended.exit_code, "does it run?" in ended.stdout) == (1, True)


async def test_a_sync_whose_objects_are_not_ready_in_time_does_not_doubt_the_operator(tmp_path: Path) -> None:
    def rolls_out(body: dict[str, Any]) -> None:
        looks(body)
        told = "Rolling out 1a2b3c4: the claim is not bound yet"
        body["status"]["conditions"][0] = condition("Ready", "False", "Progressing", told)

    api = WritableApi(repository(), rolls_out)
    ended = await command(api, tmp_path, "sync", "shop", "--wait", "--timeout", "1s")
    assert (ended.exit_code, "the claim is not bound yet" in ended.stdout) == (1, True)
    assert "does it run?" not in ended.stdout


async def test_in_a_pipe_a_sync_is_asked_for_and_not_waited_for(tmp_path: Path) -> None:
    ended = await command(WritableApi(repository(), never), tmp_path, "sync", "shop")
    assert (ended.exit_code, ended.stdout) == (0, "shop/shop: asked the operator to look, as ada\n")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (repository(annotations={"towline.dev/suspend": "by=bo"}), "towline resume shop -n shop"),
        (repository(spec={"suspend": True}), "is suspended"),
        (repository(metadata={"deletionTimestamp": SINCE}), "is being deleted"),
    ],
)
async def test_nothing_is_asked_of_a_repository_that_does_not_look(
    tmp_path: Path, body: dict[str, Any], told: str
) -> None:
    api = WritableApi(body)
    ended = await command(api, tmp_path, "sync", "shop")
    assert (ended.exit_code, told in ended.stderr, api.patches) == (1, True, [])


async def test_a_suspension_is_written_and_told_as_the_status_has_it(tmp_path: Path) -> None:
    arguments = ("suspend", "shop", "--until", "2126-12-24T18:00:00Z", "--reason", "release freeze", "--wait")

    def told(body: dict[str, Any]) -> None:
        suspends(body)
        body["status"]["suspension"]["until"] = "2126-12-24T18:00:00Z"

    api = WritableApi(repository(), told)
    ended = await command(api, tmp_path, *arguments)
    call = 'towline suspend shop --until 2026-12-24T18:00:00Z --reason "release freeze" --wait'
    assert (ended.stdout, ended.exit_code) == (documented.output(call), 0)
    (patch,) = api.patches
    value = "until=2126-12-24T18:00:00Z, reason=release freeze, by=ada"
    assert patch["metadata"] == {"uid": "uid-shop", "annotations": {"towline.dev/suspend": value}}
    assert "spec" not in patch


@pytest.mark.parametrize("until", ["2020-01-01", "soon", "25:00", ""])
async def test_a_suspension_does_not_end_before_it_begins(tmp_path: Path, until: str) -> None:
    api = WritableApi(repository(), never)
    ended = await command(api, tmp_path, "suspend", "shop", "--until", until or "0m")
    assert (ended.exit_code, api.patches) == (2, [])


@pytest.mark.parametrize("is_set", [True, False])
async def test_a_suspension_is_ended_in_the_annotation_and_in_the_spec(
    tmp_path: Path, *, is_set: bool
) -> None:
    spec = {"suspend": True} if is_set else {}
    body = repository(annotations={"towline.dev/suspend": "by=bo"}, spec=spec)
    suspends(body)
    api = WritableApi(body, resumes)
    ended = await command(api, tmp_path, "resume", "shop", "--wait")
    assert (ended.stdout, ended.exit_code) == (documented.output("towline resume shop --wait"), 0)
    (patch,) = api.patches
    assert patch["metadata"]["annotations"] == {"towline.dev/suspend": None}
    assert patch.get("spec") == ({"suspend": False} if is_set else None)
    assert ("spec.suspend was true" in ended.stderr) is is_set


async def test_resuming_what_is_not_suspended_changes_nothing(tmp_path: Path) -> None:
    api = WritableApi(repository())
    ended = await command(api, tmp_path, "resume", "shop")
    assert (ended.exit_code, ended.stdout, api.patches) == (0, "shop/shop: is not suspended\n", [])


PRUNES = [
    {"object": "PersistentVolumeClaim/shop/data", "reason": "PruneBlocked", "message": "it holds data"},
    {
        "object": "ConfigMap/shop/settings",
        "reason": "PruneBlocked",
        "message": "12 of 20 objects would be deleted",
    },
]


def blocked(total: int = 2) -> dict[str, Any]:
    return repository(status={"blocked": {"prunes": PRUNES, "prunesTotal": total, "confirm": "fc52"}})


def prunes(body: dict[str, Any]) -> None:
    del body["status"]["blocked"]


async def test_exactly_the_list_that_was_shown_is_confirmed(tmp_path: Path) -> None:
    api = WritableApi(blocked(), prunes)
    ended = await command(api, tmp_path, "confirm-prune", "shop", "--yes", "--wait")
    assert (ended.stdout, ended.exit_code) == (
        documented.output("towline confirm-prune shop --yes --wait"),
        0,
    )
    (patch,) = api.patches
    assert patch["metadata"]["annotations"] == {"towline.dev/confirm-prune": "fc52, by=ada"}


async def test_without_a_terminal_nothing_is_confirmed_unless_the_command_line_says_so(
    tmp_path: Path,
) -> None:
    api = WritableApi(blocked(total=14), prunes)
    ended = await command(api, tmp_path, "confirm-prune", "shop", "-o", "json")
    assert (ended.exit_code, api.patches, ended.stdout) == (2, [], "")
    assert "PersistentVolumeClaim/shop/data" in ended.stderr
    assert "and 12 more objects" in ended.stderr
    assert "give --yes" in ended.stderr


async def test_where_nothing_waits_nothing_is_confirmed(tmp_path: Path) -> None:
    api = WritableApi(repository())
    ended = await command(api, tmp_path, "confirm-prune", "shop", "--yes")
    assert (ended.exit_code, api.patches) == (1, [])
    assert "no deletion waits" in ended.stderr


FAILURES = [
    {
        "object": "Deployment.apps/shop/web",
        "reason": "ManagedByAnotherTool",
        "message": "managed by Helm, release shop/web: stop that first, then set spec.adopt to Any",
    },
    {
        "object": "ConfigMap/shop/settings",
        "reason": "NotOurs",
        "message": "exists already, written by kubectl, and spec.adopt is Never: delete the object, or set spec.adopt"
        " to IfNoConflict",
    },
    {"object": "Secret/shop/key", "reason": "Forbidden", "message": "no"},
]


async def test_what_is_left_alone_is_taken_over_by_the_most_careful_value(tmp_path: Path) -> None:
    body = repository(spec={"adopt": "Never"}, status={"failures": FAILURES, "failuresTotal": 3})
    api = WritableApi(body, looks)
    ended = await command(api, tmp_path, "adopt", "shop", "--yes", "--wait")
    assert (ended.stdout, ended.exit_code) == (documented.output("towline adopt shop --yes --wait"), 0)
    (patch,) = api.patches
    assert patch["spec"] == {"adopt": "Any"}
    assert "stop the other tool first" in ended.stderr


async def test_a_value_may_be_chosen_and_what_it_leaves_alone_is_named(tmp_path: Path) -> None:
    body = repository(spec={"adopt": "Never"}, status={"failures": FAILURES, "failuresTotal": 14})
    api = WritableApi(body, never)
    ended = await command(api, tmp_path, "adopt", "shop", "--allow", "IfNoConflict", "--yes")
    assert (ended.exit_code, api.patches[0]["spec"]) == (0, {"adopt": "IfNoConflict"})
    assert "IfNoConflict still leaves alone: Deployment.apps/shop/web" in ended.stderr
    assert "else they end as a Conflict: ConfigMap/shop/settings" in ended.stderr
    assert "11 more failures" in ended.stderr
    assert ended.stdout.endswith("shop/shop: spec.adopt is IfNoConflict now\n")


async def test_what_is_proposed_works_also_where_a_field_manager_insists(tmp_path: Path) -> None:
    body = repository(spec={"adopt": "Never"}, status={"failures": FAILURES[1:], "failuresTotal": 2})
    api = WritableApi(body, looks)
    ended = await command(api, tmp_path, "adopt", "shop", "--yes", "--wait")
    assert (ended.exit_code, api.patches[0]["spec"]) == (0, {"adopt": "Unmanaged"})
    assert "Unmanaged overwrites it" in ended.stderr


async def test_the_marks_of_another_tool_are_seen_before_the_next_attempt_sees_them(tmp_path: Path) -> None:
    metadata = {
        "namespace": "shop",
        "name": "settings",
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "shop"},
    }
    live = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    body = repository(spec={"adopt": "Never"}, status={"failures": FAILURES[1:2], "failuresTotal": 1})
    api = WritableApi(body, looks, live)
    ended = await command(api, tmp_path, "adopt", "shop", "--yes")
    assert (ended.exit_code, api.patches[0]["spec"]) == (0, {"adopt": "Any"})
    assert "managed by Helm, release shop" in ended.stdout


async def test_where_nothing_is_left_alone_the_spec_stays(tmp_path: Path) -> None:
    api = WritableApi(repository(status={"failures": FAILURES[2:]}))
    ended = await command(api, tmp_path, "adopt", "shop", "--yes")
    assert (ended.exit_code, api.patches) == (1, [])
