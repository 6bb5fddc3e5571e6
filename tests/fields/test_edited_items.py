"""Which items of a keyed list a repair takes off: what a person left in place of ours, and nothing else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from towline.fields import edited_items

OURS = "towline:shop/app"


def entry(manager: str, tree: dict[str, Any], operation: str = "Update", time: str = "t1") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": tree}


def keyed(**keys: Any) -> str:
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def containers(*names: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name, "image": "one"} for name in names]}}


def held(*names: str) -> dict[str, Any]:
    items: dict[str, Any] = {keyed(name=name): {".": {}, "f:name": {}, "f:image": {}} for name in names}
    return {"f:spec": {"f:containers": items}}


def live(body: dict[str, Any], *entries: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {"managedFields": list(entries)}}


def paths(sent: dict[str, Any], found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.path, each.instead) for each in edited_items.left(sent, found, OURS)]


@pytest.mark.parametrize(
    "tool",
    ["kubectl-edit", "kubectl-patch", "kubectl-replace", "kubectl-client-side-apply", "kubectl", "dashboard"],
)
def test_what_a_persons_tool_left_where_ours_is_missing_goes(tool: str) -> None:
    found = live(containers("renamed"), entry(OURS, {"f:spec": {}}, "Apply"), entry(tool, held("renamed")))
    assert paths(containers("app"), found) == [("/spec/containers/0", "/spec/containers/0")]


@pytest.mark.parametrize(
    ("manager", "operation"),
    [
        ("sidecar-injector", "Update"),
        ("kube-controller-manager", "Update"),
        ("kubectl", "Apply"),
        ("rival", "Apply"),
    ],
)
def test_what_controllers_and_appliers_add_stays(manager: str, operation: str) -> None:
    theirs = entry(manager, held("sidecar"), operation)
    found = live(containers("sidecar"), entry(OURS, {"f:spec": {}}, "Apply"), theirs)
    assert paths(containers("app"), found) == []


def test_what_a_person_adds_while_all_of_ours_is_there_stays() -> None:
    found = live(
        containers("app", "debug"), entry(OURS, held("app"), "Apply"), entry("kubectl-edit", held("debug"))
    )
    assert paths(containers("app"), found) == []


def test_an_item_that_a_controller_holds_too_stays() -> None:
    found = live(
        containers("renamed"),
        entry(OURS, {"f:spec": {}}, "Apply"),
        entry("kubectl-edit", held("renamed")),
        entry("injector", held("renamed")),
    )
    assert paths(containers("app"), found) == []


def test_of_several_items_each_takes_the_place_of_the_one_it_is_most_like() -> None:
    sent = {
        "spec": {
            "ports": [
                {"name": "http", "port": 80, "targetPort": 8080},
                {"name": "metrics", "port": 90, "targetPort": 9090},
            ]
        }
    }
    edited = {
        "spec": {
            "ports": [
                {"name": "metrics", "port": 91, "targetPort": 9090, "protocol": "TCP"},
                {"name": "http", "port": 81, "targetPort": 8080, "protocol": "TCP", "nodePort": 30777},
            ]
        }
    }
    items: dict[str, Any] = {keyed(port=port, protocol="TCP"): {".": {}, "f:port": {}} for port in (81, 91)}
    found = live(
        edited,
        entry(OURS, {"f:spec": {"f:type": {}}}, "Apply"),
        entry("kubectl-edit", {"f:spec": {"f:ports": items}}),
    )
    assert paths(sent, found) == [("/spec/ports/0", "/spec/ports/1"), ("/spec/ports/1", "/spec/ports/0")]
    kept = edited_items.keeping_assigned(sent, edited_items.left(sent, found, OURS))
    assert kept
    assert [each.get("nodePort") for each in kept["spec"]["ports"]] == [30777, None]
    assert "nodePort" not in sent["spec"]["ports"][0]


def test_a_protocol_that_is_left_to_its_default_is_part_of_the_key() -> None:
    sent = {"spec": {"ports": [{"name": "dns", "port": 53}]}}
    edited = {"spec": {"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}}
    theirs: dict[str, Any] = {
        "f:spec": {"f:ports": {keyed(port=53, protocol="UDP"): {".": {}, "f:protocol": {}}}}
    }
    found = live(edited, entry(OURS, {"f:spec": {}}, "Apply"), entry("kubectl-patch", theirs))
    assert paths(sent, found) == [("/spec/ports/0", "/spec/ports/0")]


def test_an_item_inside_an_item_of_ours_is_found_too() -> None:
    def app(name: str) -> dict[str, Any]:
        return {"spec": {"containers": [{"name": "app", "env": [{"name": name, "value": "1"}]}]}}

    def env(name: str) -> dict[str, Any]:
        below: dict[str, Any] = {keyed(name=name): {".": {}, "f:name": {}, "f:value": {}}}
        return {"f:spec": {"f:containers": {keyed(name="app"): {"f:env": below}}}}

    ours: dict[str, Any] = {"f:spec": {"f:containers": {keyed(name="app"): {".": {}, "f:name": {}}}}}
    found = live(app("B"), entry(OURS, ours, "Apply"), entry("kubectl-edit", env("B")))
    assert paths(app("A"), found) == [("/spec/containers/0/env/0", "/spec/containers/0/env/0")]


def test_claiming_leaves_nothing_of_an_item_to_others_and_nothing_empty() -> None:
    found = live(
        containers("renamed"),
        entry(OURS, {"f:spec": {"f:replicas": {}}}, "Apply"),
        entry("kubectl-edit", held("renamed")),
    )
    claimed = edited_items.claimed(found, edited_items.left(containers("app"), found, OURS), OURS)
    (only,) = claimed
    assert only["manager"] == OURS
    assert only["fieldsV1"] == {
        "f:spec": {"f:replicas": {}, "f:containers": {keyed(name="renamed"): {".": {}}}}
    }


def test_forged_depth_adds_nothing() -> None:
    tree: dict[str, Any] = {}
    for _ in range(5000):
        tree = {"f:spec": tree}
    sent = containers("app")
    assert edited_items.left(sent, live(sent, entry("kubectl-edit", tree)), OURS) == ()


def test_what_only_one_object_can_hold_is_left_out_of_the_dry_run_of_a_creation() -> None:
    sent = {
        "kind": "Service",
        "spec": {"clusterIP": "10.0.0.7", "type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]},
    }
    assert edited_items.unallocated(sent) == {
        "kind": "Service",
        "spec": {"type": "NodePort", "ports": [{"port": 80}]},
    }
    other = {"kind": "Shop", "spec": {"clusterIP": "10.0.0.7", "ports": [{"nodePort": 1}]}}
    assert edited_items.unallocated(other) == other


def test_a_part_of_the_key_that_git_leaves_out_is_told_with_what_the_api_server_fills_in() -> None:
    sent = {"spec": {"ports": [{"name": "dns", "port": 53}]}}
    edited = {"spec": {"ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}}
    theirs: dict[str, Any] = {"f:spec": {"f:ports": {keyed(port=53, protocol="UDP"): {".": {}}}}}
    (found,) = edited_items.left(
        sent, live(edited, entry(OURS, {"f:spec": {}}, "Apply"), entry("kubectl-patch", theirs)), OURS
    )
    assert list(edited_items.defaulted_keys(sent, found)) == [("/spec/ports/0/protocol", "UDP", "TCP")]
