"""Others declare what we declare, or add what we do not."""

from __future__ import annotations

from e2e.scenes.drift.kinds import encoded
from e2e.scenes.drift.other_writers import Thing, changed, patch_of

RIVAL = "rival"


def a_rival_that_agrees(thing: Thing) -> None:
    value = _value(thing)
    thing.apply(thing.kind.part(value), manager=RIVAL, force=False)


def a_rival_that_agreed_and_changes_it(thing: Thing) -> None:
    a_rival_that_agrees(thing)
    thing.apply(thing.kind.part(thing.kind.theirs), manager=RIVAL)


def a_rival_that_agreed_and_updates_it(thing: Thing) -> None:
    a_rival_that_agrees(thing)
    thing.merge(
        patch_of(changed(thing.read(), thing.kind.path, thing.kind.theirs), thing.kind.path), manager=RIVAL
    )


def a_foreign_annotation(thing: Thing) -> None:
    thing.merge({"metadata": {"annotations": {"example.com/note": "foreign"}}})


def a_foreign_label(thing: Thing) -> None:
    thing.merge({"metadata": {"labels": {"example.com/team": "foreign"}}})


def a_foreign_key(thing: Thing) -> None:
    value = encoded("foreign") if thing.kind.name == "Secret" else "foreign"
    thing.merge({"data": {"foreign": value}})


def a_foreign_owner(thing: Thing) -> None:
    account = thing.cluster.get("v1", "ServiceAccount", "default", thing.namespace)
    owner = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "default"}
    thing.merge({"metadata": {"ownerReferences": [{**owner, "uid": account["metadata"]["uid"]}]}})


def a_foreign_finalizer(thing: Thing) -> None:
    thing.merge({"metadata": {"finalizers": ["example.com/hold"]}})
    thing.merge({"metadata": {"finalizers": None}})


def notes_of_thirteen_managers(thing: Thing) -> None:
    for number in range(13):
        note = {f"example.com/note-{number}": "foreign"}
        thing.merge({"metadata": {"annotations": note}}, manager=f"manager-{number}")


def _value(thing: Thing) -> object:
    found: object = thing.body
    for step in thing.kind.path:
        found = found[step]  # type: ignore[index]  # it leads to what is declared
    return found
