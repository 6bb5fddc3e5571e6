"""How others change objects: each way in which a write may reach the API server, under any manager's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes.dynamic.exceptions import DynamicApiError, NotFoundError

from e2e.harness.cluster import Cluster, Object
from e2e.scenes.drift.kinds import Kind

SOMEBODY = "somebody"
"""The manager of writes that name no other."""

OURS = ("towline.dev/", "kubernetes.io/change-cause")
"""How the names of our labels and annotations begin."""

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object in the cluster and how others write it; every write returns the object as it is then.

    `body` is what its author declares, `ours` the manager that applies it. A write that the API server refuses
    raises `DynamicApiError`.
    """

    cluster: Cluster
    kind: Kind
    namespace: str
    name: str
    body: Object
    ours: str

    @property
    def path(self) -> str:
        """Where it is on the API server."""
        return f"{self.kind.url(self.namespace)}/{self.name}"

    def read(self) -> Object:
        """Return it as it is."""
        return self._ask("GET", self.path)

    def find(self) -> Object:
        """Return it as it is, empty where it does not exist."""
        try:
            return self.read()
        except NotFoundError:
            return {}

    def siblings(self) -> list[Object]:
        """Return all objects of its kind and namespace."""
        found = self._ask("GET", self.kind.url(self.namespace))["items"]
        return [{"apiVersion": self.kind.api_version, "kind": self.kind.name, **body} for body in found]

    def put(self, body: Object, *, manager: str = SOMEBODY, subresource: str = "") -> Object:
        """Replace it whole."""
        return self._ask("PUT", self._at(subresource), body, [("fieldManager", manager)])

    def merge(self, change: Object, *, manager: str = SOMEBODY, subresource: str = "") -> Object:
        """Change it by a merge patch."""
        return self._patch(MERGE, change, manager, subresource)

    def strategic(self, change: Object) -> Object:
        """Change it by a strategic merge patch."""
        return self._patch(STRATEGIC, change, SOMEBODY, "")

    def json_patch(self, *steps: Mapping[str, Any], subresource: str = "") -> Object:
        """Change it by a JSON patch."""
        return self._patch(JSON_PATCH, list(steps), SOMEBODY, subresource)

    def apply(
        self, content: Object, *, manager: str = SOMEBODY, force: bool = True, subresource: str = ""
    ) -> Object:
        """Apply some of its content by server-side apply."""
        bare = self.kind.body(self.name)
        metadata = {**bare["metadata"], **content.get("metadata", {})}
        body = {**bare, **content, "metadata": metadata}
        query = [("fieldManager", manager), ("force", str(force).lower())]
        return self._ask("PATCH", self._at(subresource), json.dumps(body), query, APPLY)

    def delete(self) -> None:
        """Ask for its deletion."""
        self._ask("DELETE", self.path, {"propagationPolicy": "Background"})

    def attempted(self, *steps: Mapping[str, Any]) -> bool:
        """Change it by a JSON patch whose test may fail; tell whether it held."""
        try:
            self.json_patch(*steps)
        except DynamicApiError as refusal:
            if refusal.status == 422:
                return False
            raise
        return True

    def declared(self) -> Object:
        """Return what our manager applies: the body, and what is on the live object of us."""
        metadata = self.read()["metadata"]
        return {**self.body, "metadata": {**self.body["metadata"], **_stamps(metadata)}}

    def create(self, body: Object) -> Object:
        """Create an object of its kind and namespace."""
        return self._ask("POST", self.kind.url(self.namespace), body, [("fieldManager", SOMEBODY)])

    def _at(self, subresource: str) -> str:
        return f"{self.path}/{subresource}" if subresource else self.path

    def _patch(self, content_type: str, change: Any, manager: str, subresource: str) -> Object:
        return self._ask("PATCH", self._at(subresource), change, [("fieldManager", manager)], content_type)

    def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Sequence[tuple[str, str]] = (),
        content_type: str = "application/json",
    ) -> Object:
        answer = self.cluster.dynamic.request(
            method, path, body=body, query_params=list(query), content_type=content_type, serialize=False
        )
        found: Object = json.loads(answer.data)
        return found


def _stamps(metadata: Object) -> Object:
    """Return the labels and annotations that our manager holds."""
    return {
        field: {name: value for name, value in metadata[field].items() if name.startswith(OURS)}
        for field in ("labels", "annotations")
    }


def refused(code: int, write: Callable[[], object]) -> None:
    """Try a write that the API server must refuse with this status."""
    with pytest.raises(DynamicApiError) as refusal:
        write()
    assert refusal.value.status == code


def changed(body: Object, path: Sequence[str | int], value: Any) -> Object:
    """Return a copy with one value replaced, or added."""
    copy = deepcopy(body)
    place(copy, path[:-1])[path[-1]] = value
    return copy


def without(body: Object, path: Sequence[str | int]) -> Object:
    """Return a copy that lacks one value."""
    copy = deepcopy(body)
    del place(copy, path[:-1])[path[-1]]
    return copy


def place(body: Object, path: Sequence[str | int]) -> Any:
    """Return the value at a path; maps that are missing on the way are made."""
    found: Any = body
    for step in path:
        found = found.setdefault(step, {}) if isinstance(found, dict) else found[step]
    return found


def patch_of(body: Object, path: Sequence[str | int]) -> Object:
    """Return the merge patch that writes the value at `path` of `body`, a whole list where one is on the way."""
    length = next((index for index, step in enumerate(path) if isinstance(step, int)), len(path))
    patch: Any = place(body, path[:length])
    for step in reversed(path[:length]):
        patch = {step: patch}
    result: Object = patch
    return result


def pointer(path: Sequence[str | int]) -> str:
    """Return a path as a JSON pointer."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
