"""Many managed objects in one repository, one for each thing that others may do to them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from e2e.harness import identity, repositories
from e2e.harness.audit import AuditLog, Mark
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import GitServer
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually
from e2e.scenes import manifests
from e2e.scenes.drift import custom_kinds, end_state, kinds
from e2e.scenes.drift.kinds import Kind
from e2e.scenes.drift.other_writers import Thing

APP = "app"
MARKS = "towline.dev/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A repository whose objects are all applied; `before` is how they were then, by name."""

    cluster: Cluster
    audit: AuditLog
    repo: Repo
    repository: Repository
    things: Mapping[str, Thing]
    before: Mapping[str, Object]
    mark: Mark

    def wrongs(self, name: str) -> list[str]:
        """Say in what an object differs from what is declared, and in what it is not ours alone."""
        return self.wrongs_of(name, self.things[name].find())

    def wrongs_of(self, name: str, live: Object) -> list[str]:
        """Say what is wrong with an object that was read before; it is empty where there was none."""
        thing, before = self.things[name], self.before[name]
        if not live:
            return ["it does not exist"]
        wrongs = list(end_state.disagreements(thing.body, live))
        if end_state.entry(live, thing.ours) != end_state.entry(before, thing.ours):
            wrongs.append(f"our entry is {end_state.entry(live, thing.ours)}")
        if shared := end_state.co_owners(live, thing.ours):
            wrongs.append(f"others own what is ours: {shared}")
        if _marks(live) != _marks(before):
            wrongs.append(f"our marks are {_marks(live)}")
        if kinds.THEIRS in json.dumps(end_state.content(live)):
            wrongs.append(f"what they wrote is left: {end_state.content(live)}")
        return wrongs

    def uid(self, name: str) -> str:
        """Return the uid that an object had at first."""
        return str(self.before[name]["metadata"]["uid"])

    def until_restored(self, name: str, deadline: float) -> Object:
        """Wait until nothing is wrong with an object; returns it."""
        eventually(
            lambda: not self.wrongs(name),
            deadline=deadline,
            message=lambda: f"{name} as it is declared: {self.wrongs(name)}",
        )
        return self.things[name].read()

    def live(self) -> dict[str, Object]:
        """Return all objects that exist, by name, with one request for each kind."""
        one_of_each = {thing.kind.name: thing for thing in self.things.values()}
        found = (body for thing in one_of_each.values() for body in thing.siblings())
        return {body["metadata"]["name"]: body for body in found if body["metadata"]["name"] in self.things}

    def written(self) -> dict[str, list[str]]:
        """Return what we wrote since the first commit was applied, by the object's name."""
        found: dict[str, list[str]] = {name: [] for name in self.things}
        for event in self.audit.writes(self.mark, identity.OPERATOR):
            if event.namespace == self.repository.namespace and event.name in found:
                found[event.name].append(str(event))
        return found


@contextmanager
def set_up(
    cluster: Cluster, audit: AuditLog, server: GitServer, name: str, wanted: Mapping[str, str], **spec: object
) -> Iterator[Stage]:
    """Apply one object for each name in `wanted`, of the kind that it names; in the end nothing is left of them."""
    namespace = f"{name}-{secrets.token_hex(2)}"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    try:
        with custom_kinds.installed(cluster, f"{namespace}.example.com") as custom:
            known = {kind.name: kind for kind in (*kinds.BUILT_IN, *custom)}
            chosen = {name: known[kind] for name, kind in wanted.items()}
            things = {name: _thing(cluster, kind, namespace, name) for name, kind in chosen.items()}
            repo = server.create(namespace)
            sha = repo.commit(_files(things.values()))
            repository = repositories.create(cluster, namespace, APP, url=repo.url, **spec)
            repository.until_ready(sha, deadline=60)
            built = Stage(
                cluster=cluster,
                audit=audit,
                repo=repo,
                repository=repository,
                things=things,
                before={},
                mark=audit.mark(),
            )
            yield replace(built, before=built.live())
            repositories.abandon(cluster, namespace)
    finally:
        repositories.abandon(cluster, namespace)
        cluster.delete("v1", "Namespace", namespace)


def _thing(cluster: Cluster, kind: Kind, namespace: str, name: str) -> Thing:
    return Thing(
        cluster=cluster,
        kind=kind,
        namespace=namespace,
        name=name,
        body=kind.declare(name),
        ours=f"towline:{namespace}/{APP}",
    )


def _files(things: Iterable[Thing]) -> dict[str, str]:
    return {f"{thing.name}.yaml": manifests.text(thing.body) for thing in things}


def _marks(live: Object) -> dict[str, str]:
    metadata = live["metadata"]
    both = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    return {name: value for name, value in both.items() if name.startswith(MARKS)}
