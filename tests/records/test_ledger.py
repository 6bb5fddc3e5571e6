"""What happens to records when requests fail; what the API server makes of them is told by the stories."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
from aiohttp import web
from towline.api import recordbody
from towline.api.syncrecord import Ending, Flag, RecordedRepository, SyncRecord
from towline.errors import ApiError, ClusterError
from towline.model import Key
from towline.records import chain, closing, newest, opening
from towline.records import ledger as ledgers
from towline.records.checkpoints import Checkpoints
from towline.records.ledger import Ledger
from towline.records.signing import CheckpointKey
from towline.records.spool import SpoolFolder
from towline.records.store import AnotherOperatorError

from tests.kube.loopback import Handler, Server, cuts, says, served, status
from tests.records import syncs

KEY = Key("shop", "app")
LIST = says(200, {"metadata": {}, "items": []})
CREATED = says(201)
FORBIDDEN = status(403, "Forbidden")
TERMINATING = status(
    403, "Forbidden", details={"causes": [{"reason": "NamespaceTerminating", "message": "x", "field": "y"}]}
)


async def at_once(_: float) -> None:
    """Wait for nothing."""


@asynccontextmanager
async def ledger_on(folder: Path, *answers: Handler) -> AsyncIterator[tuple[Ledger, Server]]:
    server = Server(*answers)
    async with served(server) as client:
        yield Ledger(client, "", folder, pause=at_once), server


def opened(**more: Any) -> tuple[SyncRecord, ...]:
    return opening.opening(syncs.sync(**more), syncs.entries([syncs.change("a")]), None)


def ended(records: tuple[SyncRecord, ...], ending: Ending = Ending.SUCCEEDED) -> tuple[SyncRecord, ...]:
    return closing.close(records, syncs.ended(ending, outcomes=syncs.done(syncs.change("a"))))


def holds(made: SyncRecord) -> Handler:
    """Answer with a record as the API server holds it."""
    body = recordbody.to_body(made)
    return says(200, body | {"metadata": {**body["metadata"], "uid": "u", "generation": 1}})


def keeps(*made: SyncRecord) -> Handler:
    """Answer with the record that is asked for, if it is one of these."""
    answers = {each.name: holds(each) for each in made}

    async def answer(request: web.Request) -> web.StreamResponse:
        return await answers.get(request.path.rpartition("/")[2], says(404))(request)

    return answer


def listed(*made: SyncRecord) -> Handler:
    """Answer with the metadata of records."""
    created = {"creationTimestamp": "2026-01-01T00:00:00Z", "namespace": "shop"}
    items = [{"metadata": {"name": each.name, "uid": f"uid of {each.name}", **created}} for each in made]
    return says(200, {"metadata": {}, "items": items})


async def test_a_record_is_created_without_a_status_and_closed_by_one_patch_of_it(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, CREATED, says(200)) as (ledger, server):
        await ledger.close(ended(await ledger.open(opened())))
    assert server.verbs == ["POST", "PATCH"]
    assert "status" not in json.loads(server.bodies[0])
    assert json.loads(server.bodies[1]).keys() == {"status"}
    assert server.requests[1].path.endswith("/syncrecords/app-0b6a0c3e-00000001/status")


async def test_an_answer_that_was_lost_does_not_make_a_second_record(tmp_path: Path) -> None:
    made = opened()
    async with ledger_on(tmp_path, cuts, status(409, "AlreadyExists"), holds(made[0])) as (ledger, server):
        assert await ledger.open(made) == made
    assert server.verbs == ["POST", "POST", "GET"]


async def test_a_record_of_another_operator_under_our_name_stops_the_sync(tmp_path: Path) -> None:
    [theirs] = opened(operator="another one")
    async with ledger_on(tmp_path, status(409, "AlreadyExists"), holds(theirs), LIST) as (ledger, server):
        with pytest.raises(AnotherOperatorError):
            await ledger.open(opened())
        assert await ledger.newest(KEY, syncs.UID) is None
    assert server.verbs[-1] == "GET"


async def test_a_record_of_a_newer_operator_is_one_of_another(tmp_path: Path) -> None:
    body = recordbody.to_body(opened()[0])
    newer = says(200, {**body, "spec": {**body["spec"], "digestVersion": 999}})
    async with ledger_on(tmp_path, status(409, "AlreadyExists"), newer) as (ledger, _):
        with pytest.raises(AnotherOperatorError):
            await ledger.open(opened())


async def test_nothing_is_known_to_be_recorded_while_the_server_is_silent(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, cuts) as (ledger, _):
        with pytest.raises(ClusterError):
            await ledger.open(opened())
    assert SpoolFolder(tmp_path).all() == ()


async def test_a_server_that_is_busy_does_not_send_records_to_the_data_folder(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, status(504, "Timeout")) as (ledger, _):
        with pytest.raises(ApiError):
            await ledger.open(opened())
    assert SpoolFolder(tmp_path).all() == ()


async def test_a_record_that_is_refused_three_times_is_kept_and_logged_and_the_sync_goes_on(
    tmp_path: Path,
) -> None:
    async with ledger_on(tmp_path, FORBIDDEN) as (ledger, server):
        with structlog.testing.capture_logs() as lines:
            [made] = await ledger.open(opened())
        assert server.verbs == ["POST"] * 3
        assert made.intent.flags == (Flag.LATE,)
        assert [line["record"] for line in lines] == [recordbody.to_body(made)]
        assert SpoolFolder(tmp_path).all() == (made,)
        [closed] = ended((made,))
        await ledger.close((closed,))
        assert server.verbs == ["POST"] * 3
        assert SpoolFolder(tmp_path).all() == (closed,)


async def test_the_next_record_follows_one_that_is_kept_and_so_does_a_new_process(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, FORBIDDEN) as (ledger, _):
        closed = ended(await ledger.open(opened()))
        await ledger.close(closed)
        remembered = await ledger.newest(KEY, syncs.UID)
    assert remembered
    assert (remembered.sequence, remembered.digest) == (
        1,
        closed[0].closing.digest if closed[0].closing else "",
    )
    async with ledger_on(tmp_path, LIST) as (ledger, _):
        assert await ledger.newest(KEY, syncs.UID) == remembered


async def test_a_kept_record_is_posted_with_its_status_when_the_cluster_takes_it(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, FORBIDDEN, FORBIDDEN, FORBIDDEN, CREATED, says(200)) as (ledger, server):
        closed = ended(await ledger.open(opened()))
        await ledger.close(closed)
        await ledger.post_kept()
        await ledger.post_kept()
    assert server.verbs == ["POST"] * 4 + ["PATCH"]
    posted = {**json.loads(server.bodies[3]), **json.loads(server.bodies[4])}
    assert chain.verify([posted]) == ()
    assert posted["spec"]["flags"] == ["Late"]
    assert SpoolFolder(tmp_path).all() == ()


async def test_kept_records_wait_while_their_sync_runs_and_while_they_are_refused(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, FORBIDDEN) as (ledger, server):
        running = await ledger.open(opened())
        await ledger.post_kept()
        assert len(server.requests) == 3
        await ledger.close(ended(running))
        await ledger.post_kept()
        assert len(server.requests) == 4
    assert len(SpoolFolder(tmp_path).all()) == 1


@pytest.mark.parametrize("refusal", [FORBIDDEN, status(422, "Invalid")])
async def test_a_kept_record_that_is_refused_keeps_no_other_repository_waiting(
    tmp_path: Path, refusal: Handler
) -> None:
    [bad] = ended(opened())
    [good] = ended(opened(subject=RecordedRepository(namespace="shop", name="zoo", uid="another uid")))
    SpoolFolder(tmp_path).put(bad)
    SpoolFolder(tmp_path).put(good)
    async with ledger_on(tmp_path, refusal, CREATED, says(200)) as (ledger, _):
        await ledger.post_kept()
    assert SpoolFolder(tmp_path).all() == (bad,)


async def test_a_kept_record_that_is_invalid_itself_keeps_the_next_one_not_waiting(tmp_path: Path) -> None:
    bad, good = syncs.history(1, 1)
    SpoolFolder(tmp_path).put(bad)
    SpoolFolder(tmp_path).put(good)
    async with ledger_on(tmp_path, status(422, "Invalid"), CREATED, says(200)) as (ledger, _):
        await ledger.post_kept()
    assert SpoolFolder(tmp_path).all() == (bad,)


async def test_a_kept_record_whose_name_was_taken_is_put_aside_for_a_person(tmp_path: Path) -> None:
    [theirs] = opened(operator="another one")
    taken = (status(409, "AlreadyExists"), holds(theirs))
    async with ledger_on(tmp_path, FORBIDDEN, FORBIDDEN, FORBIDDEN, *taken) as (ledger, _):
        await ledger.close(ended(await ledger.open(opened())))
        await ledger.post_kept()
    assert SpoolFolder(tmp_path).all() == ()
    assert [path.suffix for path in (tmp_path / "records").iterdir()] == [".refused"]


async def test_in_a_namespace_that_goes_away_the_record_stands_in_the_log(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, TERMINATING) as (ledger, server):
        with structlog.testing.capture_logs() as lines:
            made = await ledger.open(opened())
            closed = ended(made)
            await ledger.close(closed)
    assert server.verbs == ["POST"]
    assert [line["record"] for line in lines] == [recordbody.to_body(made[0]), recordbody.to_body(closed[0])]
    assert SpoolFolder(tmp_path).all() == ()


async def test_where_the_disk_refuses_too_the_record_stands_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("not a folder")
    async with ledger_on(tmp_path, FORBIDDEN) as (ledger, _):
        with structlog.testing.capture_logs() as lines:
            await ledger.close(ended(await ledger.open(opened())))
    assert lines[-1]["record"]["status"]["outcome"] == "Succeeded"


async def test_a_record_that_could_not_be_closed_is_closed_before_the_next_one(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, CREATED, *[cuts] * 4, says(200)) as (ledger, server):
        closed = ended(await ledger.open(opened()))
        with pytest.raises(ClusterError):
            await ledger.close(closed)
        assert await ledger.newest(KEY, syncs.UID) == newest.of(closed)
    assert server.verbs == ["POST"] + ["PATCH"] * 5
    assert len(set(server.bodies[1:])) == 1


async def test_a_record_that_was_closed_in_the_same_way_already_is_well(tmp_path: Path) -> None:
    made = opened()
    closed = ended(made)
    refusals = [step for _ in range(3) for step in (status(422, "Invalid"), holds(closed[0]))]
    async with ledger_on(tmp_path, CREATED, cuts, *refusals) as (ledger, _):
        await ledger.close(ended(await ledger.open(made)))
        assert await ledger.newest(KEY, syncs.UID) == newest.of(closed)


async def test_a_record_that_somebody_else_closed_stops_the_pass(tmp_path: Path) -> None:
    made = opened()
    [theirs] = ended(made, Ending.INTERRUPTED)
    async with ledger_on(
        tmp_path, CREATED, status(422, "Invalid"), holds(theirs), listed(theirs), holds(theirs)
    ) as (
        ledger,
        _,
    ):
        with pytest.raises(AnotherOperatorError):
            await ledger.close(ended(await ledger.open(made)))
        assert await ledger.newest(KEY, syncs.UID) == newest.of((theirs,))


async def test_a_record_that_was_deleted_meanwhile_is_told_in_the_log(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, CREATED, status(404, "NotFound")) as (ledger, _):
        with structlog.testing.capture_logs() as lines:
            closed = ended(await ledger.open(opened()))
            await ledger.close(closed)
    assert [line["record"] for line in lines] == [recordbody.to_body(closed[0])]


async def test_the_next_record_follows_none_that_was_lost(tmp_path: Path) -> None:
    older = syncs.completed()
    lost = (status(404, "NotFound"),) * ledgers.REFUSALS
    answers = (CREATED, *lost, listed(*older), keeps(*older))
    async with ledger_on(tmp_path, *answers) as (ledger, _):
        await ledger.close(ended(await ledger.open(opened())))
        assert await ledger.newest(KEY, syncs.UID) == newest.of(older)


async def test_the_newest_sync_is_read_again_when_the_cluster_may_have_lost_it(tmp_path: Path) -> None:
    older = syncs.completed()
    newer = syncs.completed(1, newest.of(older))
    answers = (listed(*older, *newer), keeps(*newer), listed(*older), keeps(*older))
    async with ledger_on(tmp_path, *answers) as (ledger, _):
        assert await ledger.newest(KEY, syncs.UID) == newest.of(newer)
        ledger.read_again()
        assert await ledger.newest(KEY, syncs.UID) == newest.of(older)


async def test_the_newest_sync_is_read_once_with_all_its_parts(tmp_path: Path) -> None:
    older = syncs.completed()
    parts = syncs.completed(2200, newest.of(older))
    async with ledger_on(tmp_path, listed(*older, *parts), keeps(*parts)) as (ledger, server):
        assert await ledger.newest(KEY, syncs.UID) == newest.of(parts)
        assert await ledger.newest(KEY, syncs.UID) == newest.of(parts)
    assert server.verbs == ["GET"] * 4
    assert server.requests[0].query["fieldSelector"] == f"spec.repository.uid={syncs.UID}"
    assert "PartialObjectMetadataList" in server.requests[0].headers["Accept"]


async def test_parts_behind_one_that_was_deleted_are_no_part_of_what_is_known(tmp_path: Path) -> None:
    first, second, third = syncs.completed(2200)
    async with ledger_on(tmp_path, listed(first, second, third), keeps(first, third)) as (ledger, _):
        assert await ledger.last(KEY, syncs.UID) == (third,)
    async with ledger_on(tmp_path, listed(first, second, third), keeps(first, second)) as (ledger, _):
        assert await ledger.last(KEY, syncs.UID) == ()


async def test_the_newest_plan_is_found_behind_failures_only(tmp_path: Path) -> None:
    def after(before: tuple[SyncRecord, ...], ending: Ending) -> tuple[SyncRecord, ...]:
        changes = syncs.entries([syncs.change("a")]) if ending is not Ending.FAILED else ()
        following = opening.opening(syncs.sync(), changes, newest.of(before) if before else None)
        return closing.close(following, syncs.ended(ending))

    plan = after((), Ending.PLANNED)
    failure = after(plan, Ending.FAILED)
    done = after(failure, Ending.SUCCEEDED)
    every = (*plan, *failure, *done)
    found = [holds(each) for each in (*failure, *plan)]
    async with ledger_on(tmp_path, listed(*plan, *failure), *found) as (ledger, _):
        assert await ledger.planned(KEY, syncs.UID) == plan
    async with ledger_on(tmp_path, listed(*every), holds(done[0])) as (ledger, _):
        assert await ledger.planned(KEY, syncs.UID) == ()
    async with ledger_on(tmp_path, LIST) as (ledger, _):
        assert await ledger.planned(KEY, syncs.UID) == ()


async def test_without_our_crd_there_is_no_newest_sync(tmp_path: Path) -> None:
    async with ledger_on(tmp_path, says(404)) as (ledger, _):
        assert await ledger.newest(KEY, syncs.UID) is None


async def test_a_record_that_cannot_be_read_is_an_error_and_no_new_beginning(tmp_path: Path) -> None:
    [made] = syncs.completed()
    async with ledger_on(tmp_path, listed(made), says(200, {"metadata": {"name": "x"}, "spec": {}})) as (
        ledger,
        _,
    ):
        with pytest.raises(ClusterError, match="cannot be read"):
            await ledger.newest(KEY, syncs.UID)


async def test_old_records_are_deleted_by_uid_and_looked_for_once_in_twenty(tmp_path: Path) -> None:
    now = datetime(2028, 1, 1, tzinfo=UTC)
    old, newest = syncs.history(*[1] * 20)[0], syncs.history(*[1] * 20)[-1]
    answers = [listed(newest), holds(newest), listed(old, newest), LIST, says(200)]
    async with ledger_on(tmp_path, *answers) as (ledger, server):
        await ledger.newest(KEY, syncs.UID)
        await ledger.retain(KEY, syncs.UID, {}, now)
        await ledger.retain(KEY, syncs.UID, {}, now)
    assert server.verbs == ["GET"] * 4 + ["DELETE"]
    assert server.requests[4].path.endswith(f"/{old.name}")
    assert json.loads(server.bodies[4])["preconditions"] == {"uid": f"uid of {old.name}"}


async def test_an_old_record_is_deleted_only_when_the_status_says_that_it_will_be(tmp_path: Path) -> None:
    now = datetime(2028, 1, 1, tzinfo=UTC)
    made = syncs.history(*[1] * 40)
    old, middle, last = made[0], made[19], made[39]
    answers = [listed(middle), holds(middle), listed(old, middle), LIST, CREATED, says(200)]
    answers += [listed(old, middle, last), LIST, says(200)]
    server = Server(*answers)
    signs = Checkpoints(CheckpointKey(b"k" * 32), lambda: now)
    async with served(server) as client:
        ledger = Ledger(client, "", tmp_path, checkpoints=signs, pause=at_once)
        await ledger.newest(KEY, syncs.UID)
        await ledger.retain(KEY, syncs.UID, {}, now)
        assert "DELETE" not in server.verbs
        told = ledger.told(syncs.UID, {})
        assert told
        assert (told["sequence"], told["trimmed"]) == (20, "1")
        await ledger.close(ended(await ledger.open((replace(last, closing=None),))))
        await ledger.retain(KEY, syncs.UID, {"checkpoint": told}, now)
    assert server.verbs[-1] == "DELETE"
    assert server.requests[-1].path.endswith(f"/{old.name}")


async def test_records_of_repositories_that_are_gone_are_deleted_by_their_age(tmp_path: Path) -> None:
    [record, *_] = syncs.history(1)
    async with ledger_on(tmp_path, listed(record), listed(record), says(200)) as (ledger, server):
        await ledger.sweep({syncs.UID}, datetime(2028, 1, 1, tzinfo=UTC))
        await ledger.sweep(set(), None)
        assert server.verbs == ["GET"]
        await ledger.sweep({"another"}, datetime(2028, 1, 1, tzinfo=UTC))
    assert server.verbs == ["GET", "GET", "DELETE"]
    assert server.requests[-1].path.endswith(f"/namespaces/shop/syncrecords/{record.name}")


async def test_all_records_lie_in_one_namespace_if_one_is_named(tmp_path: Path) -> None:
    server = Server(LIST)
    async with served(server) as client:
        ledger = Ledger(client, "audit", tmp_path)
        assert ledger.namespace(KEY) == "audit"
        assert not await ledger.known(KEY, syncs.UID)
    assert server.requests[0].path == "/apis/towline.dev/v1alpha1/namespaces/audit/syncrecords"
    assert (
        server.requests[0].query["fieldSelector"] == "spec.repository.namespace=shop,spec.repository.name=app"
    )


async def test_a_repository_without_records_of_its_name_has_no_newest_one(tmp_path: Path) -> None:
    server = Server(LIST)
    async with served(server) as client:
        ledger = Ledger(client, "", tmp_path)
        assert not await ledger.known(KEY, syncs.UID)
        assert await ledger.newest(KEY, syncs.UID) is None
    assert len(server.requests) == 1
