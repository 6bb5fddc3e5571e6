"""Which field of a workload a sentence about its Pods is about."""

from __future__ import annotations

from typing import Any

import pytest
from towline.health import pod

SPEC = {
    "initContainers": [{"name": "first", "image": "setup:1"}],
    "containers": [{"name": "web", "image": "shop/web:1"}, {"name": "log", "image": "log:2"}],
}
WORKLOAD: dict[str, Any] = {"kind": "Deployment", "spec": {"template": {"spec": SPEC}}}

SAID = {
    "cannot pull log:2 (ImagePullBackOff)": "/spec/template/spec/containers/1/image",
    "container web: CrashLoopBackOff: exit code 1 (image shop/web:1)": "/spec/template/spec/containers/0/image",
    "cannot pull setup:1 (ErrImagePull) (0 of 3 replicas are available)": "/spec/template/spec/initContainers/0/image",
    "cannot pull other/shop/web:1 (ErrImagePull)": "",
    "0 of 3 replicas are available": "",
}


@pytest.mark.parametrize("said", SAID)
def test_a_sentence_names_the_container_whose_image_it_mentions(said: str) -> None:
    assert pod.image_field(WORKLOAD, said) == SAID[said]


def test_the_image_of_a_pod_is_in_the_pod_itself() -> None:
    assert (
        pod.image_field({"kind": "Pod", "spec": SPEC}, "cannot pull log:2 (x)") == "/spec/containers/1/image"
    )


def test_what_has_no_containers_has_no_image() -> None:
    assert pod.image_field({"kind": "Job", "spec": {"template": "odd"}}, "cannot pull log:2 (x)") == ""
