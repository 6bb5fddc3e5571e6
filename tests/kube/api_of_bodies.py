"""A loopback API server that serves given objects, and the command line of a user of that server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from click.testing import CliRunner, Result
from towline.__main__ import main
from towline.cli.completion import SECONDS_VARIABLE

from tests.kube.loopback import Server, served

Body = Mapping[str, Any]


def resource(kind: str, plural: str, *aliases: str, namespaced: bool = True) -> Body:
    """Return one entry of discovery."""
    return {
        "resource": plural,
        "singularResource": kind.lower(),
        "shortNames": list(aliases),
        "responseKind": {"kind": kind},
        "scope": "Namespaced" if namespaced else "Cluster",
        "verbs": ["get", "list", "watch"],
    }


SERVED: Mapping[str, tuple[Body, ...]] = {
    "v1": (
        resource("ConfigMap", "configmaps", "cm"),
        resource("Pod", "pods", "po"),
        resource("Event", "events", "ev"),
        resource("Namespace", "namespaces", "ns", namespaced=False),
    ),
    "apps/v1": (resource("Deployment", "deployments", "deploy"), resource("ReplicaSet", "replicasets", "rs")),
    "batch/v1": (resource("Job", "jobs"),),
    "towline.dev/v1alpha1": (
        resource("GitRepository", "gitrepositories", "tgr"),
        resource("SyncRecord", "syncrecords", "syncrec"),
    ),
}


class ApiOfBodies:
    """Serves objects: each at its own path, and in the collections that hold it; a watch of them tells nothing.

    Args:
        objects: with apiVersion, kind and metadata.
        forbidden: paths of collections that the user may not list.
        texts: answers that are not JSON, by path.
    """

    def __init__(
        self, *objects: Body, forbidden: tuple[str, ...] = (), texts: Mapping[str, str] | None = None
    ) -> None:
        self.objects = objects
        self.forbidden = forbidden
        self.texts = texts or {}
        self.asked: list[str] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if request.path in {"/api", "/apis"}:
            return web.json_response({"items": self._groups(request.path)})
        if request.path in self.forbidden:
            return _status(403, 'User "jane" cannot do this', "Forbidden")
        if (text := self.texts.get(request.path)) is not None:
            return web.Response(text=text)
        if "watch" in request.query:
            return await _silence(request)
        return self._found(request)

    def _groups(self, path: str) -> list[Body]:
        return [
            {
                "metadata": {"name": version.rpartition("/")[0]},
                "versions": [{"version": version.rpartition("/")[2], "resources": list(kinds)}],
            }
            for version, kinds in SERVED.items()
            if ("/" in version) == (path == "/apis")
        ]

    def _found(self, request: web.Request) -> web.StreamResponse:
        for version, kinds in SERVED.items():
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for kind in kinds:
                held = [
                    each
                    for each in self.objects
                    if (each["apiVersion"], each["kind"]) == _named(version, kind)
                ]
                if (answer := self._of(root, kind, held, request)) is not None:
                    return answer
        return _status(404, "not found", "NotFound", request.path.split("/")[-2])

    def _of(self, root: str, kind: Body, held: list[Body], request: web.Request) -> web.StreamResponse | None:
        for each in held:
            metadata = each["metadata"]
            scope = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
            if request.path == f"{root}{scope}/{kind['resource']}/{metadata['name']}":
                return web.json_response(each)
        parts = request.path.removeprefix(root).split("/")
        if not request.path.startswith(f"{root}/") or parts[-1] != kind["resource"]:
            return None
        place = parts[2] if len(parts) == 4 else ""
        items = [
            each
            for each in held
            if place in {"", each["metadata"].get("namespace")} and _is_chosen(each, request)
        ]
        return web.json_response({"metadata": {"resourceVersion": "1"}, "items": items})


async def _silence(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.sleep(60)  # until the client goes
    return response


def _named(version: str, kind: Body) -> tuple[str, str]:
    return version, kind["responseKind"]["kind"]


def _is_chosen(body: Body, request: web.Request) -> bool:
    """Tell whether the selectors of labels and fields hold, as far as they are equalities."""
    labels = body["metadata"].get("labels") or {}
    for part in filter(None, request.query.get("labelSelector", "").split(",")):
        name, _, value = part.partition("=")
        if labels.get(name) != value:
            return False
    return all(
        str(_field(body, part.partition("=")[0])) == part.partition("=")[2]
        for part in filter(None, request.query.get("fieldSelector", "").split(","))
    )


def _field(body: Any, path: str) -> Any:
    for part in path.split("."):
        body = body.get(part, "") if isinstance(body, dict) else ""
    return body


def _status(code: int, message: str, reason: str, kind: str = "") -> web.Response:
    details = {"kind": kind} if kind else {}
    body = {"kind": "Status", "code": code, "message": message, "reason": reason, "details": details}
    return web.json_response(body, status=code)


async def command(api: ApiOfBodies, folder: Path, *arguments: str) -> Result:
    """Run one command of a user whose context is namespace `shop` of this server."""
    server = Server(api)
    async with served(server):
        environment = {"KUBECONFIG": kubeconfig(server, folder)}
        return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environment)


async def completed(api: ApiOfBodies, folder: Path, words: str) -> list[str]:
    """Return what bash offers that user behind these words, and what it is told besides."""
    server = Server(api)
    async with served(server):
        ended = await asyncio.to_thread(typed, words, kubeconfig(server, folder))
        return [line.removeprefix("plain,") for line in (ended.stdout + ended.stderr).split()]


def typed(words: str, kubeconfig: str, seconds: str = "60") -> subprocess.CompletedProcess[str]:
    """Run what bash runs to complete these words."""
    program = "import sys; sys.argv = ['towline']; from towline.__main__ import main; main()"
    asked = {"_TOWLINE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "KUBECONFIG": kubeconfig, SECONDS_VARIABLE: seconds, **asked},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def kubeconfig(server: Server, folder: Path) -> str:
    """Write the kubeconfig of a user of this server, and return its path."""
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return str(path)
