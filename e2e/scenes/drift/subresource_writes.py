"""Others write an object's status or scale."""

from __future__ import annotations

from e2e.harness.cluster import Object
from e2e.scenes.drift.other_writers import Thing

SCALE = "scale"


def a_status_patch(thing: Thing) -> None:
    thing.merge({"status": {"observedGeneration": 1}}, subresource="status")


def a_scale_put(thing: Thing) -> None:
    thing.put(_scaled(thing, _more(thing)), subresource=SCALE)


def a_scale_patch(thing: Thing) -> None:
    thing.merge({"spec": {"replicas": _more(thing)}}, subresource=SCALE)


def a_scale_apply(thing: Thing) -> None:
    scale: Object = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": _more(thing)}}
    thing.apply(scale, subresource=SCALE)


def a_scale_to_the_same(thing: Thing) -> None:
    thing.put(_scaled(thing, thing.body["spec"]["replicas"]), subresource=SCALE)


def _more(thing: Thing) -> int:
    return int(thing.body["spec"]["replicas"]) + 1


def _scaled(thing: Thing, replicas: int) -> Object:
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": thing.name, "namespace": thing.namespace},
        "spec": {"replicas": replicas},
    }
