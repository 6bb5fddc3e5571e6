"""Each leaf of an object has the commit that `git blame` names for the newest of its lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from towline.render.sops import keyring
from towline.render.variables.substitution import Substitution
from towline.render.variables.treatment import Treatment

from e2e.harness import gitrepo
from e2e.harness.gitrepo import ALICE, BOB, Repo
from e2e.scenes import sops_files
from tests.read.provenance.blaming import MANAGER, OWNER, blamed, disagreeing

WEB = """\
apiVersion: v1
kind: Service
metadata:
  name: other
spec:
  ports:
  - port: 1
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: web
        image: web:1
        env:
        - name: A
          value: "1"
        resources: &small
          limits:
            cpu: 100m
            memory: 64Mi
      - name: side
        image: side:1
        resources:
          <<: *small
"""
DEPLOYMENT = "Deployment.apps/shop/web"
CONTAINERS = "/spec/template/spec/containers"


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    moments = iter(range(1_700_000_000, 1_800_000_000, 60))
    return gitrepo.create(tmp_path / "shop.git", clock=lambda: float(next(moments)))


async def test_a_field_of_a_document_among_others_has_the_commit_author_and_pull_request_of_its_line(
    repo: Repo,
) -> None:
    first = repo.commit({"apps/web.yaml": WEB})
    second = repo.commit(
        {"apps/web.yaml": WEB.replace("replicas: 2", "replicas: 3")}, message="Scale (#12)", author=BOB
    )
    found = await blamed(repo, second, DEPLOYMENT, source="apps/web.yaml")
    assert found["/spec/replicas"] == {
        "pointer": "/spec/replicas",
        "value": 3,
        "owner": OWNER,
        "file": "apps/web.yaml",
        "line": 15,
        "commit": second,
        "author": "Bob Builder",
        "date": found["/spec/replicas"]["date"],
        "pullRequest": "#12",
        "via": [],
        "certainty": "exact",
    }
    image = found[f"{CONTAINERS}/0/image"]
    assert (image["commit"], image["author"], image["line"]) == (first, "Alice Author", 20)
    assert found["/metadata/name"]["line"] == 12
    assert disagreeing(repo, second, found) == []


async def test_a_list_item_is_found_by_its_key_wherever_others_have_put_it(repo: Repo) -> None:
    repo.commit({"web.yaml": WEB})
    second = repo.commit({"web.yaml": WEB.replace("side:1", "side:2")}, author=BOB)

    def injected(live: dict[str, Any]) -> None:
        live["spec"]["template"]["spec"]["containers"].insert(0, {"name": "proxy", "image": "proxy:1"})
        fields = live["metadata"]["managedFields"][0]["fieldsV1"]
        own: dict[str, Any] = {f'k:{{"name":"{name}"}}': {} for name in ("web", "side")}
        fields["f:spec"] = {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": own}}}
        proxy: dict[str, Any] = {'k:{"name":"proxy"}': {}}
        live["metadata"]["managedFields"].append(
            {
                "manager": "injector",
                "operation": "Update",
                "time": "2026-11-02T10:00:00Z",
                "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": proxy}}}},
            }
        )

    found = await blamed(repo, second, DEPLOYMENT, edit=injected)
    proxy, side = found[f"{CONTAINERS}/0/image"], found[f"{CONTAINERS}/2/image"]
    assert (side["value"], side["commit"], side["line"]) == ("side:2", second, 29)
    assert (proxy["owner"], proxy["date"], proxy["file"]) == ("injector", "2026-11-02T10:00:00Z", None)
    assert disagreeing(repo, second, found) == []


async def test_what_a_merge_key_brings_has_the_newest_commit_of_anchor_and_merge_key(repo: Repo) -> None:
    without = WEB.replace("        resources:\n          <<: *small\n", "")
    first = repo.commit({"web.yaml": without})
    merged = repo.commit({"web.yaml": WEB}, author=BOB)
    found = await blamed(repo, merged, DEPLOYMENT)
    own, brought = (found[f"{CONTAINERS}/{at}/resources/limits/cpu"] for at in (0, 1))
    assert (own["commit"], own["line"]) == (first, 26)
    assert (brought["commit"], brought["author"], brought["line"]) == (merged, "Bob Builder", 31)
    raised = repo.commit({"web.yaml": WEB.replace("cpu: 100m", "cpu: 200m")})
    found = await blamed(repo, raised, DEPLOYMENT)
    changed = [found[f"{CONTAINERS}/{at}/resources/limits/cpu"] for at in (0, 1)]
    assert [(each["value"], each["commit"], each["line"]) for each in changed] == [("200m", raised, 26)] * 2
    assert disagreeing(repo, raised, found) == []


async def test_an_alias_of_a_text_has_the_newest_commit_of_both_places(repo: Repo) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata:\n  a: &one x\n  b: *one\n"
    repo.commit({"a.yaml": text})
    second = repo.commit({"a.yaml": text.replace("&one x", "&one y")}, author=BOB)
    found = await blamed(repo, second, "ConfigMap/shop/a")
    assert [(found[f"/data/{key}"]["commit"], found[f"/data/{key}"]["line"]) for key in "ab"] == [
        (second, 5),
        (second, 5),
    ]


async def test_a_text_of_several_lines_has_the_commit_and_the_line_that_changed_last(repo: Repo) -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"
        "data:\n  a: |\n    one\n    two\n    three\n  b: x\n"
    )
    first = repo.commit({"a.yaml": text})
    second = repo.commit({"a.yaml": text.replace("two", "2")}, author=BOB)
    found = await blamed(repo, second, "ConfigMap/shop/a")
    assert (found["/data/a"]["commit"], found["/data/a"]["line"]) == (second, 7)
    assert (found["/data/b"]["commit"], found["/data/b"]["line"]) == (first, 9)


async def test_a_renamed_file_keeps_the_commits_of_its_lines(repo: Repo) -> None:
    first = repo.commit({"old/web.yaml": WEB})
    repo.rename("old/web.yaml", "new/web.yaml")
    last = repo.commit({"new/web.yaml": WEB.replace("side:1", "side:2")}, author=BOB)
    found = await blamed(repo, last, DEPLOYMENT, source="old/web.yaml")
    replicas = found["/spec/replicas"]
    assert (replicas["file"], replicas["line"], replicas["commit"]) == ("new/web.yaml", 15, first)
    assert found[f"{CONTAINERS}/1/image"]["commit"] == last
    assert disagreeing(repo, last, found) == []


async def test_an_item_of_a_list_document_is_found_too(repo: Repo) -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a, namespace: shop}\n  data: {x: '1'}\n"
        "- metadata: {name: b, namespace: shop}\n  data:\n    x: '2'\n"
    )
    repo.commit({"list.yaml": text})
    second = repo.commit({"list.yaml": text.replace("x: '2'", "x: '3'")}, author=BOB)
    found = await blamed(repo, second, "ConfigMap/shop/b")
    assert (found["/data/x"]["value"], found["/data/x"]["commit"], found["/data/x"]["line"]) == (
        "3",
        second,
        8,
    )
    assert (found["/kind"]["owner"], found["/kind"]["certainty"]) == (OWNER, "file")


async def test_a_commit_of_a_merged_branch_has_the_pull_request_of_its_merge(repo: Repo) -> None:
    repo.commit({"web.yaml": WEB})
    repo.branch("scale")
    inner = repo.commit({"web.yaml": WEB.replace("replicas: 2", "replicas: 4")}, branch="scale", author=ALICE)
    merge = repo.merge_pull_request(7, "scale")
    found = await blamed(repo, merge, DEPLOYMENT)
    assert (found["/spec/replicas"]["commit"], found["/spec/replicas"]["pullRequest"]) == (inner, "#7")
    assert found["/metadata/name"]["pullRequest"] is None


async def test_a_drifted_field_is_that_of_the_other_manager_with_what_git_says(repo: Repo) -> None:
    first = repo.commit({"web.yaml": WEB})

    def scaled(live: dict[str, Any]) -> None:
        live["spec"]["replicas"] = 9
        own, *_ = live["metadata"]["managedFields"]
        own["fieldsV1"]["f:spec"] = {"f:template": {}}
        live["metadata"]["managedFields"].append(
            {
                "manager": "kubectl-edit",
                "operation": "Update",
                "time": "2026-11-02T10:00:00Z",
                "fieldsV1": {"f:spec": {"f:replicas": {}}},
            }
        )

    found = await blamed(repo, first, DEPLOYMENT, edit=scaled)
    replicas = found["/spec/replicas"]
    assert (replicas["value"], replicas["owner"], replicas["date"]) == (
        9,
        "kubectl-edit",
        "2026-11-02T10:00:00Z",
    )
    assert (replicas["commit"], replicas["file"], replicas["author"]) == (None, None, None)
    says = replicas["git"]
    assert (says["value"], says["commit"], says["file"], says["line"]) == (2, first, "web.yaml", 15)


async def test_stamps_defaults_and_admission_are_named_as_such(repo: Repo) -> None:
    first = repo.commit({"web.yaml": WEB})

    def filled(live: dict[str, Any]) -> None:
        live["metadata"]["labels"] = {"towline.dev/repository": "team.shop"}
        live["metadata"]["annotations"] = {"kubernetes.io/change-cause": "x", "towline.dev/owner": "y"}
        live["metadata"]["uid"] = "u"
        live["spec"]["replicas"] = 3
        template = live["spec"]["template"]["spec"]
        template["dnsPolicy"] = "ClusterFirst"
        owned = live["metadata"]["managedFields"][0]["fieldsV1"]
        owned["f:metadata"] = {"f:labels": {}, "f:annotations": {}}
        owned["f:spec"] = {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {}}}}

    found = await blamed(repo, first, DEPLOYMENT, edit=filled)
    assert {
        path: found[path]["owner"] for path in found if not path.startswith((CONTAINERS, "/apiVersion"))
    } == {
        "/kind": OWNER,
        "/metadata/name": OWNER,
        "/metadata/namespace": OWNER,
        "/metadata/labels/towline.dev~1repository": MANAGER,
        "/metadata/annotations/kubernetes.io~1change-cause": MANAGER,
        "/metadata/annotations/towline.dev~1owner": MANAGER,
        "/metadata/uid": "default",
        "/spec/replicas": "admission",
        "/spec/template/spec/dnsPolicy": "default",
    }


async def test_a_value_that_the_api_server_writes_otherwise_is_no_drift(repo: Repo) -> None:
    first = repo.commit({"web.yaml": WEB})

    def spelled(live: dict[str, Any]) -> None:
        live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "0.1"

    found = await blamed(repo, first, DEPLOYMENT, edit=spelled)
    cpu = found[f"{CONTAINERS}/0/resources/limits/cpu"]
    assert (cpu["value"], cpu["owner"], cpu["line"]) == ("0.1", OWNER, 26)


async def test_data_of_a_secret_written_as_text_has_its_lines_and_no_value_is_told(repo: Repo) -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\n"
        "data:\n  x: aGVsbG8=\nstringData:\n  z: letmein\n"
    )
    first = repo.commit({"a.yaml": text})

    def drifted(live: dict[str, Any]) -> None:
        live["data"]["x"] = "b3RoZXI="
        live["metadata"]["managedFields"][0]["fieldsV1"]["f:data"] = {"f:z": {}}

    found = await blamed(repo, first, "Secret/shop/a", edit=drifted)
    assert (found["/data/z"]["line"], found["/data/z"]["certainty"]) == (7, "exact")
    assert str(found["/data/x"]["git"]["value"]).startswith("***")


async def test_what_is_encrypted_has_its_lines_and_is_not_told(repo: Repo) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}
    text = sops_files.yaml_file({**body, "data": {"word": "correct-horse"}}, "^data$")
    first = repo.commit({"a.yaml": text})
    keys = keyring.keyring({"shop.agekey": sops_files.PRIVATE.encode()}, "a Secret")
    found = await blamed(repo, first, "ConfigMap/shop/a", treatment=Treatment(keys=keys))
    word = found["/data/word"]
    assert (word["owner"], word["line"], word["certainty"]) == (OWNER, 7, "exact")
    assert str(word["value"]).startswith("***")
    assert disagreeing(repo, first, found) == []


async def test_a_name_with_a_variable_is_found(repo: Repo) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a-${STAGE}\n  namespace: shop\ndata: {x: y}\n"
    first = repo.commit({"a.yaml": text})
    treatment = Treatment(substitution=Substitution(values={"STAGE": "prod"}))
    found = await blamed(repo, first, "ConfigMap/shop/a-prod", treatment=treatment)
    assert (found["/metadata/name"]["line"], found["/data/x"]["line"]) == (4, 6)


async def test_a_namespace_of_the_spec_is_none_of_a_file(repo: Repo) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: y}\n"
    first = repo.commit({"a.yaml": text})
    found = await blamed(repo, first, "ConfigMap/elsewhere/a", defaultNamespace="elsewhere")
    assert (found["/metadata/namespace"]["owner"], found["/metadata/namespace"]["file"]) == (MANAGER, None)
    assert found["/data/x"]["line"] == 4


async def test_a_file_below_the_path_is_found_and_one_beside_it_is_not(repo: Repo) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {x: %s}\n"
    first = repo.commit({"prod/a.yaml": text % "prod", "test/a.yaml": text % "test"})
    found = await blamed(repo, first, "ConfigMap/shop/a", path="test")
    assert (found["/data/x"]["value"], found["/data/x"]["file"]) == ("test", "test/a.yaml")


async def test_json_files_have_lines_as_well(repo: Repo) -> None:
    text = (
        '{"apiVersion": "v1", "kind": "ConfigMap",\n "metadata": {"name": "a", "namespace": "shop"},\n'
        ' "data": {\n  "x": "1"}}\n'
    )
    repo.commit({"a.json": text})
    second = repo.commit({"a.json": text.replace('"x": "1"', '"x": "2"')}, author=BOB)
    found = await blamed(repo, second, "ConfigMap/shop/a")
    assert (found["/data/x"]["commit"], found["/data/x"]["line"]) == (second, 4)
    assert disagreeing(repo, second, found) == []
