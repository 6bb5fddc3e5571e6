"""A loopback API server that takes patches of GitRepositories, and an operator that reacts as it is told."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.kube.api_of_bodies import ApiOfBodies

SHA = "1a2b3c4" + "0" * 33
APPLIED = 'Applied 1a2b3c4 "Raise the limit" by Ada'

Operator = Callable[[dict[str, Any]], None]
"""Changes the resource as the operator would after a patch."""


def condition(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def repository(**more: Any) -> dict[str, Any]:
    """A GitRepository that is ready; `more` replaces fields of spec, status and annotations."""
    conditions = [
        condition("Ready", "True", "Succeeded", APPLIED),
        condition("Suspended", "False", "Idle", "spec.suspend is not set"),
    ]
    metadata = {"namespace": "shop", "name": "shop", "uid": "uid-shop", "generation": 1}
    status = {
        "commit": {"applied": SHA},
        "conditions": conditions,
        "lastRecord": "shop-1a2b3c4d-00000007",
        **more.get("status", {}),
    }
    return {
        "apiVersion": "towline.dev/v1alpha1",
        "kind": "GitRepository",
        "metadata": metadata | {"annotations": more.get("annotations", {})} | more.get("metadata", {}),
        "spec": {"url": "https://git.example/shop"} | more.get("spec", {}),
        "status": status,
    }


def looks(body: dict[str, Any]) -> None:
    """React as the operator does when it is asked to look and all is well."""
    body["status"]["lastHandledReconcile"] = body["metadata"]["annotations"].get("towline.dev/reconcile", "")


class WritableApi(ApiOfBodies):
    """Serves one GitRepository, which may be patched by user `ada`.

    Args:
        body: the resource.
        operator: reacts to each patch.
        others: more objects.
    """

    def __init__(self, body: dict[str, Any], operator: Operator = looks, *others: dict[str, Any]) -> None:
        super().__init__(body, *others)
        self.body = body
        self.operator = operator
        self.patches: list[dict[str, Any]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/selfsubjectreviews"):
            return web.json_response({"status": {"userInfo": {"username": "ada"}}}, status=201)
        if request.method == "PATCH":
            return self._patched(json.loads(await request.read()))
        return await super().__call__(request)

    def _patched(self, patch: dict[str, Any]) -> web.StreamResponse:
        self.patches.append(patch)
        notes = self.body["metadata"]["annotations"]
        for name, value in patch["metadata"]["annotations"].items():
            notes.pop(name, None)
            if value is not None:
                notes[name] = value
        self.body["spec"] |= patch.get("spec", {})
        answer = copy.deepcopy(self.body)
        self.operator(self.body)
        return web.json_response(answer)
