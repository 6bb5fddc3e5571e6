from __future__ import annotations

from typing import Any

import pytest
from towline.errors import ApiError, Cause
from towline.fields import unions

BOTH_VALUES = 'Invalid value: "": may not be specified when `value` is not empty'
TWO_VOLUMES = "Forbidden: may not specify more than 1 volume type"
NO_PARAMETERS = "Forbidden: may not be specified when strategy `type` is 'Recreate'"


def refusal(field: str, message: str, code: int = 422) -> ApiError:
    return ApiError(
        code, message, causes=(Cause(reason="FieldValueForbidden", message=message, field=field),)
    )


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "7"}, "spec": spec}


def patch(path: str, value: object) -> tuple[dict[str, object], ...]:
    return (
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "replace", "path": path, "value": value},
    )


def test_parameters_that_the_server_filled_in_go_with_the_strategy_that_had_them() -> None:
    before = pod(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}, replicas=3)
    declared = pod(strategy={"type": "Recreate"})

    found = unions.swaps(refusal("spec.strategy.rollingUpdate", NO_PARAMETERS), before, declared)

    assert found == patch("/spec/strategy", {"type": "Recreate"})


def test_an_item_is_found_by_its_name_wherever_git_declares_it() -> None:
    source = {"fieldRef": {"fieldPath": "metadata.name"}}
    before = pod(containers=[{"name": "side"}, {"name": "main", "env": [{"name": "A", "valueFrom": source}]}])
    declared = pod(containers=[{"name": "main", "env": [{"name": "B"}, {"name": "A", "value": "x"}]}])

    found = unions.swaps(refusal("spec.containers[1].env[0].valueFrom", BOTH_VALUES), before, declared)

    assert found == patch("/spec/containers/1/env/0", {"name": "A", "value": "x"})


def test_the_server_may_name_either_member() -> None:
    before = pod(volumes=[{"name": "v", "emptyDir": {}}])
    declared = pod(volumes=[{"name": "v", "hostPath": {"path": "/x"}}])

    found = unions.swaps(refusal("spec.volumes[0].hostPath", TWO_VOLUMES), before, declared)

    assert found == patch("/spec/volumes/0", {"name": "v", "hostPath": {"path": "/x"}})


@pytest.mark.parametrize(
    "error",
    [
        refusal("spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
        refusal("spec.strategy", "may not be specified when it rains"),
        refusal("replicas", "may not be specified when it rains"),
        refusal("spec.not.there.at.all", "may not be specified when it rains"),
        refusal("", "may not be specified when it rains"),
        refusal("spec.strategy.rollingUpdate", NO_PARAMETERS, code=403),
    ],
)
def test_other_refusals_replace_nothing(error: ApiError) -> None:
    before = pod(strategy={"type": "RollingUpdate", "rollingUpdate": {}}, replicas=3, paused=True)

    assert unions.swaps(error, before, pod(strategy={"type": "Recreate"}, replicas=-1)) == ()


def test_what_git_does_not_declare_is_not_replaced() -> None:
    before = pod(volumes=[{"name": "theirs", "emptyDir": {}, "hostPath": {"path": "/"}}])

    error = refusal("spec.volumes[0].hostPath", TWO_VOLUMES)

    assert unions.swaps(error, before, pod(volumes=[{"name": "ours", "emptyDir": {}}])) == ()
    assert unions.swaps(error, before, pod()) == ()


def test_a_parent_without_foreign_members_is_not_replaced() -> None:
    same = pod(volumes=[{"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}])

    assert unions.swaps(refusal("spec.volumes[0].hostPath", TWO_VOLUMES), same, same) == ()
