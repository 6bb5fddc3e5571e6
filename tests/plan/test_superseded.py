"""What kustomize generated before stays until the workloads that use its successor are healthy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from towline.model import CURRENT, Action, Health, Live, Manifest, ObjectRef, Plan, State
from towline.plan.build import plan

from tests.plan.strategies import POLICY, SHA, entry, live, manifest

WEB = ObjectRef("apps", "Deployment", "shop", "web")
OLD = ObjectRef("", "ConfigMap", "shop", "settings-2bcdf4567h")
NEW = OLD._replace(name="settings-hk24mtg56f")
ROLLS_OUT = Health(State.IN_PROGRESS, "1 of 2 replicas are updated")
USER = manifest(WEB, NEW.name)


def as_declared(wanted: Manifest, health: Health = CURRENT) -> Live:
    return live(wanted.ref)._replace(digest=wanted.digest, fields=entry(wanted.body), health=health)


def planned(*found: Live, user: Manifest = USER) -> Plan:
    return plan((user, manifest(NEW)), {item.ref: item for item in (live(OLD), *found)}, POLICY, SHA)


def removed(found: Plan) -> list[ObjectRef]:
    return [change.ref for change in found.changes if change.action is Action.PRUNE]


def test_it_stays_while_its_user_is_to_be_written() -> None:
    found = planned()
    assert removed(found) == []
    assert [(one.ref, one.message) for one in found.gated] == [
        (OLD, "waits until Deployment shop/web is healthy")
    ]


@pytest.mark.parametrize("health", [ROLLS_OUT, Health(State.FAILED, "ProgressDeadlineExceeded")], ids=str)
def test_it_stays_while_its_user_rolls_out_or_fails(health: Health) -> None:
    assert removed(planned(as_declared(manifest(NEW)), as_declared(USER, health))) == []


def test_it_goes_when_its_user_is_healthy() -> None:
    found = planned(as_declared(manifest(NEW)), as_declared(USER))
    assert removed(found) == [OLD]
    assert found.gated == ()


def test_it_goes_where_nothing_uses_its_successor() -> None:
    assert removed(planned(user=manifest(WEB, "else"))) == [OLD]


def test_an_object_without_a_hash_waits_for_nobody() -> None:
    plain = live(ObjectRef("", "ConfigMap", "shop", "settings-notgenerated"))
    found = plan((USER, manifest(NEW)), {plain.ref: plain}, POLICY, SHA)
    assert removed(found) == [plain.ref]


def test_nothing_waits_once_the_commit_was_applied() -> None:
    found = plan((USER, manifest(NEW)), {OLD: live(OLD)}, replace(POLICY, gated=False), SHA)
    assert removed(found) == [OLD]
