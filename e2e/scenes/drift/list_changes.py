"""Others change, remove, add or reorder items of lists, and members of unions and atomic maps."""

from __future__ import annotations

from typing import Any

from e2e.harness.cluster import Object
from e2e.scenes.drift.kinds import THEIRS
from e2e.scenes.drift.other_writers import Thing, changed, patch_of, place

POD = "/spec/template/spec"
MAIN = f"{POD}/containers/0"


def a_container_removed(thing: Thing) -> None:
    thing.json_patch({"op": "remove", "path": f"{POD}/containers/1"})


def a_variable_removed(thing: Thing) -> None:
    thing.json_patch({"op": "remove", "path": f"{MAIN}/env/0"})


def a_container_port_removed(thing: Thing) -> None:
    thing.json_patch({"op": "remove", "path": f"{MAIN}/ports/0"})


def a_port_removed(thing: Thing) -> None:
    thing.json_patch({"op": "remove", "path": "/spec/ports/0"})


def a_part_removed(thing: Thing) -> None:
    thing.json_patch({"op": "remove", "path": "/spec/parts/0"})


def a_tag_removed(thing: Thing) -> None:
    thing.json_patch({"op": "remove", "path": "/spec/tags/0"})


def a_variable_changed(thing: Thing) -> None:
    _replace(thing, f"{MAIN}/env/0/value", THEIRS)


def a_quantity_changed(thing: Thing) -> None:
    _replace(thing, f"{MAIN}/resources/limits/cpu", "1001m")


def a_part_changed(thing: Thing) -> None:
    _replace(thing, "/spec/parts/0/value", THEIRS)


def a_quantity_spelt_otherwise(thing: Thing) -> None:
    _replace(thing, f"{MAIN}/resources/limits/memory", "1048576Ki")
    _replace(thing, f"{MAIN}/resources/limits/cpu", "1000m")


def a_selector_key_added(thing: Thing) -> None:
    thing.merge({"spec": {"selector": {"more": THEIRS}}})


def a_key_of_an_atomic_map_added(thing: Thing) -> None:
    thing.merge({"spec": {"limits": {"more": THEIRS}}})


def a_step_added(thing: Thing) -> None:
    thing.json_patch({"op": "add", "path": "/spec/steps/-", "value": THEIRS})


def another_selector_applied_under_our_name(thing: Thing) -> None:
    applied = changed(thing.declared(), ("spec", "selector", "more"), THEIRS)
    thing.apply(applied, manager=thing.ours)


def a_variable_that_names_its_source(thing: Thing) -> None:
    source = {"configMapKeyRef": {"name": THEIRS, "key": THEIRS}}
    _replace(thing, f"{MAIN}/env/0", {"name": "COLOUR", "valueFrom": source})


def a_strategy_that_rolls(thing: Thing) -> None:
    _replace(thing, "/spec/strategy", {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}})


def a_volume_of_the_host(thing: Thing) -> None:
    _replace(thing, f"{POD}/volumes/0", {"name": "work", "hostPath": {"path": f"/{THEIRS}"}})


def containers_reordered(thing: Thing) -> None:
    _reversed(thing, "spec", "template", "spec", "containers")


def variables_reordered(thing: Thing) -> None:
    _reversed(thing, "spec", "template", "spec", "containers", 0, "env")


def ports_reordered(thing: Thing) -> None:
    _reversed(thing, "spec", "ports")


def parts_reordered(thing: Thing) -> None:
    _reversed(thing, "spec", "parts")


def a_container_added(thing: Thing) -> None:
    _append(thing, f"{POD}/containers", {"name": "sidecar", "image": "registry.example/sidecar:1"})


def a_variable_added(thing: Thing) -> None:
    _append(thing, f"{MAIN}/env", {"name": "MORE", "value": "of it"})


def a_container_port_added(thing: Thing) -> None:
    _append(thing, f"{MAIN}/ports", {"name": "more", "containerPort": 9090})


def limits_added(thing: Thing) -> None:
    limits = {"limits": {"cpu": "1", "memory": "1Gi"}}
    thing.json_patch({"op": "add", "path": f"{POD}/containers/1/resources", "value": limits})


def a_privilege_added(thing: Thing) -> None:
    thing.json_patch({"op": "add", "path": f"{MAIN}/securityContext", "value": {"privileged": True}})


def a_volume_in_memory(thing: Thing) -> None:
    _replace(thing, f"{POD}/volumes/0/emptyDir", {"medium": "Memory"})


def a_part_added(thing: Thing) -> None:
    _append(thing, "/spec/parts", {"name": "third", "value": "3"})


def a_tag_added(thing: Thing) -> None:
    _append(thing, "/spec/tags", "strange")


def a_port_added(thing: Thing) -> None:
    _append(thing, "/spec/ports", {"name": "more", "port": 9090})


def a_load_balancer(thing: Thing) -> None:
    thing.merge({"spec": {"type": "LoadBalancer"}})


def an_external_name(thing: Thing) -> None:
    thing.merge({"spec": {"type": "ExternalName", "externalName": "elsewhere.example"}})


def _replace(thing: Thing, path: str, value: Any) -> None:
    thing.json_patch({"op": "replace", "path": path, "value": value})


def _append(thing: Thing, path: str, value: Any) -> None:
    thing.json_patch({"op": "add", "path": f"{path}/-", "value": value})


def _reversed(thing: Thing, *path: str | int) -> None:
    body: Object = thing.read()
    items = place(body, path)
    thing.merge(patch_of(changed(body, path, items[::-1]), path))
