"""Who has the next turn of hundreds that wait, found without looking at each of them."""

from __future__ import annotations

import random
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.model import Key
from towline.shares.behalf import OPERATOR
from towline.shares.holds import Holds, Share
from towline.shares.line import Line
from towline.shares.usage import REPOSITORY_SECONDS, Usage

SHARE = Share(limit=4, slow=2, quick_seconds=1.0)
AT_A_HOST = Share(limit=8, slow=4, quick_seconds=1.0, namespace=2)


def first(line: list[Key], holds: Holds, now: float) -> Key | None:
    """Return who is next by asking for each that waits: namespaces in turn, in each its repositories."""
    namespaces = dict.fromkeys(key.namespace for key in line)
    ordered = (key for namespace in namespaces for key in line if key.namespace == namespace)
    return next((key for key in ordered if holds.may(key, now)), None)


@given(
    seed=st.integers(0, 10**6),
    share=st.sampled_from([SHARE, AT_A_HOST, Share(limit=1, slow=1, quick_seconds=1.0)]),
    counts=st.booleans(),
)
def test_who_is_next_is_whom_asking_for_each_would_find(*, seed: int, share: Share, counts: bool) -> None:
    chance, now = random.Random(seed), 0.0  # noqa: S311  a history that can be played again
    usage = Usage(lambda: now)
    holds = Holds(share, usage if counts else None)
    held: list[int] = []
    for _ in range(40):
        now += chance.choice([0.0, 0.1, 1.0])
        if held and chance.random() < 0.4:
            holds.give(held.pop(chance.randrange(len(held))), now)
        if chance.random() < 0.2:
            usage.add(Key("n1", "a"), REPOSITORY_SECONDS / 2)
        waiting = [chance.choice([Key(f"n{chance.randrange(3)}", chance.choice("ab")), OPERATOR])]
        waiting += [Key(f"n{chance.randrange(3)}", chance.choice("ab")) for _ in range(chance.randrange(6))]
        line = Line[None]()
        for key in waiting:
            line.put(key, None)
        found, wanted = line.take(holds, now), first(waiting, holds, now)
        assert (found and found[0]) == wanted
        if wanted and chance.random() < 0.8:
            held.append(holds.take(wanted, now))


@pytest.mark.parametrize("namespaces", [5000, 1], ids=["a namespace each", "one namespace"])
@pytest.mark.parametrize("slow", [0, 1], ids=["nobody slow", "one slow"])
def test_how_many_wait_costs_nothing_while_every_place_is_taken(namespaces: int, slow: int) -> None:
    def asked(waiting: int) -> float:
        holds, line = Holds(AT_A_HOST), Line[None]()
        for number in range(slow):
            holds.take(Key(f"slow-{number}", "a"), 0.0)
        held = (f"n{number % namespaces}" for number in range(AT_A_HOST.limit - slow))
        for namespace in held:
            if holds.may(Key(namespace, "held"), 2.0):
                holds.take(Key(namespace, "held"), 2.0)
        for number in range(waiting):
            line.put(Key(f"n{number % namespaces}", f"r{number}"), None)
        assert line.take(holds, 2.5) is None
        return min(timeit.repeat(lambda: line.take(holds, 2.5), number=20, repeat=5))

    assert asked(5000) < 20 * asked(50)
