"""Which nulls are sent, and where the API server filled one in."""

from __future__ import annotations

import time
from typing import Any

import pytest
from towline.fields import nulls

Json = dict[str, Any]


def deployment(**container: Any) -> Json:
    pod = {"containers": [{"name": "main", **container}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": pod}},
    }


def widget(**spec: Any) -> Json:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": spec}


@pytest.mark.parametrize(
    "body",
    [
        deployment(command=None, args=["a", None], env=[{"name": "A", "value": None}], ports=None),
        widget(text=None, items=[{"name": None, "protocol": None}], map={"a": None}),
    ],
)
def test_a_null_in_a_spec_is_sent(body: Json) -> None:
    assert nulls.settled(body) == body


def test_the_null_key_of_a_list_item_is_not_sent_of_a_built_in_kind() -> None:
    ports = [{"containerPort": 80, "protocol": None, "name": None, "hostIP": None}]
    settled = nulls.settled(deployment(ports=ports))
    assert settled == deployment(ports=[{"containerPort": 80, "hostIP": None}])


def test_a_crd_is_sent_with_every_null_of_its_defaults() -> None:
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "a"},
        "spec": {"versions": [{"schema": {"default": [{"name": None}]}}]},
    }
    assert nulls.settled(body) == body


@pytest.mark.parametrize(
    ("want", "have", "found"),
    [
        (widget(a=None), widget(), []),
        (widget(a=None), widget(a=None), []),
        (widget(a=None), widget(a=0), ["/spec/a"]),
        (widget(**{"a/b": None}), widget(**{"a/b": "x"}), ["/spec/a~1b"]),
        (deployment(command=None), deployment(command=["x"]), ["/spec/template/spec/containers/0/command"]),
        (widget(a=[None]), widget(a=["x"]), []),
        (widget(a={"b": None}), widget(a="x"), []),
    ],
)
def test_a_null_that_was_filled_in_is_named(want: Json, have: Json, found: list[str]) -> None:
    assert [each.declared for each in nulls.filled(want, have)] == found


def test_where_others_have_put_an_item_first_both_places_are_named() -> None:
    want = widget(parts=[{"name": "first", "value": None}])
    have = widget(parts=[{"name": "theirs"}, {"name": "first", "value": "x"}])
    assert list(nulls.filled(want, have)) == [("/spec/parts/0/value", "/spec/parts/1/value")]


def test_the_price_of_a_long_list_grows_with_its_length_not_with_its_square() -> None:
    def seconds(count: int) -> float:
        want = widget(items=[{"name": f"n{number}", "value": None} for number in range(count)])
        have = widget(items=[{"name": f"n{number}", "value": 1} for number in reversed(range(count))])
        times = []
        for _ in range(3):
            start = time.process_time()
            assert len(list(nulls.filled(want, have))) == count
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(4000) < 3 * seconds(2000)
