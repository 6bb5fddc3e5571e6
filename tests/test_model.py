from __future__ import annotations

import pytest
from towline.model import ObjectRef


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("Deployment.apps/shop/web", ObjectRef("apps", "Deployment", "shop", "web")),
        ("ConfigMap/shop/settings", ObjectRef("", "ConfigMap", "shop", "settings")),
        (
            "ClusterRole.rbac.authorization.k8s.io/towline",
            ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", "towline"),
        ),
    ],
)
def test_an_object_is_read_as_it_is_written(text: str, ref: ObjectRef) -> None:
    assert ObjectRef.parse(text) == ref
    assert str(ref) == text


@pytest.mark.parametrize(
    "text", ["", "Deployment.apps", "/web", "Deployment.apps//web", "a/b/c/d", "ConfigMap/"]
)
def test_what_names_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not Kind\.group/namespace/name"):
        ObjectRef.parse(text)
