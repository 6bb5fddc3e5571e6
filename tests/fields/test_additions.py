from __future__ import annotations

from typing import Any

import orjson
from towline.fields import additions
from towline.fields.additions import Addition

OURS = "towline:shop/app"
CONTAINER = 'k:{"name":"main"}'


def entry(manager: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "time": "t", "fieldsV1": fields, **more}


def containers(**fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "f:spec": {
            "f:containers": {CONTAINER: {".": {}, **{f"f:{name}": node for name, node in fields.items()}}}
        }
    }


def pod(container: dict[str, Any], *entries: dict[str, Any]) -> dict[str, Any]:
    ours = {**entry(OURS, containers(name={}, image={})), "operation": "Apply"}
    return {
        "metadata": {"name": "web", "managedFields": [ours, *entries]},
        "spec": {"containers": [{"name": "sidecar"}, {"name": "main", "image": "i", **container}]},
    }


def test_a_field_that_somebody_added_to_a_container_of_ours_is_found_with_its_place() -> None:
    theirs = entry("kubectl-patch", containers(securityContext={"f:privileged": {}}))
    body = pod({"securityContext": {"privileged": True}}, theirs)
    assert additions.has(body["metadata"]["managedFields"], OURS)
    (found,) = additions.additions(body, OURS)
    root = "/spec/containers/1/securityContext"
    assert found[:5] == Addition(root, f"{root}/privileged", value=True, by="kubectl-patch", at="t")[:5]
    assert additions.removal((found,)) == ({"op": "remove", "path": root},)


def test_what_somebody_added_to_a_map_that_we_declare_empty_is_found_and_the_map_stays() -> None:
    theirs = entry("kubectl-patch", containers(securityContext={"f:privileged": {}}))
    body = pod({"securityContext": {"privileged": True}}, theirs)
    body["metadata"]["managedFields"][0]["fieldsV1"] = containers(name={}, image={}, securityContext={})
    assert additions.has(body["metadata"]["managedFields"], OURS)
    (found,) = additions.additions(body, OURS)
    path = "/spec/containers/1/securityContext/privileged"
    assert found[:5] == Addition(path, path, value=True, by="kubectl-patch", at="t")[:5]


def test_what_is_nested_without_end_adds_nothing_and_hides_nothing() -> None:
    nested = orjson.loads(1000 * b'{"f:a":' + b"{}" + 1000 * b"}")
    body = pod({"tty": True}, entry("forger", containers(env=nested)), entry("kubectl", containers(tty={})))
    assert additions.has(body["metadata"]["managedFields"], OURS)
    assert [found.by for found in additions.additions(body, OURS)] == ["kubectl"]


def test_what_comes_back_after_it_was_taken_off_is_what_the_api_server_fills_in() -> None:
    made = {"imagePullPolicy": "Always", "tty": True, "resources": {}, "securityContext": {"runAsUser": 1}}
    held = containers(imagePullPolicy={}, tty={}, resources={}, securityContext={"f:runAsUser": {}})
    body = pod(made, entry("kubectl-create", held))
    found = additions.additions(body, OURS)
    assert all(each.updated for each in found)
    bare = pod({"imagePullPolicy": "IfNotPresent", "resources": {}})
    assert [each.path for each in additions.filled_in(found, bare)] == ["/spec/containers/1/resources"]


def test_what_another_manager_applies_is_no_leftover_of_an_update() -> None:
    theirs = {**entry("rival", containers(tty={})), "operation": "Apply"}
    (found,) = additions.additions(pod({"tty": True}, theirs), OURS)
    assert not found.updated


def test_a_sidecar_beside_our_container_is_nobodys_business() -> None:
    sidecar: dict[str, Any] = {"f:spec": {"f:containers": {'k:{"name":"sidecar"}': {".": {}, "f:name": {}}}}}
    body = pod({}, entry("istio", sidecar))
    assert not additions.has(body["metadata"]["managedFields"], OURS)
    assert additions.additions(body, OURS) == ()


def test_what_admission_added_to_our_own_write_is_ours() -> None:
    body = pod({"tty": True}, entry(OURS, containers(tty={})))
    assert additions.additions(body, OURS) == ()


def test_a_status_an_injected_bundle_and_what_we_hold_too_are_no_additions() -> None:
    body = pod(
        {"caBundle": "c"},
        entry("injector", containers(caBundle={}, image={})),
        entry("kubelet", containers(tty={}), subresource="status"),
    )
    assert additions.additions(body, OURS) == ()


def test_an_item_that_was_added_inside_our_item_is_one_addition() -> None:
    env: dict[str, Any] = {'k:{"name":"DEBUG"}': {".": {}, "f:name": {}, "f:value": {}}}
    theirs = entry("kubectl-edit", containers(env=env))
    body = pod({"env": [{"name": "DEBUG", "value": "1"}]}, theirs)
    (found,) = additions.additions(body, OURS)
    assert found.path == "/spec/containers/1/env/0"


def test_additions_are_taken_off_from_the_end() -> None:
    own = 'k:{"name":"OWN"}'
    env: dict[str, Any] = {f'k:{{"name":"V{number}"}}': {".": {}, "f:name": {}} for number in range(11)}
    names = [{"name": f"V{number}"} for number in range(11)]
    body = pod({"env": [*names, {"name": "OWN"}]}, entry("kubectl-edit", containers(env=env)))
    ours = containers(name={}, image={}, env={own: {".": {}, "f:name": {}}})
    body["metadata"]["managedFields"][0]["fieldsV1"] = ours
    patch = additions.removal(additions.additions(body, OURS))
    assert [each["path"].rpartition("/")[2] for each in patch] == [
        str(number) for number in range(10, -1, -1)
    ]


def test_a_map_that_nobody_but_others_hold_goes_as_a_whole() -> None:
    env: dict[str, Any] = {f'k:{{"name":"V{number}"}}': {".": {}, "f:name": {}} for number in range(3)}
    body = pod(
        {"env": [{"name": f"V{number}"} for number in range(3)]}, entry("kubectl-edit", containers(env=env))
    )
    found = additions.additions(body, OURS)
    assert len(found) == 3
    assert additions.removal(found) == ({"op": "remove", "path": "/spec/containers/1/env"},)
