"""What a cluster serves is read from the documents that its API server publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import Result

from tests.kube.api_of_bodies import ApiOfBodies, command

KIND = {"group": "example.com", "version": "v1", "kind": "Widget"}
POST = {"post": {"x-kubernetes-group-version-kind": KIND}}
ROOT = "/apis/example.com/v1"
DOCUMENT = {
    "paths": {
        f"{ROOT}/widgets": POST,
        f"{ROOT}/namespaces/{{namespace}}/widgets": POST,
        f"{ROOT}/namespaces/{{namespace}}/widgets/{{name}}/status": POST,
    },
    "components": {
        "schemas": {
            "com.example.v1.Widget": {
                "type": "object",
                "x-kubernetes-group-version-kind": [KIND],
                "properties": {
                    "metadata": {"allOf": [{"$ref": "#/components/schemas/ObjectMeta"}]},
                    "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
                },
            }
        }
    },
}
WIDGET = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a, namespace: shop}\nspec: {sise: 1}\n"
JOB = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, namespace: blog}\nspec: {template: {}}\n"
SHOP = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
NAMESPACES = "/api/v1/namespaces"


def api(minor: str = "37", *, forbidden: tuple[str, ...] = ()) -> ApiOfBodies:
    texts: dict[str, Any] = {
        "/version": {"major": "1", "minor": minor},
        "/openapi/v3": {
            "paths": {"api/v1": {}, "apis/apps/v1": {}, "apis/example.com/v1": {}, "apis/gone.example/v1": {}}
        },
        "/openapi/v3/apis/example.com/v1": DOCUMENT,
    }
    return ApiOfBodies(
        SHOP, forbidden=forbidden, texts={path: json.dumps(each) for path, each in texts.items()}
    )


async def checked(server: ApiOfBodies, folder: Path) -> Result:
    deploy = folder / "deploy"
    deploy.mkdir(exist_ok=True)
    (deploy / "widget.yaml").write_text(WIDGET)
    (deploy / "job.yaml").write_text(JOB)
    return await command(server, folder, "check", str(deploy), "-o", "json", "--context", "here")


def findings(result: Result) -> list[tuple[str, str]]:
    return [(each["rule"], each["field"]) for each in json.loads(result.stdout)["findings"]]


async def test_kinds_schemas_and_namespaces_are_those_of_the_cluster(tmp_path: Path) -> None:
    told = await checked(api(), tmp_path)
    assert findings(told) == [
        ("UnknownKind", "/kind"),
        ("NamespaceNotFound", "/metadata/namespace"),
        ("UnknownField", "/spec/sise"),
    ]
    assert (told.exit_code, told.stderr) == (1, "")


async def test_what_the_user_may_not_list_and_a_version_without_schemas_are_named(tmp_path: Path) -> None:
    told = await checked(api("99+", forbidden=(NAMESPACES,)), tmp_path)
    assert "the cluster is Kubernetes 1.99: its own kinds are checked as those of 1.37" in told.stderr
    assert "namespaces of the cluster are not known: you may not list namespaces" in told.stderr
    assert ("NamespaceNotFound", "/metadata/namespace") in findings(told)


async def test_a_cluster_that_gives_no_answer_is_no_good_news(tmp_path: Path) -> None:
    told = await checked(ApiOfBodies(), tmp_path)
    assert (told.exit_code, told.stdout) == (2, "")
