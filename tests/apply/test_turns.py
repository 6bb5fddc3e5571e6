"""In which turn objects take what others let go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from towline.apply import turns
from towline.model import ObjectRef

A, B, C, D = (ObjectRef("", "Service", "team", name) for name in "abcd")
NOBODY = frozenset[ObjectRef]()


def of(*refs: ObjectRef) -> frozenset[ObjectRef]:
    return frozenset(refs)


def test_a_giver_that_takes_nothing_itself_is_not_in_the_way() -> None:
    found = turns.arranged({A: of(D)}, NOBODY)
    assert (found.turn, found.aside, found.stuck) == ({A: 1}, NOBODY, NOBODY)


def test_a_chain_goes_from_its_end() -> None:
    found = turns.arranged({A: of(B), B: of(C), C: of(D)}, [A, B, C])
    assert (found.turn, found.aside) == ({C: 1, B: 2, A: 3}, NOBODY)


def test_of_a_swap_one_is_set_aside_and_takes_its_value_last() -> None:
    found = turns.arranged({A: of(B), B: of(A)}, [A, B])
    assert found.aside == of(A)
    assert found.turn[B] < found.turn[A]


def test_what_only_waits_for_a_circle_is_not_set_aside() -> None:
    found = turns.arranged({A: of(B), B: of(C), C: of(B)}, [A, B, C])
    assert found.aside == of(B)
    assert set(found.turn) == {A, B, C}


def test_a_circle_of_which_nobody_can_be_set_aside_is_stuck() -> None:
    found = turns.arranged({A: of(B), B: of(A), C: of(D)}, [C])
    assert (found.turn, found.stuck) == ({C: 1}, of(A, B))


GIVERS = st.dictionaries(
    st.sampled_from([A, B, C, D]), st.frozensets(st.sampled_from([A, B, C, D]), max_size=3), max_size=4
)


@given(givers=GIVERS)
def test_whoever_takes_comes_after_those_that_let_go_or_were_set_aside(
    givers: dict[ObjectRef, frozenset[ObjectRef]],
) -> None:
    waits = {ref: others - {ref} for ref, others in givers.items()}
    found = turns.arranged(waits, list(waits))
    assert found.turn.keys() == waits.keys()
    for ref, others in waits.items():
        for other in others & waits.keys():
            assert other in found.aside or found.turn[other] < found.turn[ref]
