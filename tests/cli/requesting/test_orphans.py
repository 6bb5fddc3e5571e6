"""`towline orphans`: it reports what nothing explains, and names what it could not look at."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from towline import text

from tests.cli import documented
from tests.kube.api_of_bodies import ApiOfBodies, command

DAYS_AGO = text.timestamp(datetime.now(UTC) - timedelta(days=9, hours=1))


def config_map(name: str, writer: str, label: str = "", namespace: str = "shop") -> dict[str, Any]:
    metadata = {
        "namespace": namespace,
        "name": name,
        "creationTimestamp": DAYS_AGO,
        "labels": {"towline.dev/repository": label} if label else {},
        "managedFields": [{"manager": writer, "operation": "Update"}],
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


FOUND = (
    config_map("old-settings", "towline:shop/blog", "shop.blog"),
    config_map("by-hand", "kubectl-create"),
    config_map("kube-root-ca.crt", "kube-controller-manager"),
    config_map("dns", "kubeadm", namespace="kube-system"),
)


async def test_what_nothing_explains_is_listed_as_the_page_shows(tmp_path: Path) -> None:
    api = ApiOfBodies(*FOUND)
    ended = await command(api, tmp_path, "orphans")
    assert (ended.stdout, ended.exit_code) == (documented.output("towline orphans"), 1)
    everywhere = await command(api, tmp_path, "orphans", "-A")
    assert everywhere.stdout == ended.stdout, "what is in kube-system is the cluster's own"
    named = await command(api, tmp_path, "orphans", "-o", "name")
    assert named.stdout == "configmap/by-hand\nconfigmap/old-settings\n"
    printed = json.loads((await command(api, tmp_path, "orphans", "-o", "json")).stdout)
    page = json.loads(documented.output("towline orphans -o json"))
    for each in (*printed["orphans"], *page["orphans"]):
        assert each.pop("createdAt")
    assert printed == page


async def test_where_everything_is_explained_nothing_is_listed(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(*FOUND[2:]), tmp_path, "orphans")
    assert (ended.stdout, ended.exit_code) == ("", 0)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/api/v1/namespaces/shop/pods", "list pods in namespace shop"),
        ("/apis/towline.dev/v1alpha1/gitrepositories", "list gitrepositories.towline.dev in all namespaces"),
    ],
)
async def test_what_may_not_be_listed_is_named_and_the_rest_is_shown(
    tmp_path: Path, path: str, named: str
) -> None:
    ended = await command(ApiOfBodies(*FOUND, forbidden=(path,)), tmp_path, "orphans")
    assert ended.exit_code == 2
    assert named in ended.stderr
    assert "ConfigMap/shop/by-hand" in ended.stdout


async def test_labels_do_not_choose_among_what_nothing_explains(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(), tmp_path, "orphans", "-l", "a=b")
    assert ended.exit_code == 2
