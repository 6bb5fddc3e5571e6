"""Fields that cannot change in place: an object is created anew only where all that this needs is given."""

from __future__ import annotations

from dataclasses import replace

import pytest
from towline.apply.objects import WriteContext
from towline.apply.preflight import Preflight
from towline.model import Action, Change, Result

from tests.apply.apiserver import SYNC, ApiServer, applied, held, opened, strangers
from tests.kube.loopback import Handler, status

FORCED = replace(SYNC, force=True)
IMMUTABLE = status(
    422,
    "Invalid",
    details={
        "causes": [
            {
                "reason": "FieldValueForbidden",
                "message": "Forbidden: field is immutable when `immutable` is set",
                "field": "data",
            }
        ]
    },
)
EXISTS = status(409, "AlreadyExists")


async def preflight(server: ApiServer, change: Change, sync: WriteContext) -> Preflight:
    async with opened(server) as door:
        return await door.writer.preflight([change], sync)


@pytest.mark.parametrize(
    ("change", "sync"),
    [
        pytest.param(applied(Action.UPDATE, "a"), FORCED, id="by the spec"),
        pytest.param(applied(Action.UPDATE, "a", force="true"), SYNC, id="by the annotation"),
    ],
)
async def test_an_object_is_replaced_where_git_asks_for_it_and_it_could_come_back(
    change: Change, sync: WriteContext
) -> None:
    server = ApiServer(held("a"), answers=[IMMUTABLE, EXISTS])
    found = await preflight(server, change, sync)
    assert ([each.change.action for each in found.predictions], found.failures) == ([Action.REPLACE], ())
    assert server.operations == ["apply (dry run) a", "create (dry run) a"]


def invalid(message: str, reason: str = "FieldValueInvalid") -> Handler:
    """Refuse an update as the validation of a kind does, in words of its own."""
    cause = {"reason": reason, "message": message, "field": "spec.class"}
    return status(422, "Invalid", details={"causes": [cause]})


DENIED = 'admission webhook "guard.example.com" denied the request: '
WORDS = (
    "Forbidden: may not be changed in an update.",
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
    'Invalid value: "object": die Klasse darf nicht mehr geändert werden',
    'Invalid value: "object": cannot change roleRef',
)


@pytest.mark.parametrize("words", WORDS)
async def test_a_field_is_immutable_by_what_an_update_and_a_creation_are_told_whatever_the_words(
    words: str,
) -> None:
    server = ApiServer(held("a"), answers=[invalid(words), EXISTS])
    found = await preflight(server, applied(Action.UPDATE, "a", force="Enabled"), SYNC)
    assert ([each.change.action for each in found.predictions], found.failures) == ([Action.REPLACE], ())

    server = ApiServer(held("a"), answers=[invalid(words), EXISTS])
    found = await preflight(server, applied(Action.UPDATE, "a"), SYNC)
    assert [each.reason for each in found.failures] == ["ImmutableField"]
    assert words in found.failures[0].message


async def test_what_is_merely_invalid_keeps_the_object_and_is_told_once() -> None:
    wrong = invalid('Invalid value: "x": must be one of gold, silver')
    server = ApiServer(held("a"), answers=[wrong, wrong])
    found = await preflight(server, applied(Action.UPDATE, "a", force="Enabled"), FORCED)
    assert ([each.reason for each in found.failures], found.predictions) == (["Invalid"], ())


@pytest.mark.parametrize("code", [400, 403, 409, 422, 500])
async def test_a_webhook_that_guards_a_field_gives_way_to_the_annotation_of_the_object_alone(
    code: int,
) -> None:
    denied = status(code, "Forbidden", message=f"{DENIED}class is fixed")
    server = ApiServer(held("a"), answers=[denied, EXISTS])
    found = await preflight(server, applied(Action.UPDATE, "a", force="Enabled"), SYNC)
    assert [each.change.action for each in found.predictions] == [Action.REPLACE]

    server = ApiServer(held("a"), answers=[denied, EXISTS])
    found = await preflight(server, applied(Action.UPDATE, "a"), FORCED)
    assert [each.reason for each in found.failures] == ["AdmissionDenied"]
    assert server.operations == ["apply (dry run) a"]


