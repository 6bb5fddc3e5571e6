from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from towline.model import CURRENT, Health, Live, Manifest, ObjectRef, Origin, State
from towline.status.survey import HealthSummary, Surveys

WAITS = Health(State.IN_PROGRESS, "0 of 3 replicas are available")
FAILED = Health(State.FAILED, "the Job failed")


def ref(name: str) -> ObjectRef:
    return ObjectRef("apps", "Deployment", "shop", name)


def manifest(name: str) -> Manifest:
    return Manifest(
        ref=ref(name),
        api_version="apps/v1",
        content=b"{}",
        digest="d",
        origin=Origin(f"deploy/{name}.yaml", 3),
    )


def live(name: str, health: Health, written_at: str = "2026-01-01T00:00:00Z") -> Live:
    return Live(
        ref=ref(name),
        uid=f"u-{name}",
        resource_version="1",
        generation=1,
        label="shop.app",
        owner="",
        digest="d",
        commit="4f2a91c0",
        source=f"deploy/{name}.yaml",
        manager="",
        fields=b"",
        entry_time=written_at,
        terminating=False,
        prune_disabled=False,
        health=health,
    )


def look(*found: Live, declared: str = "abcdef") -> HealthSummary:
    return Surveys().survey(by_ref(declared), {each.ref: each for each in found}, 300.0)


def by_ref(names: str) -> dict[ObjectRef, Manifest]:
    return {ref(name): manifest(name) for name in names}


def test_what_is_declared_and_exists_is_counted() -> None:
    found = look(live("a", CURRENT), live("b", WAITS), live("undeclared", FAILED))
    assert (found.total, found.ready, found.failed, found.well) == (2, 1, 0, False)


def test_what_is_declared_and_not_there_is_counted_apart() -> None:
    found = look(live("a", CURRENT), live("b", CURRENT))
    assert (found.missing, found.well, found.complete) == (4, True, False)
    left_alone = replace(manifest("b"), directives={"towline.dev/drift": "Ignore"})
    assert Surveys().survey({left_alone.ref: left_alone}, {}, 300.0).complete
    whole = look(live("a", CURRENT), declared="a")
    assert (whole.missing, whole.well, whole.complete) == (0, True, True)


def test_a_repository_whose_objects_are_all_current_is_well() -> None:
    assert look(live("a", CURRENT), live("b", CURRENT)).well
    assert look().well


def test_what_has_failed_is_named_first_and_three_are_named_at_most() -> None:
    found = look(*(live(name, WAITS) for name in "abcd"), live("e", FAILED))
    assert [each.ref.name for each in found.first] == ["e", "a", "b"]
    assert found.failed == 1


def test_what_ails_is_named_with_its_file_line_and_commit() -> None:
    (first,) = look(live("a", WAITS)).first
    assert (first.file, first.line, first.commit, first.health) == ("deploy/a.yaml", 3, "4f2a91c0", WAITS)


def test_the_latest_write_to_what_is_not_current_counts() -> None:
    found = look(
        live("a", WAITS, "2026-01-01T00:00:05Z"),
        live("b", WAITS, "2026-01-01T00:00:09Z"),
        live("c", CURRENT, "2026-01-01T00:00:59Z"),
    )
    assert found.written_at == "2026-01-01T00:00:09Z"


def test_an_object_that_is_being_deleted_is_not_current() -> None:
    leaving = live("a", Health(State.TERMINATING, "is being deleted"))._replace(terminating=True)
    assert not look(leaving).well


states = st.sampled_from([None, CURRENT, WAITS, FAILED])
worlds = st.lists(
    st.tuples(st.sets(st.sampled_from("abcdef")), st.fixed_dictionaries(dict.fromkeys("abcdef", states))),
    min_size=2,
    max_size=5,
)


@given(worlds=worlds, done=st.sets(st.sampled_from("abcdef")))
def test_a_later_survey_says_what_a_first_one_would(
    worlds: list[tuple[set[str], dict[str, Health | None]]], done: set[str]
) -> None:
    surveys = Surveys()
    manifests = by_ref("abcdef")
    objects: dict[ObjectRef, Live] = {}
    ran = {str(ref(name)): "d" for name in done}
    for names, healths in worlds:
        declared = {each: one for each, one in manifests.items() if each.name in names}
        for name, health in healths.items():
            before = objects.get(ref(name))
            if health and (before is None or before.health != health):
                objects = {**objects, ref(name): live(name, health)}
            elif health is None and before:
                objects = {each: one for each, one in objects.items() if each.name != name}
        found = surveys.survey(declared, objects, 300.0, ran)
        assert found == Surveys().survey(declared, objects, 300.0, ran)
