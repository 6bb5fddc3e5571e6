"""What a name was resolved to is remembered, and a person accepts exactly what moved."""

from __future__ import annotations

from towline.api import pins
from towline.api.pins import MovedPin, Pin
from towline.model import Key

GIT = Pin(name="https://h.example/org/repo", ref="v1", resolved="a" * 40)
CHART = Pin(
    name="https://h.example/charts/web", ref="1.2.3", resolved="https://h.example/web.tgz", digest="sha256:1"
)
MOVED = MovedPin(before=GIT, now=Pin(name=GIT.name, ref="v1", resolved="b" * 40))


def test_pins_are_stored_in_one_order_and_read_back() -> None:
    stored = pins.body((GIT, CHART))
    assert [each["name"] for each in stored] == [CHART.name, GIT.name]
    assert set(pins.parse({"pins": stored})) == {GIT, CHART}
    assert "digest" not in stored[1]
    assert pins.parse({}) == ()


def test_a_token_accepts_one_change_of_one_resource() -> None:
    back = MovedPin(before=MOVED.now, now=MOVED.before)
    tokens = {
        pins.token("u", (MOVED,)),
        pins.token("v", (MOVED,)),
        pins.token("u", (back,)),
        pins.token("u", ()),
    }
    assert len(tokens) == 4
    assert pins.token("u", (MOVED, back)) == pins.token("u", (back, MOVED))


def test_a_token_for_two_changes_accepts_the_one_that_is_seen_first() -> None:
    chart = MovedPin(before=CHART, now=Pin(name=CHART.name, ref="1.2.3", resolved="x", digest="sha256:2"))
    both = pins.token("u", (MOVED, chart))
    assert pins.is_accepted("u", (MOVED,), both)
    assert pins.is_accepted("u", (chart, MOVED), both)
    assert pins.is_accepted("u", (), "")
    assert not pins.is_accepted("u", (MOVED, chart), pins.token("u", (MOVED,)))
    assert not pins.is_accepted("v", (MOVED,), both)


def test_the_sentence_names_both_and_the_command_that_accepts() -> None:
    said = pins.sentence((MOVED,), "t0ken", Key("team", "shop"))
    assert f"tag v1 of https://h.example/org/repo was {'a' * 40} and is {'b' * 40} now" in said
    assert "kubectl annotate tgr/shop towline.dev/accept-pin=t0ken --overwrite -n team" in said
    newer = Pin(name=CHART.name, ref=CHART.ref, resolved=CHART.resolved, digest="sha256:2")
    said = pins.sentence((MovedPin(before=CHART, now=newer),), "t", Key("team", "shop"))
    assert "version 1.2.3 of https://h.example/charts/web was sha256:1 and is sha256:2 now" in said
    assert "so do 3 more" in pins.sentence((MOVED,) * 5, "t", Key("team", "shop"))
