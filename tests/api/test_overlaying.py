"""`spec.kustomize` is refused by field where nothing could come of it."""

from __future__ import annotations

from typing import Any

import pytest
from towline.api.overlaying import KustomizeOverlay, OverlayPatch
from towline.errors import Reason

from tests.api.test_gitrepository import refused, specify


def test_an_overlay_is_kept_in_the_words_of_kustomize() -> None:
    spec = specify(
        kustomize={
            "namePrefix": "a-",
            "labels": {"b": "2", "a": "1"},
            "images": [{"newTag": "1.2", "name": "nginx"}],
            "replicas": [{"name": "web", "count": 0}],
            "patches": [{"patch": "x", "target": {"kind": "Deployment"}}],
            "components": ["../debug"],
        },
        path="apps/shop",
    )
    assert spec.kustomize == KustomizeOverlay(
        name_prefix="a-",
        labels=(("a", "1"), ("b", "2")),
        images=((("name", "nginx"), ("newTag", "1.2")),),
        replicas=((("count", 0), ("name", "web")),),
        patches=(OverlayPatch(patch="x", target=(("kind", "Deployment"),)),),
        components=("../debug",),
    )


@pytest.mark.parametrize("nothing", [{}, {"images": [], "labels": {}}])
def test_an_overlay_that_changes_nothing_is_none(nothing: dict[str, Any]) -> None:
    assert specify(kustomize=nothing).kustomize is None


@pytest.mark.parametrize(
    ("kustomize", "said"),
    [
        ({"prefix": "a"}, "spec.kustomize.prefix: is not a field of a GitRepository"),
        ({"namePrefix": "A-"}, "spec.kustomize.namePrefix: must match "),
        ({"nameSuffix": "-"}, "spec.kustomize.nameSuffix: must match "),
        ({"namespace": "-a"}, "spec.kustomize.namespace: must match "),
        ({"labels": {"a": 1}}, "spec.kustomize.labels.a: must be a string"),
        ({"images": [{"newTag": "1"}]}, "spec.kustomize.images[0].name: is required"),
        ({"images": [{"name": "nginx", "newTag": 1.2}]}, "spec.kustomize.images[0].newTag: must be a string"),
        (
            {"images": [{"name": "nginx"}]},
            "spec.kustomize.images[0]: changes nothing: set newName, newTag or",
        ),
        ({"images": [{"name": "nginx", "digest": "abc"}]}, "spec.kustomize.images[0].digest: must match "),
        (
            {"replicas": [{"name": "web", "count": -1}]},
            "spec.kustomize.replicas[0].count: must be at least 0",
        ),
        ({"patches": [{"target": {"kind": "x"}}]}, "spec.kustomize.patches[0].patch: is required"),
        ({"patches": [{"patch": "x", "target": {}}]}, "spec.kustomize.patches[0].target: must not be empty"),
        ({"patches": [{"path": "x.yaml"}]}, "spec.kustomize.patches[0].patch: is required"),
        ({"components": ["/debug"]}, "spec.kustomize.components[0]: must be a path relative to spec.path"),
        ({"components": ["../../x"]}, "spec.kustomize.components[0]: leads out of the repository"),
        ({"components": ["a/../../../b"]}, "spec.kustomize.components[0]: leads out of the repository"),
        (
            {"components": ["https://e.x/y"]},
            "spec.kustomize.components[0]: must be a folder of the repository",
        ),
    ],
)
def test_a_field_that_is_wrong_is_named(kustomize: dict[str, Any], said: str) -> None:
    error = refused(kustomize=kustomize, path="apps")
    assert error.reason is Reason.INVALID_SPEC
    assert said in error.message