@pytest.mark.parametrize(
    "refused",
    [
        status(403, "Forbidden", message='User "towline" cannot patch resource "configmaps" in API group ""'),
        status(403, "Forbidden", message='configmaps "a" is forbidden: exceeded quota: most'),
        status(
            422, "Invalid", details={"causes": [{"field": "metadata.uid", "message": "uid", "reason": ""}]}
        ),
    ],
    ids=["rights", "quota", "another object"],
)
async def test_rights_quotas_and_conflicts_never_delete_anything(refused: Handler) -> None:
    server = ApiServer(held("a"), answers=[refused, EXISTS])
    found = await preflight(server, applied(Action.UPDATE, "a", force="Enabled"), FORCED)
    assert found.predictions == ()
    assert server.operations == ["apply (dry run) a"]


async def test_a_value_that_another_holds_in_the_same_list_is_invalid_and_not_immutable() -> None:
    server = ApiServer(held("a"), answers=[invalid('Duplicate value: "http"', "FieldValueDuplicate"), EXISTS])
    found = await preflight(server, applied(Action.REPAIR, "a"), FORCED)
    assert ([each.reason for each in found.failures], found.predictions) == (["Invalid"], ())
    assert server.operations == ["apply (dry run) a"]


async def test_nothing_is_replaced_that_nobody_asked_for() -> None:
    found = await preflight(ApiServer(held("a"), answers=[IMMUTABLE]), applied(Action.UPDATE, "a"), SYNC)
    assert [each.reason for each in found.failures] == ["ImmutableField"]


async def test_what_holds_data_is_never_replaced() -> None:
    kind = "PersistentVolumeClaim"
    server = ApiServer(held("a", kind), answers=[IMMUTABLE])
    found = await preflight(server, applied(Action.UPDATE, "a", kind), FORCED)
    assert [each.reason for each in found.failures] == ["ImmutableField"]
    assert server.operations == ["apply (dry run) a"]


async def test_what_is_not_ours_yet_is_never_replaced() -> None:
    server = ApiServer(strangers("a"), answers=[IMMUTABLE])
    found = await preflight(server, applied(Action.ADOPT, "a"), FORCED)
    assert [each.reason for each in found.failures] == ["ImmutableField"]


async def test_an_object_that_could_not_come_back_stays_and_both_refusals_are_told() -> None:
    server = ApiServer(held("a"), answers=[IMMUTABLE, status(403, "Forbidden")])
    found = await preflight(server, applied(Action.UPDATE, "a"), FORCED)
    assert sorted(each.reason for each in found.failures) == ["Forbidden", "ImmutableField"]
    assert found.predictions == ()


async def test_another_refusal_replaces_nothing() -> None:
    server = ApiServer(held("a"), answers=[status(403, "Forbidden")])
    found = await preflight(server, applied(Action.UPDATE, "a"), FORCED)
    assert [each.reason for each in found.failures] == ["Forbidden"]


async def test_a_replacement_deletes_the_object_that_was_seen_and_then_creates_it() -> None:
    server = ApiServer(held("a"), answers=[IMMUTABLE, EXISTS])
    async with opened(server) as door:
        found = await door.writer.preflight([applied(Action.UPDATE, "a")], FORCED)
        del server.writes[:]
        removed = server.objects.copy()
        server.objects.clear()
        result = await door.writer.write(found.predictions, FORCED)
    assert removed
    assert [each.result for each in result.outcomes] == [Result.DONE]
    assert server.operations == ["delete a", "apply a"]
    assert server.writes[0].body["preconditions"] == {"uid": "uid-a", "resourceVersion": "7"}
