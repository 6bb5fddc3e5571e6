"""A watch that lags behind Towline's own writes, for longer than anybody waits for an echo, tells nothing new."""

from __future__ import annotations

import asyncio

import pytest
from towline.live.own_writes import DOUBT_SECONDS, ECHO_SECONDS, Echoes, Seen
from towline.model import Live, ObjectRef

from tests.plan.strategies import live

REF = ObjectRef("", "ConfigMap", "shop", "settings")


def at(version: int | str, uid: str = "u1") -> Live:
    return live(REF)._replace(resource_version=str(version), uid=uid)


def told(version: int | str, uid: str = "u1") -> Seen:
    return Seen(REF, uid, at(version, uid))


def gone(uid: str = "u1") -> Seen:
    return Seen(REF, uid, None)


async def judged(*events: Seen, before: Live | None, after: Live | None) -> list[Seen]:
    """Return what is judged when these events come long after the answer to a write."""
    heard: list[Seen] = []
    echoes = Echoes(heard.append)
    echoes.expect(REF, before, after)
    later = asyncio.get_running_loop().time() + 4 * DOUBT_SECONDS
    for each in events:
        echoes.give_up(later)
        echoes.deliver(each)
        echoes.give_up(later)
    echoes.close()
    return heard


@pytest.mark.parametrize(
    ("before", "after", "events", "judged_versions"),
    [
        (at(90), at(100), [told(80), told(90), told(95)], []),
        (at(90), at(100), [told(95), told(100), told(101)], ["100", "101"]),
        (at(90), at(100), [told(95), told(120)], ["120"]),
        (None, at(100, "u2"), [told(80), gone(), told(100, "u2")], ["100"]),
        (at(90), None, [told(80), told(90), gone()], [""]),
        (at(90), None, [told(85), told(110, "u2")], ["110"]),
    ],
    ids=["older", "echo", "newer", "made anew", "deleted", "made by another after our deletion"],
)
async def test_states_from_before_a_write_are_never_taken_for_news(
    before: Live | None, after: Live | None, events: list[Seen], judged_versions: list[str]
) -> None:
    heard = await judged(*events, before=before, after=after)
    assert [each.live.resource_version if each.live else "" for each in heard] == judged_versions


async def test_an_event_that_may_be_newer_is_believed_after_some_seconds() -> None:
    assert await judged(gone(), before=at(90), after=at(100)) == [gone()._replace(uid="")]
    assert await judged(told("xyz"), before=at("abc"), after=at("def")) == [told("xyz")._replace(uid="")]


async def test_an_echo_that_never_comes_is_given_up() -> None:
    heard: list[Seen] = []
    echoes = Echoes(heard.append)
    echoes.expect(REF, at(90), at(100))
    echoes.give_up(asyncio.get_running_loop().time() + 2 * ECHO_SECONDS)
    echoes.deliver(told(95))
    echoes.close()
    assert heard == [told(95)]
