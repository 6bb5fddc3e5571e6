"""Objects that GitRepositories of one url hand to each other: who declares what, and who owns it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.repositories import API, KIND, Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests

Owners = Mapping[str, str]
"""The GitRepository that declares each object, by the object's name; what nobody declares is not there."""


@dataclass(slots=True, kw_only=True)
class Crossings:
    """GitRepositories that each read a folder of their own name, and the ConfigMaps that cross between them."""

    cluster: Cluster
    repo: Repo
    namespace: str
    declared: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    apps: list[Repository] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)

    def begin(
        self, make: Callable[..., Repository], names: Iterable[str], owners: Owners, **spec: Mapping[str, Any]
    ) -> None:
        """Give each GitRepository an object that stays, and let them apply who owns what at first."""
        names = tuple(names)
        own = {f"{name}/own.yaml": manifests.text(manifests.config_map(f"own-{name}")) for name in names}
        sha = self.commit(owners, **own)
        self.apps = [make(name, path=name, interval="1h", **spec.get(name, {})) for name in names]
        self.until_settled(sha)

    def commit(self, owners: Owners, **more: str | None) -> str:
        """Declare in one commit each object where its owner is from now on; returns the sha."""
        gone = {_file(name, owner): None for name, owner in self.declared.items()}
        moved = {_file(name, owner): self._text(name) for name, owner in owners.items()}
        self.declared = dict(owners)
        sha = self.repo.commit({**gone, **moved, **more})
        for app in self.apps:
            app.annotate(reconcile=sha)
        return sha

    def until_settled(self, sha: str, *, deadline: float = 60.0) -> None:
        """Wait until all have applied a commit; each object has the owner that it names, and is still the same one."""
        eventually(
            lambda: all(_is_ready(each, sha) for each in self.cluster.list(API, KIND, self.namespace)),
            deadline=deadline,
            poll=0.5,
            message=lambda: f"{sha} applied by all; {self._unready()}",
        )
        self.check()

    def check(self) -> None:
        """Compare the owners with Git, and the UIDs with those of the last check."""
        found = self.objects()
        assert {name: owner(body) for name, body in found.items()} == self.declared
        uids = {name: body["metadata"]["uid"] for name, body in found.items()}
        stayed = uids.keys() & self.seen.keys()
        assert {name: uids[name] for name in stayed} == {name: self.seen[name] for name in stayed}
        self.seen = uids

    def objects(self) -> dict[str, Object]:
        """Return the objects that may cross, by name."""
        found = self.cluster.list("v1", "ConfigMap", self.namespace)
        return {
            body["metadata"]["name"]: body
            for body in found
            if body["metadata"]["name"].startswith("crossing-")
        }

    def told(self, name: str) -> set[tuple[str, str]]:
        """Return what the records of a GitRepository say was done to what crosses, after its first commit."""
        (app,) = (app for app in self.apps if app.name == name)
        changes = [change for record in app.records()[1:] for change in record["spec"].get("changes", [])]
        return {(change["action"], change["object"].rpartition("/")[2]) for change in changes}

    def _text(self, name: str) -> str:
        """Return the file that declares an object, the same wherever it is."""
        body = manifests.config_map(name, colour="blue")
        body["metadata"]["annotations"] = self.annotations
        return manifests.text(body)

    def _unready(self) -> str:
        """Say what the GitRepositories say that are not ready."""
        found = self.cluster.list(API, KIND, self.namespace)
        ready = {each["metadata"]["name"]: _ready(each) for each in found}
        return str({name: one.get("message") for name, one in ready.items() if one.get("status") != "True"})


def owner(body: Object) -> str:
    """Return the name of the GitRepository that owns an object, empty where none does."""
    labels = body["metadata"].get("labels") or {}
    return str(labels.get("towline.dev/repository", "")).partition(".")[2]


def _file(name: str, folder: str) -> str:
    return f"{folder}/{name}.yaml"


def _is_ready(repository: Object, sha: str) -> bool:
    applied = repository.get("status", {}).get("commit", {}).get("applied")
    return applied == sha and _ready(repository).get("reason") == "Succeeded"


def _ready(repository: Object) -> Object:
    conditions = repository.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == "Ready"), {})
