"""The dry run of a plan: what each change comes to, and every refusal before the first write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from towline.api.gitrepository import Adopt
from towline.apply.objects import WriteContext
from towline.apply.prediction import Prediction
from towline.apply.preflight import Preflight
from towline.errors import ClusterError
from towline.model import Action, Change

from tests.apply.apiserver import SYNC, ApiServer, applied, held, opened, strangers
from tests.kube.loopback import says, status

CHANGED = held("a") | {"data": {"colour": "red"}}


async def preflight(server: ApiServer, *changes: Change, sync: WriteContext = SYNC) -> Preflight:
    async with opened(server) as door:
        found = await door.writer.preflight(changes, sync)
    assert all("dry run" in write.operation for write in server.writes)
    return found


async def predicted(server: ApiServer, change: Change, sync: WriteContext = SYNC) -> Prediction:
    found = await preflight(server, change, sync=sync)
    assert found.failures == ()
    (prediction,) = found.predictions
    return prediction


async def test_a_creation_that_the_server_would_take_is_known_to_be_new() -> None:
    found = await predicted(ApiServer(), applied(Action.CREATE, "a"))
    assert (found.change.action, found.known, found.before) == (Action.CREATE, True, None)


async def test_an_update_is_predicted_with_its_old_and_new_content() -> None:
    found = await predicted(ApiServer(CHANGED, answers=[says(200, held("a"))]), applied(Action.UPDATE, "a"))
    assert found.change.action is Action.UPDATE
    assert found.before is not None
    assert found.after is not None
    assert (found.before["data"], found.after["data"]) == ({"colour": "red"}, {"colour": "blue"})


async def test_an_update_that_would_change_nothing_is_kept() -> None:
    found = await predicted(ApiServer(held("a")), applied(Action.UPDATE, "a"))
    assert found.change.action is Action.KEEP


async def test_an_update_of_what_vanished_creates_it() -> None:
    found = await predicted(ApiServer(), applied(Action.UPDATE, "a"))
    assert (found.change.action, found.before) == (Action.CREATE, None)


async def test_a_creation_that_meets_an_object_of_ours_repairs_it() -> None:
    server = ApiServer(CHANGED, answers=[says(200, CHANGED), says(200, held("a"))])
    assert (await predicted(server, applied(Action.CREATE, "a"))).change.action is Action.REPAIR


async def test_a_creation_that_meets_somebodys_object_adopts_the_very_version_that_was_seen() -> None:
    server = ApiServer(strangers("a"), answers=[says(200, strangers("a")), says(200, held("a"))])
    found = await predicted(server, applied(Action.CREATE, "a"))
    assert found.change.action is Action.ADOPT
    sent = found.body["metadata"]
    assert (sent["uid"], sent["resourceVersion"]) == ("another", "7")


@pytest.mark.parametrize(("restores", "marked"), [(False, "2026-01-01T12:00:00Z"), (True, None)])
async def test_only_what_the_repository_never_wrote_is_marked_as_adopted(
    *, restores: bool, marked: str | None
) -> None:
    answers = [says(200, strangers("a")), says(200, held("a"))]
    change = replace(applied(Action.CREATE, "a"), restores=restores)
    found = await predicted(
        ApiServer(strangers("a"), answers=answers), change, replace(SYNC, moment="2026-01-01T12:00:00Z")
    )
    assert found.change.action is Action.ADOPT
    assert found.body["metadata"]["annotations"].get("towline.dev/adopted") == marked


async def test_somebodys_object_is_refused_where_nothing_may_be_adopted() -> None:
    server = ApiServer(strangers("a"))
    found = await preflight(server, applied(Action.ADOPT, "a"), sync=replace(SYNC, adopt=Adopt.NEVER))
    assert ([each.reason for each in found.failures], found.predictions) == (["NotOurs"], ())
    assert server.writes == []


async def test_all_refusals_of_a_plan_are_told_at_once_with_their_objects_and_files() -> None:
    refused: dict[str, Any] = {"causes": [{"reason": "FieldValueInvalid", "message": "no", "field": "data"}]}
    server = ApiServer(answers=[status(422, "Invalid", details=refused)] * 2)
    found = await preflight(server, applied(Action.UPDATE, "c"), *(applied(Action.CREATE, n) for n in "ab"))
    assert [(each.reason, each.file) for each in found.failures] == [("Invalid", "all.yaml")] * 2
    assert {each.object for each in found.failures} == {"ConfigMap/shop/a", "ConfigMap/shop/b"}
    assert [each.change.ref.name for each in found.predictions] == ["c"]


async def test_a_dry_run_of_another_version_than_the_one_that_was_read_is_made_again() -> None:
    later = held("a", resourceVersion="8")
    server = ApiServer(CHANGED, answers=[says(200, later), says(200, held("a"))])
    found = await predicted(server, applied(Action.UPDATE, "a"))
    assert found.after is not None
    assert found.after["metadata"]["resourceVersion"] == "7"
    assert server.operations == ["apply (dry run) a"] * 2


async def test_credentials_that_are_refused_are_no_fault_of_an_object() -> None:
    with pytest.raises(ClusterError):
        await preflight(ApiServer(answers=[status(401, "Unauthorized")] * 2), applied(Action.CREATE, "a"))


async def test_without_a_dry_run_each_object_is_read_and_nothing_is_sent() -> None:
    server = ApiServer(CHANGED)
    found = await predicted(server, applied(Action.UPDATE, "a"), replace(SYNC, preflight=False))
    assert (found.change.action, found.after) == (Action.UPDATE, None)
    assert server.writes == []
