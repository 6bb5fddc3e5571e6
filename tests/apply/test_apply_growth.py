"""Thousands of refused changes of one commit cost what they are: twice as many take twice the work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from towline.apply.causes import Causes
from towline.model import Action, Change, ObjectRef, Origin
from towline.plan import quotas, waves
from towline.plan.manifest import declare

from tests.growth import Work, calls

SECURITY = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged'
GRANT = 'User "towline" cannot create resource "pods" in API group ""'


def change(ref: ObjectRef, wave: int = 0, **content: object) -> Change:
    body = {"apiVersion": "v1", "kind": ref.kind, "metadata": {"name": ref.name}, **content}
    manifest = declare(body, ref, "d", Origin("a.yaml", 1))
    return Change(action=Action.CREATE, ref=ref, manifest=manifest, wave=wave)


def config_maps(count: int) -> list[Change]:
    return [change(ObjectRef("", "ConfigMap", "team", f"c{number}")) for number in range(count)]


def refused_pods(count: int) -> Work:
    plan = [change(ObjectRef("", "Namespace", "", "team")), *config_maps(count)]

    def work() -> object:
        causes = Causes(plan)
        return [causes.of(SECURITY, each) for each in plan[1:]]

    return work


def missing_grants(count: int) -> Work:
    roles = [
        change(ObjectRef("rbac.authorization.k8s.io", "Role", "team", f"r{number}"))
        for number in range(count)
    ]

    def work() -> object:
        causes = Causes(roles)
        return {id(causes.of(GRANT, each)) for each in config_maps(count)}

    return work


def refusals_in_many_waves(count: int) -> Work:
    waiting = [
        change(ObjectRef("", "ConfigMap", "team", f"c{number}"), wave=number * 1000)
        for number in range(count)
    ]
    causes = {each.ref: frozenset({ObjectRef("", "Namespace", "", "team")}) for each in waiting}
    return lambda: waves.places(waiting, causes)


def crowded_quotas(count: int) -> Work:
    held = [
        {
            "metadata": {"namespace": "team", "name": f"q{number}"},
            "status": {"hard": {"configmaps": "5000"}, "used": {"configmaps": "0"}},
        }
        for number in range(count)
    ]
    return lambda: quotas.exceeded(config_maps(count), {}, held, "c0ffee")


def crowded_pod(count: int) -> Work:
    containers = [{"resources": {"requests": {f"example.com/r{number}": "1"}}} for number in range(count)]
    pods = [change(ObjectRef("", "Pod", "team", "p"), spec={"containers": containers})]
    quota = {
        "metadata": {"namespace": "team", "name": "q"},
        "status": {"hard": {"pods": "1"}, "used": {"pods": "0"}},
    }
    return lambda: quotas.exceeded(pods, {}, [quota], "c0ffee")


@pytest.mark.parametrize(
    "shape",
    [refused_pods, missing_grants, refusals_in_many_waves, crowded_quotas, crowded_pod],
    ids=lambda shape: shape.__name__,
)
def test_four_times_as_many_take_four_times_the_work(shape: Callable[[int], Work]) -> None:
    assert calls(shape(1200)) <= 6 * calls(shape(300))


def test_thousands_of_refusals_of_one_cause_share_its_name() -> None:
    assert len(missing_grants(500)()) == 1  # type: ignore[arg-type]  # a set of identities


@pytest.mark.parametrize("letter", ["a", "AdmissionPolicy", "is forbidden: ", "\n", 'webhook "'])
def test_a_refusal_that_quotes_a_very_long_value_is_read_at_once(letter: str) -> None:
    """A pattern that begins anew at each letter would take minutes, and hold up everything meanwhile."""
    refused = change(ObjectRef("", "ConfigMap", "team", "c"))
    assert Causes([refused]).of(letter * 300_000, refused) == frozenset()
