"""Prunes and releases: what is sent, and what is left alone when somebody touched the object meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from towline.model import Action, ObjectRef, Outcome, Result

from tests.apply.apiserver import OURS, SYNC, ApiServer, change, entry, held, opened, path, strangers
from tests.kube.loopback import status
from tests.owner_stamps import STAMPS

STALE = status(409, "Conflict")
NOTES = held("a")["metadata"]["annotations"]
KEPT = {**NOTES, "towline.dev/prune": "disabled"}
INHERITED = {**NOTES, "towline.dev/owner": STAMPS.owner("earlier", ObjectRef("", "ConfigMap", "shop", "a"))}


async def pruned(server: ApiServer, seen: dict[str, Any]) -> Outcome:
    async with opened(server) as door:
        (outcome,) = (await door.writer.prune([change(Action.PRUNE, seen)], SYNC)).outcomes
    return outcome


async def test_a_prune_deletes_exactly_the_object_that_was_seen_and_what_it_owns() -> None:
    server = ApiServer(held("a"))
    outcome = await pruned(server, held("a"))
    assert (outcome.result, outcome.live) == (Result.DONE, None)
    (sent,) = server.writes
    assert sent.body["preconditions"] == {"uid": "uid-a", "resourceVersion": "7"}
    assert sent.body["propagationPolicy"] == "Background"


async def test_an_object_that_only_moved_on_is_pruned_in_its_new_version() -> None:
    server = ApiServer(held("a", resourceVersion="9"), answers=[STALE])
    assert (await pruned(server, held("a"))).change.action is Action.PRUNE
    assert [write.body["preconditions"]["resourceVersion"] for write in server.writes] == ["7", "9"]


@pytest.mark.parametrize(
    ("now", "reason", "message"),
    [
        pytest.param(held("a", uid="another"), "NotOurs", "created again", id="another object of its name"),
        pytest.param(
            held("a", managedFields=[]), "NotOurs", "no longer belongs to this GitRepository", id="nobody's"
        ),
        pytest.param(held("a", annotations=KEPT), "", "prune is Disabled", id="to be kept"),
        pytest.param(held("a", annotations=INHERITED), "Inherited", "uid earlier", id="inherited"),
    ],
)
async def test_an_object_that_somebody_touched_since_the_plan_is_judged_anew(
    now: dict[str, Any], reason: str, message: str
) -> None:
    server = ApiServer(now, answers=[STALE])
    outcome = await pruned(server, held("a"))
    assert (outcome.result, outcome.change.action) == (Result.DONE, Action.SKIP)
    assert outcome.change.reason == reason
    assert message in outcome.change.message
    assert server.operations == ["delete a"]


async def test_an_object_that_is_gone_or_going_needs_no_prune() -> None:
    assert (await pruned(ApiServer(), held("a"))).result is Result.DONE
    going = held("a", resourceVersion="9", deletionTimestamp="2026-01-01T00:00:00Z")
    outcome = await pruned(ApiServer(going, answers=[STALE]), held("a"))
    assert outcome.result is Result.DONE
    assert outcome.live is not None
    assert outcome.live.terminating


async def test_an_object_that_a_finalizer_keeps_is_waited_for_and_named_with_who_set_it() -> None:
    hold = entry("backup-controller", {"f:metadata": {"f:finalizers": {'v:"example.com/hold"': {}}}})
    marks: dict[str, Any] = {
        "resourceVersion": "9",
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": ["example.com/hold", "other"],
    }
    server = ApiServer(held("a", "ConfigMap", hold, **marks), answers=[STALE])
    outcome = await pruned(server, held("a"))
    assert outcome.kept == (
        "is being deleted, and waits for finalizers example.com/hold (set by backup-controller), other"
    )


async def test_an_object_that_somebody_changes_all_the_time_is_a_failure_in_the_end() -> None:
    server = ApiServer(held("a"), answers=[STALE] * 9)
    outcome = await pruned(server, held("a"))
    assert (outcome.result, [each.reason for each in outcome.failures]) == (Result.FAILED, ["Conflict"])
    assert len(server.writes) == 4


async def test_prunes_run_from_the_last_wave_to_the_first_and_one_refusal_holds_back_none() -> None:
    server = ApiServer(*map(held, "abc"), answers=[status(403, "Forbidden")])
    changes = [change(Action.PRUNE, held(name), wave) for name, wave in (("a", 1), ("b", 3), ("c", 2))]
    async with opened(server) as door:
        result = await door.writer.prune(changes, SYNC)
    assert server.operations == ["delete b", "delete c", "delete a"]
    assert [each.result for each in result.outcomes] == [Result.FAILED, Result.DONE, Result.DONE]
    assert not result.clean


async def test_a_release_takes_our_marks_off_the_version_that_was_read_and_leaves_the_object() -> None:
    theirs = entry("kubectl", {"f:data": {"f:size": {}}})
    server = ApiServer(held("a", "ConfigMap", theirs), answers=[STALE])
    async with opened(server) as door:
        (outcome,) = (await door.writer.release([change(Action.RELEASE, held("a"))], SYNC)).outcomes
    assert outcome.result is Result.DONE
    assert server.operations == ["patch a", "patch a"]
    patch = {step["path"]: step for step in server.writes[-1].body}
    assert patch["/metadata/resourceVersion"] == {
        "op": "test",
        "path": "/metadata/resourceVersion",
        "value": "7",
    }
    assert patch["/metadata/labels/towline.dev~1repository"]["op"] == "remove"
    assert patch["/metadata/annotations/towline.dev~1owner"]["op"] == "remove"
    assert [each["manager"] for each in patch["/metadata/managedFields"]["value"]] == ["kubectl"]


async def test_a_release_does_not_touch_what_is_not_ours_any_more() -> None:
    server = ApiServer(strangers("a"))
    async with opened(server) as door:
        result = await door.writer.release([change(Action.RELEASE, held("a"))], SYNC)
    assert result.clean
    assert server.writes == []


async def test_the_dry_run_of_removals_names_what_would_be_refused_and_removes_nothing() -> None:
    server = ApiServer(*map(held, "ab"), answers=[status(403, "Forbidden")])
    changes = [change(Action.PRUNE, held("a")), change(Action.RELEASE, held("b"))]
    async with opened(server) as door:
        failures = await door.writer.rehearse(changes, SYNC)
    assert sorted(server.operations) == ["delete (dry run) a", "patch (dry run) b"]
    assert [each.reason for each in failures] == ["Forbidden"]
    assert path("ConfigMap", "a") in server.objects
    assert OURS in str(server.objects)
