"""What is applied to a Service so that the API server picks another node port for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from towline.api import labels
from towline.apply.letting_go import set_aside
from towline.apply.prediction import HandOver, Prediction
from towline.model import Action, Change, ObjectRef

from tests.apply.apiserver import SYNC

REF = ObjectRef("", "Service", "team", "web")


def service(digest: str, *ports: dict[str, Any]) -> dict[str, Any]:
    stamps = {labels.DIGEST: digest, labels.COMMIT: digest, "example.com/colour": digest}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "team", "annotations": stamps},
        "spec": {"type": "NodePort", "ports": list(ports)},
    }


def test_its_port_has_another_name_and_no_node_port_and_the_others_stay() -> None:
    ports = ({"port": 80, "nodePort": 30002}, {"name": "tls", "port": 443, "nodePort": 30003})
    moved = HandOver(givers=frozenset(), turn=1, aside=("/spec/ports/0/nodePort",))
    found = Prediction(
        change=Change(action=Action.UPDATE, ref=REF),
        sync=SYNC,
        bound=service("new", *ports),
        before=service("old"),
        hand_over=moved,
    )

    body = set_aside(found)

    assert body["spec"]["ports"] == [{"name": "moving-0", "port": 80}, ports[1]]
    assert found.body["spec"]["ports"][0] == {"port": 80, "nodePort": 30002}


def test_it_keeps_the_stamps_of_what_it_was_so_that_it_is_never_taken_for_done() -> None:
    found = Prediction(
        change=Change(action=Action.UPDATE, ref=REF),
        sync=SYNC,
        bound=service("new"),
        before=service("old"),
        hand_over=HandOver(givers=frozenset(), turn=1),
    )

    notes = set_aside(found)["metadata"]["annotations"]

    assert notes == {labels.DIGEST: "old", labels.COMMIT: "old", "example.com/colour": "new"}
    assert set_aside(replace(found, before=None))["metadata"]["annotations"] == {"example.com/colour": "new"}
