"""A repository whose every commit creates, updates, adopts and prunes, and what its objects are in the end."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from e2e.harness import repositories
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Content, Repo
from e2e.harness.repositories import Repository
from e2e.scenes import manifests

KINDS = {
    "ConfigMap": "v1",
    "Secret": "v1",
    "ServiceAccount": "v1",
    "Service": "v1",
    "Role": "rbac.authorization.k8s.io/v1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One commit: 50 objects are created, updated, adopted or pruned by it.

    The objects named `found` are made by hand before, and pruned again by the next step.
    """

    number: int

    @property
    def side(self) -> str:
        return "even" if self.number % 2 == 0 else "odd"

    def found(self) -> list[Object]:
        names = [f"found-{self.side}-{index}" for index in range(4)]
        return [manifests.config_map(name, colour="theirs", left="behind") for name in names]

    def declared(self) -> list[Object]:
        colour = f"colour-{self.number}"
        kept = [manifests.config_map(f"kept-{index}", colour=colour) for index in range(14)]
        kept += [manifests.secret(f"kept-{index}", colour=colour) for index in range(6)]
        kept += [_headless(f"kept-{index}", colour) for index in range(6)]
        brought = [manifests.config_map(f"brought-{self.side}-{index}", colour=colour) for index in range(4)]
        brought += [manifests.service_account(f"brought-{self.side}-{index}") for index in range(2)]
        brought += [manifests.role(f"brought-{self.side}-{index}") for index in range(2)]
        adopted = [{**body, "data": {"colour": colour}} for body in self.found()]
        return [*kept, *brought, *adopted]

    def files(self) -> Mapping[str, Content]:
        """Return what the commit changes."""
        before = Step(number=self.number - 1) if self.number else None
        gone = {_file(body): None for body in before.declared()} if before else {}
        return {**gone, **{_file(body): manifests.text(body) for body in self.declared()}}


def _headless(name: str, colour: str) -> Object:
    body = manifests.service(name)
    return {**body, "spec": {**body["spec"], "clusterIP": "None", "selector": {"colour": colour}}}


def _file(body: Object) -> str:
    return f"{body['kind']}-{body['metadata']['name']}.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """One repository that follows a branch of its own, step by step."""

    cluster: Cluster
    repo: Repo
    repository: Repository

    @classmethod
    def begun(cls, cluster: Cluster, repo: Repo, namespace: str, step: Step, sha: str) -> Self:
        """Follow a new branch, which is called as the namespace is, and apply the first step."""
        spec = {"url": repo.url, "ref": {"branch": namespace}}
        repo.branch(namespace, at=sha)
        _make(cluster, namespace, step)
        repository = repositories.create(cluster, namespace, "app", **spec)
        repository.until_ready(sha)
        return cls(cluster=cluster, repo=repo, repository=repository)

    def take(self, step: Step, sha: str) -> None:
        """Make by hand what the step adopts, and move the branch to its commit."""
        _make(self.cluster, self.repository.namespace, step)
        self.repo.branch(self.repository.namespace, at=sha)
        self.repository.annotate(reconcile=sha)

    def deviate(self) -> None:
        """Edit some objects by hand, and delete others."""
        namespace = self.repository.namespace
        for index in range(10):
            change = {"data": {"colour": "by hand", "more": "by hand"}}
            self.cluster.patch("v1", "ConfigMap", f"kept-{index}", namespace, change)
        for index in range(10, 14):
            self.cluster.delete("v1", "ConfigMap", f"kept-{index}", namespace)

    def deviations(self) -> list[str]:
        """Return which of the objects that `deviate` touches are not what the files say."""
        found = self.cluster.list("v1", "ConfigMap", self.repository.namespace)
        colours = {body["metadata"]["name"]: body["data"].get("colour", "") for body in found}
        names = [f"kept-{index}" for index in range(14)]
        return [name for name in names if colours.get(name, "by hand") == "by hand"]

    def settled(self) -> bool:
        """Say whether the status has counted every declared object, and nothing has drifted."""
        status = self.repository.status()
        objects = status["objects"]
        return objects["declared"] == objects["synced"] == objects["healthy"] and not status.get("drift")

    def state(self) -> str:
        """Return everything that is the same in two clusters where the same happened, as text."""
        bodies = [body for kind, version in KINDS.items() for body in self._listed(version, kind)]
        told = json.dumps([*bodies, self._status()], indent=1, sort_keys=True)
        resource = self.repository.read()["metadata"]
        return told.replace(resource["uid"], "<uid>").replace(resource["namespace"], "<namespace>")

    def orphans(self) -> list[str]:
        """Return the objects that have our entry, but not our label and owner."""
        return [
            f"{body['kind']}/{body['metadata']['name']}"
            for kind, version in KINDS.items()
            for body in self.cluster.list(version, kind, self.repository.namespace)
            if _written(body) and not _owned(body)
        ]

    def _listed(self, version: str, kind: str) -> list[Object]:
        found = self.cluster.list(version, kind, self.repository.namespace)
        return sorted((_lasting(body) for body in found), key=lambda body: str(body["metadata"]["name"]))

    def _status(self) -> Object:
        status = self.repository.status()
        conditions = [
            {
                name: value
                for name, value in each.items()
                if name not in {"lastTransitionTime", "observedGeneration"}
            }
            for each in status["conditions"]
        ]
        return {"commit": status["commit"], "objects": status["objects"], "conditions": conditions}


def _make(cluster: Cluster, namespace: str, step: Step) -> None:
    for body in step.found():
        cluster.create({**body, "metadata": {**body["metadata"], "namespace": namespace}})


def _written(body: Object) -> bool:
    entries = body["metadata"].get("managedFields") or ()
    return any(entry["manager"].startswith("towline:") for entry in entries)


def _owned(body: Object) -> bool:
    metadata = body["metadata"]
    labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return "towline.dev/repository" in labels and "towline.dev/owner" in notes


def _lasting(body: Object) -> Object:
    """Return an object without what differs from one write to the next."""
    metadata = {name: value for name, value in body["metadata"].items() if name not in _PASSING}
    entries = [
        {name: value for name, value in entry.items() if name != "time"}
        for entry in metadata.get("managedFields", [])
    ]
    metadata["managedFields"] = sorted(entries, key=lambda entry: str(entry["manager"]))
    notes = metadata.get("annotations", {})
    if ADOPTED in notes:
        notes = {**notes, ADOPTED: "<time>"}
    if OWNER in notes:
        notes = {**notes, OWNER: _STAMP.sub(":<stamp>", notes[OWNER])}
    metadata["annotations"] = notes
    return {**body, "metadata": metadata}


ADOPTED = "towline.dev/adopted"
OWNER = "towline.dev/owner"
_STAMP = re.compile(r":[0-9a-f]{32}$")
"""What the operator's key makes of the owner: of its UID and its namespace, too."""

_PASSING = frozenset({"uid", "resourceVersion", "creationTimestamp", "generation"})
