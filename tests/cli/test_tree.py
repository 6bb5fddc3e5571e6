"""`towline tree`: what a repository has in the cluster, and who wrote it where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from towline.api import labels

from e2e.harness import gitrepo
from tests.cli import documented
from tests.cli.test_get import BROKEN, DAYS_AGO, HEALTHY, repository
from tests.kube.api_of_bodies import ApiOfBodies, command

SHA = "1a2b3c4" + "0" * 33
KINDS = [{"group": "", "kind": "ConfigMap"}, {"group": "apps", "kind": "Deployment"}]
SHOP: dict[str, Any] = repository("shop", HEALTHY)
SHOP["status"]["kinds"] = KINDS


def made(kind: str, name: str, owner: str = "", **more: Any) -> dict[str, Any]:
    version = "v1" if kind == "Pod" else "apps/v1"
    metadata = {"namespace": "shop", "name": name, "uid": f"uid-{name}", "generation": 1}
    metadata["creationTimestamp"] = DAYS_AGO
    owners = {"ownerReferences": [{"uid": owner, "controller": True}]} if owner else {}
    return {"apiVersion": version, "kind": kind, "metadata": metadata | owners, **more}


def declared(kind: str, name: str, **more: Any) -> dict[str, Any]:
    group = {"Deployment": "apps/v1"}.get(kind, "v1")
    named = f"{kind}.apps" if kind == "Deployment" else kind
    notes = {
        labels.OWNER: f"uid-shop:{named}/shop/{name}:stamp",
        labels.COMMIT: SHA,
        labels.SOURCE: f"shop/{name}.yaml",
    }
    metadata = {
        "namespace": "shop",
        "name": name,
        "uid": f"uid-{name}",
        "generation": 1,
        "creationTimestamp": DAYS_AGO,
        "labels": {labels.REPOSITORY_LABEL: "shop.shop"},
        "annotations": notes,
    }
    return {"apiVersion": group, "kind": kind, "metadata": metadata, **more}


CRASHING = {
    "phase": "Running",
    "containerStatuses": [
        {
            "name": "web",
            "image": "registry.example/web:1.4",
            "ready": False,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        }
    ],
}
AVAILABLE = {
    "observedGeneration": 1,
    "replicas": 1,
    "updatedReplicas": 1,
    "availableReplicas": 1,
    "readyReplicas": 1,
    "conditions": [{"type": "Available", "status": "True"}],
}
WAITING = {**AVAILABLE, "availableReplicas": 0, "readyReplicas": 0}
WEB = declared("Deployment", "web", spec={"replicas": 1}, status=WAITING)
WELL = declared("Deployment", "web", spec={"replicas": 1}, status=AVAILABLE)
RECORD = {
    "apiVersion": "towline.dev/v1alpha1",
    "kind": "SyncRecord",
    "metadata": {"namespace": "shop", "name": "shop-12345678-00000001", "uid": "uid-record"},
    "spec": {
        "repository": {"namespace": "shop", "name": "shop", "uid": "uid-shop"},
        "sequence": 1,
        "trigger": "Commit",
        "to": SHA,
        "commits": [],
        "changes": [
            {
                "object": "ConfigMap/shop/settings",
                "action": "create",
                "file": "shop/settings.yaml",
                "line": 1,
                "commit": SHA,
            },
            {
                "object": "Deployment.apps/shop/web",
                "action": "create",
                "file": "shop/web.yaml",
                "line": 14,
                "commit": SHA,
            },
        ],
        "operator": "towline/1",
        "startedAt": DAYS_AGO,
        "digestVersion": 1,
    },
}
SETTINGS = declared("ConfigMap", "settings")
ALL = (
    SHOP,
    RECORD,
    SETTINGS,
    WEB,
    made(
        "ReplicaSet",
        "web-5d9",
        "uid-web",
        spec={"replicas": 1},
        status={"observedGeneration": 1, "replicas": 1},
    ),
    made(
        "ReplicaSet",
        "web-old",
        "uid-web",
        spec={"replicas": 0},
        status={"observedGeneration": 1, "replicas": 0},
    ),
    made("Pod", "web-5d9-x7k", "uid-web-5d9", spec={}, status=CRASHING),
    made("Pod", "stranger", "uid-else", spec={}, status=CRASHING),
)


async def test_the_tree_is_drawn_as_the_page_shows(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(*ALL), tmp_path, "tree", "shop")
    assert ended.stdout == documented.output("towline tree shop")
    assert ended.exit_code == 1, "a pod crashes"
    assert ended.stderr == ""


async def test_the_json_form_holds_all_that_is_drawn(tmp_path: Path) -> None:
    ended = await command(ApiOfBodies(*ALL), tmp_path, "tree", "shop", "-o", "json")
    web, settings = json.loads(ended.stdout)["objects"]
    assert settings == {
        "object": "ConfigMap/shop/settings",
        "state": "Applied",
        "health": "Ready",
        "message": "",
        "commit": SHA,
        "author": "Ada",
        "file": "shop/settings.yaml",
        "line": 1,
        "createdAt": DAYS_AGO,
        "wave": 2,
        "children": [],
    }
    assert [child["object"] for child in web["children"]] == [
        "ReplicaSet.apps/shop/web-5d9",
        "ReplicaSet.apps/shop/web-old",
    ]
    assert web["children"][0]["children"][0]["health"] == "Failed"


async def test_waves_need_no_pods_and_good_objects_are_good(tmp_path: Path) -> None:
    api = ApiOfBodies(SHOP, RECORD, SETTINGS, WELL)
    ended = await command(api, tmp_path, "tree", "shop", "--by", "waves")
    assert [line.split()[0:2] for line in ended.stdout.splitlines() if line.startswith("wave")] == [
        ["wave", "2"],
        ["wave", "5"],
    ]
    assert ended.exit_code == 0
    assert not [path for path in api.asked if "pods" in path]


async def test_who_may_read_one_namespace_gets_its_objects_and_is_told_what_is_missing(
    tmp_path: Path,
) -> None:
    elsewhere = declared("ConfigMap", "settings")
    elsewhere["metadata"]["namespace"] = "elsewhere"
    api = ApiOfBodies(*ALL, elsewhere, forbidden=("/api/v1/configmaps", "/api/v1/namespaces/shop/pods"))
    ended = await command(api, tmp_path, "tree", "shop")
    assert ended.exit_code == 2
    assert "you may not list configmaps in all namespaces: these are those in shop" in ended.stderr
    assert "you may not list pods in namespace shop" in ended.stderr
    assert ended.stdout.count("settings") == 2, "its name and its file"


async def test_a_clone_says_who_wrote_an_object_and_where_without_any_record(tmp_path: Path) -> None:
    repo = gitrepo.create(tmp_path / "shop.git")
    one = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: %s}\n"
    two = f"{one % 'first'}---\n{one % 'settings'}"
    sha = repo.commit({"shop/settings.yaml": two}, author=gitrepo.BOB)
    settings = declared("ConfigMap", "settings")
    settings["metadata"]["annotations"][labels.COMMIT] = sha
    arguments = ("tree", "shop", "--repo", str(repo.path), "-o", "json")
    ended = await command(ApiOfBodies(SHOP, settings), tmp_path, *arguments)
    (found,) = json.loads(ended.stdout)["objects"]
    assert (found["author"], found["line"]) == ("Bob Builder", 5)


async def test_a_repository_without_objects_is_told_with_the_reason(tmp_path: Path) -> None:
    broken = repository("shop", {**HEALTHY, "Ready": BROKEN})
    ended = await command(ApiOfBodies(broken), tmp_path, "tree", "shop")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert f"shop has no objects in the cluster: {BROKEN['message']}" in ended.stderr
    empty = await command(ApiOfBodies(repository("shop", HEALTHY)), tmp_path, "tree", "shop")
    assert empty.exit_code == 0
