"""What a cluster is asked on behalf of a user, and what the user is told when there is no answer."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from towline.api.gitrepository import RESOURCE
from towline.model import Key
from towline.read.cluster import Cluster
from towline.read.read_errors import AbsentError, NotAllowedError

from tests.kube.loopback import Server, served

CORE = {
    "items": [
        {
            "metadata": {"name": ""},
            "versions": [
                {
                    "version": "v1",
                    "resources": [
                        {
                            "resource": "configmaps",
                            "singularResource": "configmap",
                            "shortNames": ["cm"],
                            "responseKind": {"kind": "ConfigMap"},
                            "scope": "Namespaced",
                            "verbs": ["get", "list"],
                        }
                    ],
                }
            ],
        }
    ]
}


class Api:
    """Answers by path; paths without an answer are a 404 about an object."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = {"/api": CORE, "/apis": {"items": []}, **answers}

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        found = self.answers.get(request.path)
        if isinstance(found, web.Response):
            return found
        if found is None:
            details = {"kind": request.path.split("/")[-2]}
            return web.json_response({"kind": "Status", "code": 404, "details": details}, status=404)
        return web.json_response(found)


def forbidden(message: str) -> web.Response:
    body = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": message}
    return web.json_response(body, status=403)


def repository(name: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": name, "uid": f"uid-{name}"}}


async def test_repositories_are_read_in_one_namespace_or_in_all() -> None:
    one, two = repository("one"), repository("two")
    api = Api(
        {
            RESOURCE.path("shop"): {"metadata": {}, "items": [one]},
            RESOURCE.path(): {"metadata": {}, "items": [one, two]},
        }
    )
    async with served(Server(api)) as client:
        cluster = Cluster(client, "shop")
        assert [each.key for each in await cluster.repositories("shop")] == [Key("shop", "one")]
        assert [each.key.name for each in await cluster.repositories("")] == ["one", "two"]


async def test_what_the_user_may_not_read_is_named() -> None:
    api = Api({RESOURCE.path(): forbidden('User "jane" cannot list resource "gitrepositories"')})
    async with served(Server(api)) as client:
        with pytest.raises(NotAllowedError) as refused:
            await Cluster(client, "shop").repositories("")
    assert refused.value.what == "list gitrepositories.towline.dev in all namespaces"
    assert 'User "jane" cannot list' in refused.value.message


async def test_an_api_server_without_towline_is_told_apart_from_one_without_repositories() -> None:
    api = Api({RESOURCE.path(): web.Response(status=404, text="404 page not found")})
    async with served(Server(api)) as client:
        with pytest.raises(AbsentError, match="is Towline installed there"):
            await Cluster(client, "shop").repositories("")


async def test_a_repository_that_does_not_exist_is_told_with_its_namespace() -> None:
    async with served(Server(Api({}))) as client:
        with pytest.raises(AbsentError, match='no GitRepository "blog" in namespace shop: check the name'):
            await Cluster(client, "shop").repository("blog")


async def test_an_object_is_found_by_the_short_name_of_its_kind_in_the_namespace_of_the_context() -> None:
    found = {"metadata": {"namespace": "shop", "name": "settings"}}
    api = Api({"/api/v1/namespaces/shop/configmaps/settings": found})
    async with served(Server(api)) as client:
        live = await Cluster(client, "shop").live("cm/settings")
    assert str(live.ref) == "ConfigMap/shop/settings"


async def test_a_kind_that_is_not_served_is_told_with_what_looks_like_it() -> None:
    async with served(Server(Api({}))) as client:
        with pytest.raises(AbsentError, match=r'no kind "confmap": did you mean configmaps\?'):
            await Cluster(client, "shop").live("confmap/settings")
