"""Which value that only one object may have a refusal is about."""

from __future__ import annotations

from typing import Any

import pytest
from towline.apply import single_values
from towline.apply.single_values import SingleValue
from towline.model import ObjectRef

TAKEN = (
    'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30777: provided port is already allocated'
)
SERVICE = ObjectRef("", "Service", "team", "b")


def service(*node_ports: int, **spec: Any) -> dict[str, Any]:
    ports = [{"name": f"p{at}", "port": 80 + at, "nodePort": port} for at, port in enumerate(node_ports)]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "b"},
        "spec": {"ports": ports, **spec},
    }


def site(host: str, **more: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "site", "annotations": {"example.com/host": host}},
        "data": more,
    }


def test_a_node_port_is_found_in_whatever_port_of_the_other_service() -> None:
    found = single_values.shared(TAKEN, ["/spec/ports/0/nodePort"], service(30777), service(30001, 30777))
    assert found == (SingleValue(path="/spec/ports/0/nodePort", value=30777),)
    assert found[0].name == "node port 30777"
    assert found[0].is_picked_by_server


def test_all_node_ports_that_both_declare_are_meant_although_one_alone_is_named() -> None:
    found = single_values.shared(
        TAKEN, ["/spec/ports/0/nodePort"], service(30777, 30778), service(30778, 30777)
    )
    assert [each.value for each in found] == [30777, 30778]


def test_a_refusal_about_something_else_is_about_no_such_value() -> None:
    words = "spec.ports[0].nodePort: Invalid value: 99: must be in the range 30000-32767"
    assert single_values.shared(words, ["/spec/ports/0/nodePort"], service(30777), service(30777)) == ()


def test_what_the_other_object_does_not_have_is_not_meant() -> None:
    assert single_values.shared(TAKEN, ["/spec/ports/0/nodePort"], service(30777), service(30778)) == ()


def test_the_health_check_node_port_is_known_by_its_value_as_no_field_is_named() -> None:
    words = "failed to allocate requested HealthCheck NodePort 30777: provided port is already allocated"
    ours, theirs = service(30001, healthCheckNodePort=30777), service(30001, healthCheckNodePort=30777)
    assert [each.path for each in single_values.shared(words, [""], ours, theirs)] == [
        "/spec/healthCheckNodePort"
    ]


@pytest.mark.parametrize(
    "words",
    [
        "host shop.example is already taken",
        "ValidatingAdmissionPolicy 'one' with binding 'one' denied request: the host must be unique",
    ],
)
def test_what_a_policy_allows_once_is_known_by_the_value_or_by_the_name_of_the_field(words: str) -> None:
    found = single_values.shared(words, [], site("shop.example", a="1"), site("shop.example", a="1"))
    assert [each.path for each in found] == ["/metadata/annotations/example.com~1host"]


def test_a_word_that_only_contains_the_value_does_not_name_it() -> None:
    assert single_values.shared("the number 307771 is taken", [], service(30777), service(30777)) == ()


def test_the_identity_of_an_object_and_our_own_annotations_are_no_such_value() -> None:
    stamped = site("x.example")
    stamped["metadata"]["annotations"] = {"towline.dev/commit": "abcdef"}
    assert single_values.shared("abcdef of site is already taken", [], stamped, stamped) == ()


def test_a_dry_run_does_not_tell_that_cluster_addresses_are_taken() -> None:
    declared = service(30777, clusterIP="10.0.0.7", clusterIPs=["10.0.0.7"])
    words = single_values.unseen_by_dry_runs(SERVICE, declared)
    found = single_values.shared(
        words, [], declared, service(30001, clusterIP="10.0.0.7", clusterIPs=["10.0.0.7"])
    )
    assert [each.path for each in found] == ["/spec/clusterIP", "/spec/clusterIPs/0"]
    assert [single_values.removable(each.path) for each in found] == ["/spec/clusterIP", "/spec/clusterIPs"]


@pytest.mark.parametrize("address", [None, "", "None"])
def test_a_service_that_asks_for_no_address_takes_none(address: str | None) -> None:
    assert single_values.unseen_by_dry_runs(SERVICE, service(30777, clusterIP=address)) == ""


def test_an_object_holds_a_value_wherever_in_a_list_it_is() -> None:
    value = SingleValue(path="/spec/ports/0/nodePort", value=30777)
    assert value.is_held(service(30001, 30777))
    assert not value.is_held(service(30001))
